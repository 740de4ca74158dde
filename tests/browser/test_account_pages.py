"""The pages of an account that `test_every_address` cannot reach: second factors, members, and links of mails."""

import datetime as dt
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
import qrcode  # type: ignore[import-untyped]
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.links import link_token
from accounts.models import AddressChange, Invitation, Membership, Seller, User
from tests.accounts.factors import APP, SECOND_STEP, SECURITY, code_of
from tests.browser.inspection import WAYS, Inspected, go
from tests.browser.shop import LONG_NAME
from tests.factories import MembershipFactory, SellerFactory, ThirdPartyAuthorizationFactory, UserFactory
from tests.people import signed_in

type ComeIn = Callable[[User], None]

MEMBERS = "/instellingen/medewerkers/"
LONG_ADDRESS = f"{'sanne' * 12}@{'boekenhoek' * 5}.example"
Role = Membership.Role


@pytest.fixture
def seller() -> Seller:
    return SellerFactory(display_name=LONG_NAME[:100], owner__user__email=LONG_ADDRESS)


def press_to(page: Page, button: str, heading: str) -> None:
    """Press a button and wait for the page that it leads to."""
    page.get_by_role("main").get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(heading)


def set_up_app(page: Page, code: str | None = None) -> str:
    """Fill in the code on the page that shows the secret; return the secret."""
    secret = page.locator("#sleutel").inner_text()
    page.get_by_role("textbox", name="Code").fill(code or code_of(secret, steps=-1))
    page.get_by_role("button", name="Aanzetten").click()
    return secret


# ---- Beveiliging ------------------------------------------------------------------------------------------


def test_second_factors(page: Page, seller: Seller, come_in: ComeIn, inspected: Inspected) -> None:
    user = seller.members.get()
    signed_in(user)  # on another device
    come_in(user)
    with inspected("Beveiliging without a factor", WAYS):
        UserSession.objects.update(user_agent=LONG_NAME)
        go(page, SECURITY)
    with inspected("a wrong code"):
        go(page, APP)
        set_up_app(page, "000000")
        expect(page.get_by_role("heading", name="Scannen is gelukt?")).to_be_visible()
    with inspected("authenticator app", WAYS):
        go(page, APP)
    with inspected("recovery codes", WAYS):
        secret = set_up_app(page)
        expect(page.get_by_role("heading", level=1)).to_contain_text("Bewaar je herstelcodes")
    passkey = Authenticator.objects.create(user=user, type="webauthn", data={"name": LONG_NAME[:100]})
    with inspected("Beveiliging with factors", WAYS):
        AddressChange.objects.create(user=user, former_email=user.email, email=f"nieuw-{LONG_ADDRESS}")
        go(page, SECURITY)
    for name, arguments in {
        "totp-remove": [],
        "recovery-codes": [],
        "passkey-rename": [passkey.pk],
        "passkey-remove": [passkey.pk],
    }.items():
        with inspected(name):
            go(page, reverse(f"accounts:{name}", args=arguments))
    passkey.delete()
    second_step(page, user, secret, come_in, inspected)


def second_step(page: Page, user: User, secret: str, come_in: ComeIn, inspected: Inspected) -> None:
    """Sign in again, with a wrong code and a right one, and prove it."""
    come_in(user)
    with inspected("second step", WAYS):
        go(page, SECOND_STEP)
    with inspected("second step, with errors"):
        page.get_by_label("Code uit je authenticator-app").fill("000000")
        press_to(page, "Doorgaan", "Nog één stap")
        expect(page.get_by_text("Deze code klopt niet")).to_have_count(2)
    with inspected("second step, with a wrong recovery code"):
        page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
        page.get_by_label("Herstelcode").fill("aaaaa-aaaaa")
        press_to(page, "Inloggen met herstelcode", "Nog één stap")
    with inspected("proof"):
        page.get_by_label("Code uit je authenticator-app").fill(code_of(secret))
        page.get_by_role("button", name="Doorgaan").click()
        page.wait_for_url("**/instellingen/**")
        go(page, reverse("account_reauthenticate"))


def test_qr_code_contains_the_secret_below_it(page: Page, come_in: ComeIn) -> None:
    user = UserFactory(email="sanne+winkel@boekenhoek.example")
    SellerFactory(owner__user=user)
    come_in(user)
    go(page, APP)
    secret = page.locator("#sleutel").inner_text()
    issuer = quote(settings.PORTAL_NAME)
    label = quote(f"{settings.PORTAL_NAME}:{user.email}")
    expected = qrcode.QRCode(border=0, error_correction=qrcode.constants.ERROR_CORRECT_M)
    expected.add_data(f"otpauth://totp/{label}?secret={secret}&issuer={issuer}")
    assert drawn_modules(page) == expected.get_matrix()


# Asks Chromium, not the markup, what is drawn: the centre of each module is painted or not.
MODULES = """svg => {
  const path = svg.querySelector("path"), side = svg.viewBox.baseVal.width - 8;
  const isDark = (x, y) => path.isPointInFill(new DOMPoint(x + 0.5, y + 0.5));
  return [...Array(side).keys()].map((y) => [...Array(side).keys()].map((x) => isDark(x, y)));
}"""


def drawn_modules(page: Page) -> list[list[bool]]:
    """Return the modules of the QR code, row by row; dark is True. Its quiet zone is 4 modules, as scanners need."""
    code = page.get_by_role("img", name="QR-code")
    assert re.match(r"-4 -4 ", code.get_attribute("viewBox") or "")
    modules: list[list[bool]] = code.evaluate(MODULES)
    return modules


# ---- Medewerkers ------------------------------------------------------------------------------------------


def test_members(page: Page, seller: Seller, come_in: ComeIn, inspected: Inspected) -> None:
    owner = seller.members.get()
    member = MembershipFactory(
        seller=seller, role=Role.TECHNICAL, user__name=LONG_NAME[:100], user__email=f"twee{LONG_ADDRESS}"
    )
    MembershipFactory(seller=seller, role=Role.READ_ONLY, user__is_active=False)
    ThirdPartyAuthorizationFactory(seller=seller, granted_by=member.user, third_party__name=LONG_NAME[:100])
    week_ago = timezone.now() - dt.timedelta(days=8)
    for email, sent_at in ((f"drie{LONG_ADDRESS}", timezone.now()), ("verlopen@winkel.example", week_ago)):
        Invitation.objects.create(seller=seller, email=email, role=Role.OWNER, invited_by=owner, sent_at=sent_at)
    come_in(owner)
    with inspected("Medewerkers", WAYS):
        go(page, MEMBERS)
    for name, button in {"member-role": "Opslaan", "member-remove": "Verwijderen"}.items():
        with inspected(name):
            go(page, reverse(f"accounts:{name}", args=[member.pk]))
            expect(page.get_by_role("main").get_by_role("button", name=button)).to_be_visible()
    with inspected("Uitnodigen, with errors"):
        go(page, f"{MEMBERS}uitnodigen/")
        page.get_by_role("main").locator("form").evaluate("form => form.submit()")
        expect(page.get_by_role("heading", name="Controleer wat je hebt ingevuld")).to_be_visible()
    with inspected("Mijn gegevens, with errors"):
        go(page, f"{SECURITY}gegevens/")
        page.get_by_label("E-mailadres").fill("geen adres")
        page.get_by_role("button", name="Opslaan").click()
        expect(page.get_by_role("heading", name="Controleer wat je hebt ingevuld")).to_be_visible()
    with inspected("Medewerkers, for a member who cannot change them"):
        come_in(member.user)
        go(page, MEMBERS)


# ---- Links of mails ---------------------------------------------------------------------------------------


def test_invitations(page: Page, seller: Seller, come_in: ComeIn, inspected: Inspected) -> None:
    invitation = Invitation.objects.create(
        seller=seller, email=f"drie{LONG_ADDRESS}", role=Role.TECHNICAL, invited_by=seller.members.get()
    )
    address = f"/uitnodiging/?token={quote(link_token('invitation', invitation.pk, invitation.nonce))}"
    with inspected("somebody new", WAYS):
        go(page, address)
    with inspected("somebody new, with errors"):
        press_to(page, "Accepteren", "Meewerken aan")
        expect(page.get_by_role("heading", name="Controleer wat je hebt ingevuld")).to_be_visible()
    with inspected("somebody else"):
        come_in(seller.members.get())
        go(page, address, 403)
    with inspected("the account that was invited"):
        come_in(UserFactory(email=invitation.email))
        go(page, address)
    with inspected("gone"):
        go(page, "/uitnodiging/?token=x", 410)


def test_changes_of_address(page: Page, seller: Seller, inspected: Inspected) -> None:
    change = AddressChange.objects.create(
        user=seller.members.get(), former_email=LONG_ADDRESS, email=f"nieuw-{LONG_ADDRESS}"
    )
    for purpose, confirmed_at in (("confirm-address", None), ("undo-address-change", timezone.now())):
        AddressChange.objects.update(confirmed_at=confirmed_at)
        with inspected(purpose):
            go(page, reverse(purpose, query={"token": link_token(purpose, change.pk, change.nonce)}))
        with inspected(f"{purpose}, gone"):
            go(page, reverse(purpose, query={"token": "x"}), 410)

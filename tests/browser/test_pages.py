"""Every page, in every state: WCAG 2.2 AA, light and dark, from 320 px to a desktop, under the strict policy."""

from collections.abc import Callable
from itertools import batched
from unittest.mock import Mock

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.db import OperationalError
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from accounts.models import Actor, Membership, Seller, User
from apicredentials.models import ThirdPartyLogo
from apicredentials.models.contacts import confirmation_token
from portal import machine_urls
from tests.browser.inspection import WAYS, Inspected, go
from tests.browser.party import Party
from tests.browser.shop import LOGO, LONG_NAME, fill
from tests.factories import (
    ClientCredentialFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
    UserFactory,
)
from tests.inventory import Address, addresses, belongings
from tests.oauth.flow import request_address, software

type ComeIn = Callable[[User], None]

SETTINGS = "/instellingen/api/"


# ---- The shop -------------------------------------------------------------------------------------------


@pytest.fixture
def user() -> User:
    user: User = UserFactory(name="Sanne de Vries", email=f"{'sanne' * 12}@{'boekenhoek' * 5}.example")
    return user


@pytest.fixture
def seller(user: User) -> Seller:
    """The seller that `user` works for first; there is a second one to switch to."""
    SellerFactory(display_name="Winkel die later komt", owner__user=user)
    seller: Seller = SellerFactory(display_name="A-boekhandel Kinderboekenspeciaalzaak", owner__user=user)
    TechnicalContactFactory(seller=seller, confirmed_at=None, email=user.email)
    fill(seller, user)
    return seller


# ---- Every address ----------------------------------------------------------------------------------------

MACHINES = {pattern.name for pattern in machine_urls.urlpatterns}
# Pages that need something made first are in test_account_pages.py.
NO_PAGE = {
    "root": "leads to the settings",
    "apicredentials:contact-resend": "leads to the settings, which have its button",
    "apicredentials:activity-export": "is a file",
    "help-openapi": "is a file",
    "mfa_login_webauthn": "is for a script",
    "mfa_authenticate": "takes a sign-in that is halfway",
    "invitation": "takes the link of a mail",
    "confirm-address": "takes the link of a mail",
    "undo-address-change": "takes the link of a mail",
    "accounts:totp-remove": "takes an authenticator app",
    "accounts:recovery-codes": "takes a second factor",
    "accounts:passkey-rename": "takes a passkey",
    "accounts:passkey-remove": "takes a passkey",
    "accounts:session-end": "takes another session",
    "accounts:member-role": "takes another member",
    "accounts:member-remove": "takes another member",
    "accounts:invitation-resend": "takes an invitation",
    "accounts:invitation-withdraw": "takes an invitation",
    "logo": "is a picture",
}
BEFORE_SIGN_IN = ("account_login", "account_inactive", "account_reset_password", "contact-confirm")
ADDRESSES = [
    address
    for address in addresses()
    if address.name not in MACHINES | NO_PAGE.keys() and not address.route.startswith("beheer/")
]


def place(address: Address, user: User, seller: Seller) -> str:
    """Return where to find a page, as somebody finds it who was led there."""
    match address.name:
        case "account_reset_password_from_key":
            return address.url({"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)})
        case "contact-confirm":
            return f"{address.url({})}?token={confirmation_token(seller.technical_contact.pk, user.email)}"
        case "authorize":
            return request_address(software(ThirdPartyFactory(name=LONG_NAME[-100:])))
        case _:
            return address.url(belongings(seller, address) if address.parameters else {})


@pytest.mark.parametrize("some", [*batched(ADDRESSES, 5)], ids=lambda some: some[0].name)
def test_every_address(
    some: tuple[Address, ...], page: Page, seller: Seller, come_in: ComeIn, inspected: Inspected
) -> None:
    user = seller.members.get()
    for address in some:
        with inspected(address.name, WAYS):
            if address.name.startswith(BEFORE_SIGN_IN):
                page.context.clear_cookies()
            elif not any(cookie.get("name") == settings.SESSION_COOKIE_NAME for cookie in page.context.cookies()):
                come_in(user)
            where = place(address, user, seller)
            go(page, where)
            if address.name != "account_reset_password_from_key":  # takes its key out of the address
                assert page.url.endswith(where), f"{where} leads to {page.url}: to be named in NO_PAGE?"


# ---- Other states of those pages --------------------------------------------------------------------------


def press(page: Page, button: str, within: str = "main") -> None:
    """Press the first button of that name."""
    page.locator(within).get_by_role("button", name=button, exact=True).first.click()


def press_for(page: Page, button: str, status: int) -> None:
    """Press a button and expect a page with this status."""
    with page.expect_navigation() as navigation:
        press(page, button)
    answer = navigation.value
    assert answer
    assert answer.status == status


def expect_heading(page: Page, text: str, within: str = "main") -> None:
    """Wait for the page or dialog whose heading has this in it."""
    expect(page.locator(within).get_by_role("heading", level=1)).to_contain_text(text)


def expect_errors(page: Page, within: str = "main") -> None:
    """Wait for the summary of a form's errors."""
    expect(page.locator(within).get_by_role("heading", name="Controleer wat je hebt ingevuld")).to_be_visible()


def test_menus(page: Page, seller: Seller, come_in: ComeIn, inspected: Inspected) -> None:
    come_in(seller.members.get())
    go(page, "/instellingen/")
    for number, menu in enumerate(("the sellers", "the account")):
        with inspected(menu):
            page.locator("details.menu > summary").nth(number).click()
            expect(page.locator("details.menu[open] > .menu__list")).to_be_visible()
    with inspected("all that opens on the settings"):
        go(page, SETTINGS)
        page.locator("details:not(.menu)").evaluate_all("all => all.forEach(each => each.open = true)")


def test_settings(page: Page, user: User, come_in: ComeIn, inspected: Inspected) -> None:
    come_in(user)
    with inspected("no seller"):
        go(page, SETTINGS, 403)
        expect_heading(page, "Nog geen verkopersaccount")
    seller = SellerFactory(owner__user=user)
    with inspected("no contact yet"):
        go(page, SETTINGS)
    with inspected("a contact with errors"):
        press_for(page, "Opslaan", 422)
        expect_errors(page)
    with inspected("nothing done yet"):
        go(page, reverse("apicredentials:activity"))
    TechnicalContactFactory(seller=seller)
    with inspected("nothing made yet"):
        go(page, SETTINGS)
    fill(seller, user)
    seller.memberships.update(role=Membership.Role.READ_ONLY)
    with inspected("read only"):
        go(page, SETTINGS)


def test_dialog_with_errors(page: Page, user: User, come_in: ComeIn, inspected: Inspected) -> None:
    TechnicalContactFactory(seller=SellerFactory(owner__user=user))
    come_in(user)
    with inspected("Aanmaken", WAYS):
        go(page, SETTINGS)
        press(page, "Aanmaken")
        press(page, "Aanmaken", "dialog")
        expect_errors(page, "dialog")


def test_answers_without_script(page: Page, seller: Seller, come_in: ComeIn, inspected: Inspected) -> None:
    """The pages that stand in for a dialog; a form that is sent by `submit()` passes our script by."""
    credential = ClientCredentialFactory(seller=seller, name=LONG_NAME[-100:])
    come_in(seller.members.get())
    for heading in ("Client secret van", "is al getoond"):
        with inspected(heading):
            go(page, reverse("apicredentials:credential-reveal", args=[credential.client_id]))
            page.locator("main form").evaluate("form => form.submit()")
            expect_heading(page, heading)


def test_forms_with_errors(page: Page, seller: Seller, come_in: ComeIn, inspected: Inspected) -> None:
    buttons = {
        "account_login": "Inloggen",
        "account_reset_password": "Link versturen",
        "account_change_password": "Wachtwoord opslaan",
        "account_reauthenticate": "Bevestigen",
    }
    for name, button in buttons.items():
        with inspected(name):
            if not name.startswith(BEFORE_SIGN_IN):
                come_in(seller.members.get())
            go(page, reverse(name))
            press(page, button)
            expect_errors(page)


def test_consent(page: Page, seller: Seller, party: Party, come_in: ComeIn, inspected: Inspected) -> None:
    user = seller.members.get()
    with inspected("sign-in"):
        go(page, party.request_address)
        expect(page.get_by_role("main")).to_contain_text(f"Doorgaan naar {party.name}")
    come_in(user)
    ThirdPartyLogo.set_for(party.registered, LOGO, by=Actor())
    with inspected("perhaps the wrong shop"):
        other = user.sellers.exclude(pk=seller.pk).get()
        ThirdPartyAuthorizationFactory(seller=other, third_party=party.registered)
        go(page, party.request_address)
        expect(page.get_by_text("Let op:")).to_be_visible()
    with inspected("no rights"):
        for none in page.get_by_label("Geen").all():
            none.check()
        press_for(page, "Toestaan", 422)
        expect_errors(page)
    with inspected("a request that is wrong"):
        go(page, "/authorize?client_id=niemand", 400)


# ---- Errors -----------------------------------------------------------------------------------------------


def test_refusals(page: Page, seller: Seller, come_in: ComeIn, inspected: Inspected, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"reset_password": "1/m/ip"}
    with inspected("429"):
        for status in (200, 429):
            go(page, reverse("account_reset_password"))
            page.get_by_label("E-mailadres").fill("sanne@winkel.example")
            press_for(page, "Link versturen", status)
    come_in(seller.members.get())
    with inspected("400"):
        go(page, f"/instellingen/verkoper/?{'veel&' * 1000}", 400)
    with inspected("404"):
        go(page, "/bestaat-niet/", 404)
    with inspected("403, for the form"):
        go(page, reverse("apicredentials:contact"))
        page.context.clear_cookies(name="csrftoken")
        press_for(page, "Opslaan", 403)
        expect_heading(page, "Dit formulier is verlopen")
    with inspected("403, for the role"):
        go(page, reverse("apicredentials:contact"))
        seller.memberships.update(role=Membership.Role.READ_ONLY)
        press_for(page, "Opslaan", 403)
        expect_heading(page, "Dit mag je niet doen")


def test_failures(
    page: Page, seller: Seller, come_in: ComeIn, inspected: Inspected, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_in(seller.members.get())
    for error, status in ((ZeroDivisionError, 500), (OperationalError, 503)):
        with inspected(str(status)):
            monkeypatch.setattr("portal.views.render", Mock(side_effect=error))
            go(page, "/instellingen/", status)

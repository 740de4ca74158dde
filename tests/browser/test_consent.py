"""A third party asks for access, and the browser really goes there and back between two sites."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from apicredentials.models import ThirdPartyAuthorization
from tests.browser.party import Party
from tests.factories import PASSWORD, SellerFactory, TechnicalContactFactory, UserFactory
from tests.oauth.flow import ISSUER, STATE

type ComeIn = Callable[[User], None]

WITH_AND_WITHOUT_SCRIPT = pytest.mark.parametrize(
    (),
    [
        pytest.param(id="script"),
        pytest.param(id="no-script", marks=pytest.mark.browser_context_args(java_script_enabled=False)),
    ],
)


@pytest.fixture
def owner() -> User:
    user = UserFactory(name="Sanne de Vries")
    TechnicalContactFactory(seller=SellerFactory(display_name="De Boekenhoek", owner__user=user))
    return user


def sign_in(page: Page, user: User) -> None:
    page.get_by_label("E-mailadres").fill(user.email)
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.get_by_role("button", name="Inloggen").click()


def expect_consent(page: Page, party: Party, shop: str) -> None:
    """Expect the consent page: who asks, for which seller."""
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{party.name} toegang geven?")
    expect(page.get_by_role("main")).to_contain_text(shop)


@WITH_AND_WITHOUT_SCRIPT
def test_allow(page: Page, party: Party, owner: User) -> None:
    page.goto(party.url)
    page.get_by_role("link", name="Koppelen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Doorgaan naar {party.name}")
    sign_in(page, owner)
    expect_consent(page, party, "De Boekenhoek")
    expect(page.get_by_role("main")).to_contain_text(party.url.removeprefix("http://"))
    page.get_by_role("radiogroup", name="Facturen").get_by_label("Geen").check()
    page.get_by_role("button", name="Toestaan").click()

    expect(page.get_by_role("heading")).to_have_text("Terug bij de partij")
    assert page.url.startswith(f"{party.redirect_uri}?")
    assert party.received == {"code": party.received["code"], "state": STATE, "iss": ISSUER}
    tokens = party.exchange().json()
    assert party.call(tokens["access_token"]) == 200
    assert "invoices:read" not in tokens["granted_scope"].split()
    assert "orders:manage" in tokens["granted_scope"].split()
    assert party.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 200


@WITH_AND_WITHOUT_SCRIPT
def test_refuse(page: Page, party: Party, owner: User, come_in: ComeIn) -> None:
    come_in(owner)
    page.goto(party.url)
    page.get_by_role("link", name="Koppelen").click()
    page.get_by_role("button", name="Weigeren").click()
    expect(page.get_by_role("heading")).to_have_text("Terug bij de partij")
    assert party.received == {"error": "access_denied", "state": STATE, "iss": ISSUER}
    assert not ThirdPartyAuthorization.objects.exists()


def test_no_site_can_frame_the_portal(
    page: Page, party: Party, owner: User, come_in: ComeIn, problems: list[str]
) -> None:
    come_in(owner)
    page.goto(f"{party.url}/frame")
    frame = page.frames[1]
    frame.wait_for_load_state()
    assert frame.get_by_role("button").count() == 0
    assert "frame-ancestors 'none'" in problems.pop()


def test_another_seller_of_mine(page: Page, party: Party, owner: User, come_in: ComeIn) -> None:
    """Ander account leads back to the same request."""
    other = SellerFactory(display_name="De Platenzaak", owner__user=owner)
    come_in(owner)
    page.goto(party.request_address)
    expect_consent(page, party, "De Boekenhoek")
    page.get_by_role("link", name="Ander account").click()
    page.get_by_role("main").get_by_role("button", name="De Platenzaak").click()
    expect_consent(page, party, "De Platenzaak")
    page.get_by_role("button", name="Toestaan").click()
    expect(page.get_by_role("heading")).to_have_text("Terug bij de partij")
    assert ThirdPartyAuthorization.objects.get().seller == other


def test_another_user(page: Page, party: Party, owner: User, come_in: ComeIn) -> None:
    """Whoever signs in instead is led back to the same request, too."""
    stranger = UserFactory()
    SellerFactory(display_name="De Platenzaak", owner__user=stranger)
    come_in(owner)
    page.goto(party.request_address)
    page.get_by_role("link", name="Ander account").click()
    page.get_by_role("button", name="Met een ander e-mailadres inloggen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Doorgaan naar {party.name}")
    sign_in(page, stranger)
    expect_consent(page, party, "De Platenzaak")
    page.get_by_role("button", name="Weigeren").click()
    expect(page.get_by_role("heading")).to_have_text("Terug bij de partij")
    assert party.received["state"] == STATE


def test_a_party_may_ask_for_a_new_sign_in(page: Page, party: Party, owner: User, come_in: ComeIn) -> None:
    """`prompt=login`: the password first, then the same page."""
    come_in(owner)
    page.goto(f"{party.request_address}&prompt=login")
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.get_by_role("button", name="Bevestigen").click()
    expect_consent(page, party, "De Boekenhoek")
    page.get_by_role("button", name="Toestaan").click()
    expect(page.get_by_role("heading")).to_have_text("Terug bij de partij")
    assert party.exchange().status_code == 200

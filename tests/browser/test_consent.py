"""A third party asks for access, and the browser really goes there and back between two sites."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from apicredentials.models import ThirdPartyAuthorization
from tests.browser.party import Party, run_party
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
    page.get_by_role("button", name="Inloggen", exact=True).click()


def expect_consent(page: Page, party: Party, shop: str) -> None:
    """Expect the consent page: who asks, for which seller."""
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{party.name} toegang geven?")
    expect(page.get_by_role("main")).to_contain_text(shop)


@WITH_AND_WITHOUT_SCRIPT
def test_allow(page: Page, party: Party, owner: User) -> None:
    page.goto(party.url)
    page.get_by_role("link", name="Koppelen").click()
    expect(page.get_by_role("main")).to_contain_text(f"Doorgaan naar {party.name}")
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


@pytest.mark.parametrize("button", ["Toestaan", "Weigeren"])
def test_callback_may_redirect_to_another_origin(
    page: Page, party: Party, owner: User, come_in: ComeIn, button: str
) -> None:
    """Chromium applies the page's form-action to the redirects of the callback too."""
    come_in(owner)
    with run_party(party.portal) as elsewhere:
        party.onward = f"{elsewhere.url}/welkom"
        page.goto(party.request_address)
        page.get_by_role("button", name=button).click()
        expect(page).to_have_url(party.onward)
    assert party.returns


@pytest.mark.parametrize("button", ["Toestaan", "Weigeren"])
def test_redirect_uri_with_an_ipv6_address(
    page: Page, owner: User, come_in: ComeIn, base_url: str, button: str
) -> None:
    """An IPv6 literal is no valid source in a content security policy."""
    come_in(owner)
    with run_party(base_url, host="::1") as party:
        page.goto(party.request_address)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("heading")).to_have_text("Terug bij de partij")


@pytest.mark.parametrize("prompt", [None, "login"])
def test_pop_up_stays_connected_to_the_party(
    page: Page, party: Party, owner: User, come_in: ComeIn, prompt: str | None
) -> None:
    """Through sign-in or proof of identity, consent and the callback, which sends the party's page a message."""
    if prompt:
        come_in(owner)
        party.request_parameters["prompt"] = prompt
    page.goto(f"{party.url}/popup")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Koppelen").click()
    popup = opened.value
    if prompt:
        popup.get_by_label("Wachtwoord").fill(PASSWORD)
        popup.get_by_role("button", name="Bevestigen").click()
    else:
        sign_in(popup, owner)
    popup.get_by_role("button", name="Toestaan").click()
    expect(page.get_by_role("heading")).to_have_text("klaar")


def test_pop_up_with_an_error_stays_connected_to_the_party(page: Page, party: Party) -> None:
    party.request_parameters["redirect_uri"] = "https://elders.example/"
    page.goto(f"{party.url}/popup")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Koppelen").click()
    expect(opened.value.get_by_role("heading")).to_have_text("Verbinden lukt niet")
    assert page.evaluate("window.popup.closed") is False


def test_no_site_can_frame_the_portal(
    page: Page, party: Party, owner: User, come_in: ComeIn, problems: list[str]
) -> None:
    come_in(owner)
    page.goto(f"{party.url}/frame")
    frame = page.frames[1]
    frame.wait_for_load_state()
    assert frame.get_by_role("button").count() == 0
    assert "frame-ancestors 'none'" in problems.pop()


def test_consent_for_another_seller_of_the_user(page: Page, party: Party, owner: User, come_in: ComeIn) -> None:
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


def test_sign_in_as_another_user(page: Page, party: Party, owner: User, come_in: ComeIn) -> None:
    """Signing in as another user also leads back to the same request."""
    stranger = UserFactory()
    SellerFactory(display_name="De Platenzaak", owner__user=stranger)
    come_in(owner)
    page.goto(party.request_address)
    page.get_by_role("link", name="Ander account").click()
    page.get_by_role("button", name="Met een ander e-mailadres inloggen").click()
    expect(page.get_by_role("main")).to_contain_text(f"Doorgaan naar {party.name}")
    sign_in(page, stranger)
    expect_consent(page, party, "De Platenzaak")
    page.get_by_role("button", name="Weigeren").click()
    expect(page.get_by_role("heading")).to_have_text("Terug bij de partij")
    assert party.received["state"] == STATE


def test_party_may_ask_for_a_new_sign_in(page: Page, party: Party, owner: User, come_in: ComeIn) -> None:
    """`prompt=login`: the password first, then the same page."""
    come_in(owner)
    page.goto(f"{party.request_address}&prompt=login")
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.get_by_role("button", name="Bevestigen").click()
    expect_consent(page, party, "De Boekenhoek")
    page.get_by_role("button", name="Toestaan").click()
    expect(page.get_by_role("heading")).to_have_text("Terug bij de partij")
    assert party.exchange().status_code == 200

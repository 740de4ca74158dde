"""Passkeys in Chromium, with a virtual authenticator: as first factor, as second step and as proof of identity."""

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import CDPSession, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.factories import PASSWORD, SellerFactory

SECURITY = "/instellingen/beveiliging/"


@pytest.fixture
def user(transactional_db: None) -> User:
    return SellerFactory(owner__user__email="sanne@winkel.example").members.get()


@pytest.fixture
def authenticator(page: Page, live_server: LiveServer, settings: Settings) -> Iterator[CDPSession]:
    """A phone or laptop with a fingerprint, for the relying party at the live server's host."""
    settings.ISSUER_URL = live_server.url
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield session
    session.detach()


def sign_in(page: Page, user: User) -> None:
    page.goto("/inloggen/")
    page.get_by_label("E-mailadres").fill(user.email)
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.get_by_role("button", name="Inloggen", exact=True).click()


def sign_out(page: Page) -> None:
    page.context.clear_cookies()


def add_passkey(page: Page) -> None:
    page.goto(f"{SECURITY}passkeys/toevoegen/")
    page.get_by_label("Naam").fill("Laptop kantoor")
    page.get_by_role("button", name="Passkey toevoegen").click()
    expect(page.get_by_role("heading", name="Bewaar je herstelcodes")).to_be_visible()


def test_passkey_signs_in_without_a_password(page: Page, authenticator: CDPSession, user: User) -> None:
    sign_in(page, user)
    add_passkey(page)
    sign_out(page)
    page.goto("/inloggen/?next=/instellingen/medewerkers/")
    page.get_by_role("button", name="Inloggen met passkey").click()
    expect(page).to_have_url("/instellingen/medewerkers/")
    page.goto(SECURITY)
    expect(page.get_by_role("heading", name="Laptop kantoor")).to_be_visible()
    assert Authenticator.objects.get(type="webauthn").last_used_at is not None


def test_passkey_is_the_second_step_and_the_proof(page: Page, authenticator: CDPSession, user: User) -> None:
    sign_in(page, user)
    add_passkey(page)
    sign_out(page)
    sign_in(page, user)
    expect(page.get_by_role("heading", name="Nog één stap")).to_be_visible()
    page.get_by_role("button", name="Gebruik je passkey").click()
    expect(page).to_have_url("/instellingen/api/")
    page.goto(f"/inloggen/bevestigen/?next={SECURITY}gegevens/")
    page.get_by_role("button", name="Gebruik je passkey").click()
    expect(page.get_by_role("heading", name="Mijn gegevens")).to_be_visible()


def test_second_passkey_on_one_device_says_that_there_is_one(page: Page, authenticator: CDPSession, user: User) -> None:
    sign_in(page, user)
    add_passkey(page)
    page.goto(f"{SECURITY}passkeys/toevoegen/")
    page.get_by_role("button", name="Passkey toevoegen").click()
    expect(page.get_by_text("Op dit apparaat staat al een passkey voor je account.")).to_be_visible()


def test_refused_passkey_says_so(page: Page, authenticator: CDPSession, user: User, problems: list[str]) -> None:
    page.goto("/inloggen/")
    page.get_by_role("button", name="Inloggen met passkey").click()
    expect(page.get_by_text("Dat lukt niet. Probeer het opnieuw, of gebruik een andere manier.")).to_be_visible()
    assert user.last_login is None

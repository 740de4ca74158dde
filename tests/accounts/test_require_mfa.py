"""REQUIRE_MFA: who is led to Beveiliging, what else they can open, and where they go afterwards."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Actor, Membership, User
from apicredentials.models import ThirdPartyLogo
from tests.accounts.factors import APP, SECURITY, code_of, set_up_app
from tests.admin.pictures import PNG
from tests.factories import MembershipFactory, ThirdPartyFactory, UserFactory
from tests.inventory import MEMBERS_PAGES
from tests.journeys.pages import Page
from tests.people import says, signed_in

pytestmark = pytest.mark.django_db

ADMIN = "/beheer/"
Role = Membership.Role
PEOPLE = {
    "operator": lambda: UserFactory(is_staff=True, is_superuser=True),
    "owner": lambda: MembershipFactory(role=Role.OWNER).user,
    "reader": lambda: MembershipFactory(role=Role.READ_ONLY).user,
}
COVERED = {"off": set(), "staff": {"operator"}, "owners": {"operator", "owner"}, "all": {"operator", "owner", "reader"}}


@pytest.fixture
def operator() -> User:
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("level", COVERED)
def test_level_covers_the_users_it_names(settings: Settings, level: str, who: str) -> None:
    settings.REQUIRE_MFA = level
    answer = signed_in(PEOPLE[who]()).get("/instellingen/verkoper/")
    assert (answer.status_code == 302) == (who in COVERED[level])
    assert answer.headers.get("Location", SECURITY) == SECURITY


@pytest.mark.parametrize("level", ["staff", "owners", "all"])
def test_admin_refuses_staff_without_a_factor(settings: Settings, operator: User, level: str) -> None:
    settings.REQUIRE_MFA = level
    client = signed_in(operator)
    for address in (ADMIN, "/beheer/accounts/user/", "/beheer/login/"):
        assert client.get(address)["Location"] == SECURITY
        assert client.post(address)["Location"] == SECURITY


def test_off_opens_the_admin_to_staff_without_a_factor(settings: Settings, operator: User) -> None:
    settings.REQUIRE_MFA = "off"
    assert signed_in(operator).get(ADMIN).status_code == 200


def test_user_returns_to_the_request_after_setting_up_a_factor(settings: Settings, operator: User) -> None:
    settings.REQUIRE_MFA = "staff"
    client = signed_in(operator)
    following = "/beheer/accounts/user/?q=sanne"
    assert client.get(following)["Location"] == SECURITY
    page = client.get(SECURITY)
    assert "Voor jouw account is een tweede stap verplicht." in says(page)
    form_page = Page(client.get(APP).content.decode(), APP)
    assert form_page.form("Aanzetten")
    secret, codes = set_up_app(client)
    assert secret
    assert codes
    assert client.get(following).status_code == 200


def test_every_step_of_setting_up_names_the_waiting_party_and_leads_to_it(settings: Settings) -> None:
    settings.REQUIRE_MFA = "owners"
    party = ThirdPartyFactory(name="Orderwijs", pkce_required=False)
    ThirdPartyLogo.set_for(party, PNG, by=Actor())
    request = f"/authorize?client_id={party.client_id}&response_type=code&redirect_uri={party.redirect_uris}&state=a"
    client = signed_in(MembershipFactory(role=Role.OWNER).user)
    first = client.get(request)
    assert first["Location"] == SECURITY
    client.get("/instellingen/api/activiteit/")  # does not displace it
    pages = [client.get(address) for address in (SECURITY, APP)]
    assert client.get(party.logo.url).status_code == 200
    assert all("Doorgaan naar Orderwijs" in says(page) for page in pages)
    page = client.get(APP).content.decode()
    secret = Page(page, APP).at("sleutel")
    assert secret
    done = client.post(APP, Page(page, APP).form("Aanzetten").fill(Code=code_of(secret.words)))
    assert "Doorgaan naar Orderwijs" in says(done)
    assert {page["Cross-Origin-Opener-Policy"] for page in (first, *pages, done)} == {"unsafe-none"}
    assert Page(done.content.decode(), APP).link("Ik heb ze bewaard") == request
    assert client.get(request).status_code == 200
    assert "Doorgaan naar" not in says(client.get(SECURITY))


def test_covered_user_opens_only_the_pages_that_set_up_a_factor(settings: Settings) -> None:
    settings.REQUIRE_MFA = "all"
    client = signed_in(MembershipFactory().user)
    pages = [address.url({}) for address in MEMBERS_PAGES if not address.parameters]
    opened = {page for page in [*pages, "/", "/hulp/", ADMIN] if client.get(page).status_code == 200}
    assert opened == {SECURITY, APP, f"{SECURITY}passkeys/toevoegen/"}


def test_covered_user_can_sign_out(settings: Settings, operator: User) -> None:
    settings.REQUIRE_MFA = "all"
    client = signed_in(operator)
    assert client.post("/uitloggen/")["Location"] == "/inloggen/"


def test_signed_out_pages_and_machines_are_not_affected(settings: Settings) -> None:
    settings.REQUIRE_MFA = "all"
    client = Client()
    for address in ("/inloggen/", "/wachtwoord/vergeten/", "/healthz"):
        assert client.get(address).status_code == 200
    assert client.get("/verify").status_code == 401

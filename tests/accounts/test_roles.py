"""The rights of the four roles: read-only members see everything and change nothing."""

from urllib.parse import urlencode

import pytest

from accounts.models import Capability, Membership
from apicredentials.models import ClientCredential
from tests.factories import MembershipFactory, TechnicalContactFactory, ThirdPartyFactory, UserFactory
from tests.inventory import MEMBERS_PAGES, SELLERS_PAGES, Address, belongings, own_values, tables
from tests.journeys.pages import Page
from tests.people import says, signed_in
from tests.rights import posted

pytestmark = pytest.mark.django_db

Role = Membership.Role
SETTINGS = "/instellingen/api/"
WRITERS = [Role.OWNER, Role.ADMINISTRATOR, Role.TECHNICAL]


@pytest.fixture
def reader() -> Membership:
    return MembershipFactory(role=Role.READ_ONLY)


def test_role_labels_are_exact() -> None:
    assert Role.labels == ["Eigenaar", "Beheerder", "Technisch", "Alleen lezen"]


# The rights of each role, as product.md lists them.
RIGHTS = {
    Role.OWNER: {Capability.API, Capability.CONTACT, Capability.MEMBERS},
    Role.ADMINISTRATOR: {Capability.API, Capability.CONTACT},
    Role.TECHNICAL: {Capability.API},
    Role.READ_ONLY: set[Capability](),
}
# Pages to look at. The pages of one's own account are open to every role too.
LOOKING = {
    "settings-index",
    "accounts:members",
    "accounts:switch-seller",
    *(
        f"apicredentials:{name}"
        for name in ("settings", "activity", "activity-export", "credential", "credential-use", "authorization")
    ),
}
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "POST"]
FIELDS = {"name": "X", "email": "x@winkel.example", "overlap": "0", "role": "owner", **posted(["orders:read"])}


def required_right(address: Address) -> Capability | None:
    if address.name in LOOKING or "beveiliging/" in address.route:
        return None
    if "medewerkers/" in address.route:
        return Capability.MEMBERS
    return Capability.CONTACT if "api/contact/" in address.route else Capability.API


@pytest.mark.parametrize("address", MEMBERS_PAGES, ids=str)
@pytest.mark.parametrize("role", RIGHTS)
def test_role_opens_and_changes_what_its_rights_allow(role: Role, address: Address) -> None:
    membership = MembershipFactory(role=role)
    client = signed_in(membership.user)
    url = address.url(own_values(membership, address))
    is_allowed = required_right(address) in {None, *RIGHTS[role]}
    before = tables()
    for method in METHODS:
        kind = "application/x-www-form-urlencoded"
        status = client.generic(method, url, urlencode(FIELDS), content_type=kind).status_code
        if method in {"GET", "HEAD", "POST"} and is_allowed:
            assert status in {200, 302, 404, 405, 409, 422}, method
        else:
            assert status in {403, 405}, method
        assert is_allowed or tables() == before, method


def test_refusal_names_the_role(reader: Membership) -> None:
    answer = signed_in(reader.user).post(f"{SETTINGS}credentials/", {"name": "X"})
    assert "Alleen lezen" in says(answer)


@pytest.mark.parametrize("address", SELLERS_PAGES, ids=str)
def test_read_only_member_sees_no_form(reader: Membership, address: Address) -> None:
    url = address.url(belongings(reader.seller, address))
    answer = signed_in(reader.user).get(url, follow=True)
    if answer.status_code == 200 and "html" in answer["Content-Type"]:
        forms = Page(answer.content.decode()).part("main").root.all("form")
        assert [form["action"] for form in forms if form["method"] == "post"] == []
    else:
        assert answer.status_code in {200, 403, 405}


@pytest.mark.parametrize("role", Role.values)
def test_every_role_sees_the_members_and_its_own_account(role: str) -> None:
    membership = MembershipFactory(role=role)
    client = signed_in(membership.user)
    assert membership.user.email in says(client.get("/instellingen/medewerkers/"))
    for page in ("", "gegevens/", "authenticator/", "passkeys/toevoegen/", "sessies/uitloggen/"):
        assert client.get(f"/instellingen/beveiliging/{page}").status_code == 200


def test_read_only_member_sees_everything_without_buttons(reader: Membership) -> None:
    mine = belongings(reader.seller, SELLERS_PAGES[0])
    page = Page(signed_in(reader.user).get(SETTINGS).content.decode()).part("main")
    assert page.headings[:2] == ["API Instellingen", "Technisch contact"]
    assert mine["client_id"] in page.words
    assert "Sanne de Vries" in page.words
    assert list(page.root.all("form")) == []


@pytest.mark.parametrize("role", WRITERS)
def test_other_roles_see_the_buttons(role: str) -> None:
    membership = MembershipFactory(role=role)
    belongings(membership.seller, SELLERS_PAGES[0])
    page = Page(signed_in(membership.user).get(SETTINGS).content.decode()).part("main")
    assert bool(page.buttons("Wijzigen")) == (role != Role.TECHNICAL)
    assert page.buttons("Aanmaken")
    assert len(page.buttons("Verwijderen")) == 2


def test_read_only_member_cannot_consent(reader: Membership) -> None:
    party = ThirdPartyFactory(pkce_required=False)
    query = {"client_id": party.client_id, "response_type": "code", "redirect_uri": party.redirect_uris}
    client = signed_in(reader.user)
    for answer in (client.get("/authorize", query), client.post("/authorize", {"allow": "yes"}, query_params=query)):
        assert answer.status_code == 403
    assert not reader.seller.authorizations.exists()


def test_role_counts_for_one_seller_only(reader: Membership) -> None:
    owned = MembershipFactory(user=reader.user, role=Role.OWNER).seller
    TechnicalContactFactory(seller=owned)
    TechnicalContactFactory(seller=reader.seller)
    client = signed_in(reader.user)
    new = {"name": "Magazijn", **posted(["orders:read"])}
    for seller, status in ((owned, 302), (reader.seller, 403)):
        client.post("/instellingen/verkoper/", {"seller": seller.retailer_id})
        assert client.post("/instellingen/api/credentials/", new).status_code == status
    assert [credential.seller for credential in ClientCredential.objects.all()] == [owned]


def test_lost_role_takes_effect_at_the_next_request() -> None:
    membership = MembershipFactory(role=Role.OWNER)
    client = signed_in(membership.user)
    membership.role = Role.READ_ONLY
    membership.save()
    assert client.post("/instellingen/api/contact/").status_code == 403


def test_closed_seller_cannot_be_changed_and_pages_say_why() -> None:
    seller = TechnicalContactFactory(seller__closed=True).seller
    client = signed_in(seller.members.get())
    assert "Dit verkopersaccount is gesloten." in says(client.get(SETTINGS))
    answer = client.post("/instellingen/api/credentials/", {"name": "Magazijn", **posted(["orders:read"])})
    assert answer.status_code == 403
    assert "Dit verkopersaccount is gesloten. Neem contact op met de marktplaats." in says(answer)
    assert "om meer rechten" not in says(answer)


def test_user_without_a_seller_is_refused_everywhere() -> None:
    client = signed_in(UserFactory())
    for address in SELLERS_PAGES:
        url = address.url(belongings(MembershipFactory().seller, address))
        assert client.get(url).status_code == 403
        assert client.post(url).status_code in {403, 405}

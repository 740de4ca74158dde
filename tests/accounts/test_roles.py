"""The rights of the four roles: read-only members see everything and change nothing."""

import pytest

from accounts.models import Membership
from apicredentials.models import ClientCredential
from tests.factories import MembershipFactory, TechnicalContactFactory, ThirdPartyFactory, UserFactory
from tests.inventory import SELLERS_PAGES, Address, addresses, belongings, tables
from tests.journeys.pages import Page
from tests.people import says, signed_in
from tests.rights import posted

pytestmark = pytest.mark.django_db

Role = Membership.Role
SETTINGS = "/instellingen/api/"
MEMBERS_PAGES = [address for address in addresses() if "medewerkers/" in address.route]
WRITERS = [Role.OWNER, Role.ADMINISTRATOR, Role.TECHNICAL]


@pytest.fixture
def reader() -> Membership:
    return MembershipFactory(role=Role.READ_ONLY)


def test_the_roles_are_called_as_the_product_says() -> None:
    assert Role.labels == ["Eigenaar", "Beheerder", "Technisch", "Alleen lezen"]


@pytest.mark.parametrize("address", SELLERS_PAGES, ids=str)
def test_a_reader_changes_nothing(reader: Membership, address: Address) -> None:
    url = address.url(belongings(reader.seller, address))
    client = signed_in(reader.user)
    before = tables()
    answer = client.post(url, {"name": "X", "email": "x@winkel.example", "overlap": "0", **posted(["orders:read"])})
    assert answer.status_code in {403, 405}
    assert answer.status_code == 405 or "Alleen lezen" in says(answer)
    assert tables() == before


@pytest.mark.parametrize("address", SELLERS_PAGES, ids=str)
def test_a_reader_opens_no_form_that_would_be_refused(reader: Membership, address: Address) -> None:
    url = address.url(belongings(reader.seller, address))
    answer = signed_in(reader.user).get(url, follow=True)
    if answer.status_code == 200 and "html" in answer["Content-Type"]:
        forms = Page(answer.content.decode()).part("main").root.all("form")
        assert [form["action"] for form in forms if form["method"] == "post"] == []
    else:
        assert answer.status_code in {200, 403, 405}


CONTACT_PAGES = {"apicredentials:contact", "apicredentials:contact-resend"}


@pytest.mark.parametrize("address", SELLERS_PAGES, ids=str)
@pytest.mark.parametrize("role", WRITERS)
def test_the_others_may_do_what_a_reader_may_not(role: str, address: Address) -> None:
    membership = MembershipFactory(role=role)
    url = address.url(belongings(membership.seller, address))
    allowed = {200, 302, 405, 409, 422}
    if role == Role.TECHNICAL and address.name in CONTACT_PAGES:
        allowed = {403}
    assert signed_in(membership.user).post(url).status_code in allowed


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("address", [each for each in MEMBERS_PAGES if each.name != "accounts:members"], ids=str)
@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.TECHNICAL, Role.READ_ONLY])
def test_only_an_owner_opens_what_changes_members(role: str, address: Address, method: str) -> None:
    membership = MembershipFactory(role=role)
    client = signed_in(membership.user)
    owner = MembershipFactory(seller=membership.seller)
    before = tables()
    answer = getattr(client, method)(address.url({"pk": owner.pk}), {"role": "owner"})
    assert answer.status_code == 403
    assert tables() == before


@pytest.mark.parametrize("role", Role.values)
def test_every_role_sees_the_members_and_has_an_account_of_its_own(role: str) -> None:
    membership = MembershipFactory(role=role)
    client = signed_in(membership.user)
    assert membership.user.email in says(client.get("/instellingen/medewerkers/"))
    for page in ("", "gegevens/", "authenticator/", "passkeys/toevoegen/", "sessies/uitloggen/"):
        assert client.get(f"/instellingen/beveiliging/{page}").status_code == 200


def test_a_reader_sees_it_all_without_a_button_to_change_it(reader: Membership) -> None:
    mine = belongings(reader.seller, SELLERS_PAGES[0])
    page = Page(signed_in(reader.user).get(SETTINGS).content.decode()).part("main")
    assert page.headings[:2] == ["API Instellingen", "Technisch contact"]
    assert mine["client_id"] in page.words
    assert "Sanne de Vries" in page.words
    assert list(page.root.all("form")) == []


@pytest.mark.parametrize("role", WRITERS)
def test_the_others_see_the_buttons(role: str) -> None:
    membership = MembershipFactory(role=role)
    belongings(membership.seller, SELLERS_PAGES[0])
    page = Page(signed_in(membership.user).get(SETTINGS).content.decode()).part("main")
    assert bool(page.buttons("Wijzigen")) == (role != Role.TECHNICAL)
    assert page.buttons("Aanmaken")
    assert len(page.buttons("Verwijderen")) == 2


def test_a_reader_cannot_consent(reader: Membership) -> None:
    party = ThirdPartyFactory(pkce_required=False)
    query = {"client_id": party.client_id, "response_type": "code", "redirect_uri": party.redirect_uris}
    client = signed_in(reader.user)
    for answer in (client.get("/authorize", query), client.post("/authorize", {"allow": "yes"}, query_params=query)):
        assert answer.status_code == 403
    assert not reader.seller.authorizations.exists()


def test_a_role_counts_for_one_seller_only(reader: Membership) -> None:
    owned = MembershipFactory(user=reader.user, role=Role.OWNER).seller
    TechnicalContactFactory(seller=owned)
    TechnicalContactFactory(seller=reader.seller)
    client = signed_in(reader.user)
    new = {"name": "Magazijn", **posted(["orders:read"])}
    for seller, status in ((owned, 302), (reader.seller, 403)):
        client.post("/instellingen/verkoper/", {"seller": seller.retailer_id})
        assert client.post("/instellingen/api/credentials/", new).status_code == status
    assert [credential.seller for credential in ClientCredential.objects.all()] == [owned]


def test_a_role_that_was_taken_away_counts_at_the_next_request() -> None:
    membership = MembershipFactory(role=Role.OWNER)
    client = signed_in(membership.user)
    membership.role = Role.READ_ONLY
    membership.save()
    assert client.post("/instellingen/api/contact/").status_code == 403


def test_of_a_closed_seller_nothing_can_be_changed_and_every_page_says_why() -> None:
    seller = TechnicalContactFactory(seller__closed=True).seller
    client = signed_in(seller.members.get())
    assert "Dit verkopersaccount is gesloten." in says(client.get(SETTINGS))
    answer = client.post("/instellingen/api/credentials/", {"name": "Magazijn", **posted(["orders:read"])})
    assert answer.status_code == 403
    assert "Dit verkopersaccount is gesloten. Neem contact op met de marktplaats." in says(answer)
    assert "om meer rechten" not in says(answer)


def test_who_works_for_nobody_sees_and_changes_nothing() -> None:
    client = signed_in(UserFactory())
    for address in SELLERS_PAGES:
        url = address.url(belongings(MembershipFactory().seller, address))
        assert client.get(url).status_code == 403
        assert client.post(url).status_code in {403, 405}

"""Search, filters and links in `/beheer/`."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Actor, Membership, Seller
from apicredentials.keys import secret_format
from apicredentials.models import (
    Activity,
    ClientCredential,
    ClientSecret,
    OAuthClient,
    OutgoingMail,
    TechnicalContact,
    ThirdPartyAuthorization,
    Usage,
)
from tests.admin.conftest import staff
from tests.factories import (
    ClientCredentialFactory,
    Factory,
    ResourceServerFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
    UserFactory,
)
from tests.inventory import tables
from tests.journeys.pages import Page
from tests.logged import listening
from tests.oauth.flow import software
from tests.people import says

pytestmark = pytest.mark.django_db

CREDENTIALS = reverse("admin:apicredentials_clientcredential_changelist")
SELLERS = reverse("admin:accounts_seller_changelist")


def found(operator: Client, address: str, **query: str) -> set[str]:
    """Return the rows that a list shows, as text."""
    answer = operator.get(address, query)
    assert answer.status_code == 200
    return {str(row) for row in answer.context["cl"].result_list}


# ---- Sellers ----------------------------------------------------------------------------------------------


@pytest.fixture
def zwaan() -> Seller:
    """A seller that every search below finds, beside one that none of them does."""
    TechnicalContactFactory(seller=SellerFactory(display_name="Anders"), email="iemand@anders.example")
    seller: Seller = SellerFactory(
        display_name="De Zwaan", kvk_number="68412975", owner__user__email="sanne@zwaan.example"
    )
    TechnicalContactFactory(seller=seller, email="techniek@zwaan.example")
    Membership.objects.create(seller=seller, user=UserFactory(email="fatima@ict.example"), role="technical")
    return seller


@pytest.mark.parametrize(
    "term",
    [
        "{0.retailer_id}",
        "68412975",
        "zwaan",
        " De Zwaan ",
        "sanne@zwaan.example",
        "Fatima@ICT.example",
        "TECHNIEK@zwaan.example\u200b",
    ],
)
def test_seller_is_found(operator: Client, zwaan: Seller, term: str) -> None:
    assert found(operator, SELLERS, q=term.format(zwaan)) == {str(zwaan)}


@pytest.mark.parametrize("term", ["niemand@zwaan.example", "@", "0000001", "zwaan@"])
def test_other_term_finds_no_seller(operator: Client, zwaan: Seller, term: str) -> None:
    assert found(operator, SELLERS, q=term) == set()


def test_words_of_a_long_search_are_ignored_after_the_twentieth(
    operator: Client, zwaan: Seller, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(150):
        assert str(zwaan) in found(operator, SELLERS, q="zwaan " * 20 + "peer " * 480)


def test_page_of_a_seller_links_to_its_objects(operator: Client, zwaan: Seller) -> None:
    ClientCredentialFactory(seller=zwaan, name="Magazijn")
    ThirdPartyAuthorizationFactory(seller=zwaan)
    ClientCredentialFactory(name="Van een ander")
    ThirdPartyAuthorizationFactory()
    page = Page(operator.get(reverse("admin:accounts_seller_change", args=[zwaan.pk])).content.decode())
    links = {link.words: link["href"] for link in page.root.all("a") if "id__exact" in link["href"]}
    theirs = {"Client credentials", "Autorisaties", "Technische contacten", "Activiteiten", "Uitgaande mail"}
    assert {*links} == {*theirs, "Gebruikers"}
    members = operator.get(links["Gebruikers"]).context["cl"].result_list
    assert {user.email for user in members} == {"sanne@zwaan.example", "fatima@ict.example"}
    for label in ("Client credentials", "Autorisaties", "Technische contacten"):
        rows = operator.get(links[label]).context["cl"].result_list
        assert {row.seller for row in rows} == {zwaan}


def test_page_of_a_user_links_to_their_objects(operator: Client, zwaan: Seller) -> None:
    user = zwaan.members.get(email="sanne@zwaan.example")
    ClientCredentialFactory(seller=zwaan, name="Magazijn", created_by=user)
    ThirdPartyAuthorizationFactory(seller=zwaan, granted_by=user)
    Activity.record(Activity.Kind.CONTACT_SAVED, seller=zwaan, subject="Sanne", by=Actor(user=user))
    TechnicalContact.objects.filter(seller=zwaan).update(email=user.email)
    OutgoingMail(kind=OutgoingMail.Kind.ANNOUNCEMENT, key="x").queue_for([user.email])
    for other in (ClientCredentialFactory(name="Van een ander").seller, ThirdPartyAuthorizationFactory().seller):
        Activity.record(Activity.Kind.CONTACT_SAVED, seller=other, subject="X", by=Actor(user=other.members.get()))  # type: ignore[union-attr]
    page = Page(operator.get(reverse("admin:accounts_user_change", args=[user.pk])).content.decode())
    links = next(block for block in page.root.all("div") if "field-links" in block["class"])
    lists = {link.words: operator.get(link["href"]).context["cl"].result_list for link in links.all("a")}
    assert {label: len(rows) for label, rows in lists.items()} == {
        "Lidmaatschappen": 1,
        "Verkopers": 1,
        "Autorisaties": 1,
        "Client credentials": 1,
        "Activiteiten": 1,
        "Technische contacten": 1,
        "Uitgaande mail": 1,
    }


# ---- Use, problems and state ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["clientcredential", "thirdpartyauthorization", "thirdparty"])
def test_page_and_list_show_state_last_use_and_problems(operator: Client, zwaan: Seller, kind: str) -> None:
    authorization = ThirdPartyAuthorizationFactory(seller=zwaan)
    credential = ClientCredentialFactory(seller=zwaan)
    rows = {"clientcredential": credential, "thirdpartyauthorization": authorization}
    row = rows.get(kind, authorization.third_party)
    used_at = dt.datetime(2026, 5, 4, 10, 30, tzinfo=dt.UTC)
    ThirdPartyAuthorization.objects.update(last_used_at=used_at)
    for client in (credential, authorization.third_party):
        client.reveal(by=Actor())
    ClientSecret.objects.update(last_used_at=used_at)
    subject = getattr(row, "uid", "") or row.client_id  # type: ignore[attr-defined]
    for days, count in ((0, 40), (29, 2), (30, 500)):
        at = timezone.now() - dt.timedelta(days=days)
        day = timezone.localdate(at)
        Usage.objects.create(
            subject=subject, day=day, event="missing_right", right="orders:read", count=count, first_at=at, last_at=at
        )
    changelist = reverse(f"admin:apicredentials_{kind}_changelist")
    page = reverse(f"admin:apicredentials_{kind}_change", args=[row.pk])
    for address in (changelist, page):
        words = says(operator.get(address))
        assert "Actief" in words
        assert "4 mei 2026" in words
    assert "Recht ontbreekt : 42 keer" in says(operator.get(page))
    assert "De software mist dit recht: Bestellingen: Lezen." in says(operator.get(page))
    if kind != "thirdparty":
        (cell,) = (
            cell.words
            for cell in Page(operator.get(changelist).content.decode()).root.all("td")
            if "field-refusals" in cell["class"]
        )
        assert cell == "42"


def test_page_of_a_suspended_party_shows_the_cause(operator: Client) -> None:
    party = ThirdPartyFactory()
    page = reverse("admin:apicredentials_thirdparty_change", args=[party.pk])
    party.reveal(by=Actor())
    party.pause(by=Actor())
    assert "Stilgezet" in says(operator.get(page))
    party.report_leak(party.secrets.get(), by=Actor())
    assert "Stilgezet: het secret is gelekt" in says(operator.get(page))


# ---- Credentials ------------------------------------------------------------------------------------------


@pytest.fixture
def magazijn(zwaan: Seller) -> ClientCredential:
    other = ClientCredentialFactory(name="Boekhouding", revealed=True)
    ClientSecret.objects.filter(client=other).update(hint="zzzz")
    credential: ClientCredential = ClientCredentialFactory(seller=zwaan, name="Magazijn", revealed=True)
    ClientSecret.objects.filter(client=credential).update(hint="AbC1")
    return credential


@pytest.mark.parametrize(
    "term",
    ["{0.client_id}", "{0.name}", "MAGAZ", "AbC1", "…AbC1", "rts_…AbC1", "{0.seller.retailer_id}", "de zwaan"],
)
def test_credential_is_found(operator: Client, magazijn: ClientCredential, term: str) -> None:
    assert found(operator, CREDENTIALS, q=term.format(magazijn)) == {str(magazijn)}


def test_search_is_posted_and_keeps_the_filters(operator: Client, magazijn: ClientCredential) -> None:
    address = f"{CREDENTIALS}?state=active"
    form = Page(operator.get(address).content.decode(), address).form("Zoeken")
    assert form.element["method"] == "post"
    answer = operator.post(CREDENTIALS, form.fill() | {"q": "magaz"}, follow=True)
    assert answer.redirect_chain == [(f"{CREDENTIALS}?q=magaz&state=active", 302)]
    assert [str(row) for row in answer.context["cl"].result_list] == [str(magazijn)]


@pytest.mark.parametrize("method", ["get", "post"])
def test_pasted_secret_finds_its_credential_and_is_not_stored(operator: Client, zwaan: Seller, method: str) -> None:
    its_software = software(ClientCredentialFactory(seller=zwaan, name="Magazijn"))
    ClientCredentialFactory(seller=zwaan, name="Boekhouding", revealed=True)
    with listening(everything=True) as log:
        answer = getattr(operator, method)(CREDENTIALS, {"q": f" {its_software.secret}\n"}, follow=True)
    assert answer.redirect_chain == [(f"{CREDENTIALS}?q={its_software.client_id}", 302)]
    assert [row.client_id for row in answer.context["cl"].result_list] == [its_software.client_id]
    assert its_software.secret not in answer.content.decode() + log.getvalue() + str(tables())


@pytest.mark.parametrize("factory", [ThirdPartyFactory, ResourceServerFactory])
def test_secret_of_another_client_finds_that_client(operator: Client, factory: type[Factory[OAuthClient]]) -> None:
    client = software(factory())
    answer = operator.post(CREDENTIALS, {"q": client.secret}, follow=True)
    assert [row.client_id for row in answer.context["cl"].result_list] == [client.client_id]


def test_unknown_secret_is_reported(operator: Client) -> None:
    answer = operator.post(CREDENTIALS, {"q": secret_format.generate()}, follow=True)
    assert "Niemand heeft dit secret." in says(answer)


def test_search_for_a_secret_needs_the_view_permission(magazijn: ClientCredential) -> None:
    client = staff("view_seller")
    for secret in (software(ClientCredentialFactory()).secret, secret_format.generate()):
        assert client.post(CREDENTIALS, {"q": secret}).status_code == 403


def test_credentials_are_filtered_by_state_age_and_use(operator: Client) -> None:
    for days in (None, 10, 100, 400):
        credential = ClientCredentialFactory(name=f"{days} dagen", revealed=True)
        if days is not None:
            moment = timezone.now() - dt.timedelta(days=days)
            credential.secrets.update(created_at=moment, last_used_at=moment)
    ClientCredentialFactory(name="Zonder secret")
    ClientCredentialFactory(name="Gepauzeerd", paused=True, revealed=True)
    names = {
        name: {row.split(" (")[0] for row in found(operator, CREDENTIALS, **query)} for name, query in QUERIES.items()
    }
    assert names == {
        "without_secret": {"Zonder secret"},
        "paused": {"Gepauzeerd"},
        "old": {"100 dagen", "400 dagen"},
        "used": {"10 dagen"},
        "idle and very old": {"400 dagen"},
        "never": {"None dagen", "Zonder secret", "Gepauzeerd"},
    }


QUERIES: dict[str, dict[str, str]] = {
    "without_secret": {"state": "without_secret"},
    "paused": {"state": "paused"},
    "old": {"secret_age": "90d"},
    "used": {"use": "used"},
    "idle and very old": {"use": "idle", "secret_age": "365d"},
    "never": {"use": "never"},
}


def test_unknown_value_of_a_filter_is_ignored(operator: Client, magazijn: ClientCredential) -> None:
    assert len(found(operator, CREDENTIALS, state="x", use="x", secret_age="x")) == 2

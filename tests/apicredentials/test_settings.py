"""`/instellingen/api/`: the whole page."""

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials.models import ClientCredential, TechnicalContact
from tests.factories import (
    ClientCredentialFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    UserFactory,
)
from tests.journeys.pages import Element, Page
from tests.people import says, signed_in

URL = "/instellingen/api/"
SECTIONS = [
    "Technisch contact",
    "Client credentials voor de Retailer API",
    "Geautoriseerde partijen voor de Retailer API",
]


def open_page(client: Client, credential: str = "") -> Page:
    """Open the page, or that of one credential."""
    url = f"{URL}credentials/{credential}/" if credential else URL
    answer = client.get(url)
    assert answer.status_code == 200
    return Page(answer.content.decode(), url).part("main")


def past(page: Page) -> list[str]:
    """Return what the fold with former parties says of each."""
    (fold,) = [each for each in page.root.all("details") if "Eerdere partijen" in each.words]
    return [each.words for each in fold.all("li")]


def card(page: Page, name: str) -> Element:
    """Return the card of the credential or party of that name."""
    (found,) = [card for card in page.root.all("article") if next(card.all("h3")).words == name]
    return found


def sections(page: Page) -> list[str]:
    return [heading.words for heading in page.root.all("h2")]


def test_sections_are_in_the_order_of_the_product(owner: Client) -> None:
    assert sections(open_page(owner))[:3] == SECTIONS


def test_page_without_a_contact_has_only_its_form_and_says_why(db: None) -> None:
    seller = SellerFactory()
    ClientCredentialFactory(seller=seller, name="Van een operator")
    page = open_page(signed_in(seller.members.get()))
    assert sections(page) == [SECTIONS[0], "Zo gaat het verder"]
    assert page.buttons("Opslaan")
    assert not page.buttons("Aanmaken")
    assert "Van een operator" not in page.words
    assert "Sla daarom eerst een technisch contact op" in page.words


def test_first_contact_opens_the_other_sections(db: None) -> None:
    seller = SellerFactory()
    owner = signed_in(seller.members.get())
    TechnicalContactFactory(seller=seller)
    assert sections(open_page(owner))[:3] == SECTIONS


def test_page_takes_the_same_number_of_queries_however_many_rows(seller: Seller, owner: Client) -> None:
    def add() -> None:
        credential = ClientCredentialFactory(seller=seller, created_by=UserFactory())
        credential.reveal(by=Actor())
        credential.rotate(overlap=dt.timedelta(days=1), by=Actor())
        ClientCredentialFactory(seller=seller, deleted=True)
        ThirdPartyAuthorizationFactory(seller=seller, granted_by=UserFactory())
        ThirdPartyAuthorizationFactory(seller=seller, ended=True, granted_by=UserFactory())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            open_page(owner)
        return len(captured)

    add()
    queries()  # the first one writes down that the session is in use
    few = queries()
    for _ in range(10):
        add()
    assert queries() == few


# ---- Technical contact ------------------------------------------------------------------------------------


def test_contact_is_shown_as_facts(seller: Seller, owner: Client) -> None:
    TechnicalContact.objects.filter(seller=seller).update(phone_number="+31201234567")
    words = open_page(owner).words
    assert "Naam Sanne de Vries E-mailadres techniek@winkel.example Bevestigd Telefoonnummer 020 123 4567" in words


# ---- Client credentials -----------------------------------------------------------------------------------


def test_new_credential_shows_its_id_and_offers_the_secret(owner: Client, credential: ClientCredential) -> None:
    page = open_page(owner)
    assert credential.client_id in card(page, "Magazijn").words
    assert page.form("Toon secret", of="Magazijn").address == f"{URL}credentials/{credential.client_id}/secret/"
    assert page.form("Verwijderen", of="Magazijn").method == "get"  # it asks first


def test_client_id_is_not_translated(owner: Client, credential: ClientCredential) -> None:
    (code,) = [code for code in open_page(owner).root.all("code") if code.words == credential.client_id]
    assert code["translate"] == "no"


def test_credential_page_says_who_made_it_and_when(seller: Seller, owner: Client) -> None:
    created = dt.datetime(2026, 3, 29, 10, 5, tzinfo=dt.UTC)
    ClientCredentialFactory(seller=seller, name="A", created_by=UserFactory(name="Sanne"))
    ClientCredential.objects.update(created=created)
    page = open_page(owner, ClientCredential.objects.get().client_id)
    assert "29 maart 2026 om 12:05, door Sanne" in page.words


def test_shown_secret_leaves_its_last_four_characters(owner: Client, credential: ClientCredential) -> None:
    secret = credential.reveal(by=Actor())
    answer = owner.get(URL)
    page = Page(answer.content.decode()).part("main")
    assert f"…{secret[-4:]}" in card(page, "Magazijn").words
    assert not page.buttons("Toon secret")
    for kept_in in (secret, secret[:-4], credential.secrets.get().hash):
        assert kept_in not in answer.content.decode()


def test_deleted_credential_is_not_among_them(seller: Seller, owner: Client) -> None:
    deleted = ClientCredentialFactory(seller=seller, name="Oud", deleted=True)
    page = open_page(owner)
    assert deleted.client_id not in page.words or page.buttons("Terugzetten")
    assert not page.buttons("Toon secret")


def test_name_is_text(seller: Seller, owner: Client) -> None:
    name = "<script>alert('1')</script> & \"Zo\""
    ClientCredentialFactory(seller=seller, name=name)
    ThirdPartyAuthorizationFactory(seller=seller, third_party__name=name)
    answer = owner.get(URL)
    assert "<script>alert" not in answer.content.decode()
    assert says(answer).count(name) >= 2


# ---- Authorised parties -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, "Actief"),
        ({"expiring": True}, "Verloopt binnenkort"),
        ({"expired": True}, "Verlopen"),
    ],
)
def test_party_shows_its_state(seller: Seller, owner: Client, state: dict[str, bool], words: str) -> None:
    ThirdPartyAuthorizationFactory(seller=seller, third_party__name="Bol", **state)
    tags = [tag.words for tag in card(open_page(owner), "Bol").all("span") if "tag" in tag["class"].split()]
    assert tags == [words]


def test_active_party_says_when_it_ends(seller: Seller) -> None:
    given = dt.datetime(2026, 2, 27, 23, 30, tzinfo=dt.UTC)  # half past midnight, the 28th, in Amsterdam
    authorization = ThirdPartyAuthorizationFactory(seller=seller, third_party__name="Bol", granted_at=given)
    with time_machine.travel(given + dt.timedelta(days=10), tick=False):
        page = open_page(signed_in(seller.members.get()))
    assert "Verloopt op 28 februari 2027 over 355 dagen" in card(page, "Bol").words
    assert page.form("Verwijderen", of="Bol").address == f"{URL}partijen/{authorization.uid}/verwijderen/"


@pytest.mark.parametrize(("days", "words"), [(1, "over 1 dag"), (0, "vandaag")])
def test_last_days_are_counted_in_words(seller: Seller, days: int, words: str) -> None:
    noon = dt.datetime(2026, 6, 1, 10, tzinfo=dt.UTC)
    ThirdPartyAuthorizationFactory(
        seller=seller, third_party__name="Bol", expires_at=noon + dt.timedelta(days=days, hours=1)
    )
    with time_machine.travel(noon, tick=False):
        assert words in card(open_page(signed_in(seller.members.get())), "Bol").words


def test_past_party_stays_as_history(seller: Seller, owner: Client) -> None:
    for traits in ({"ended": True}, {"granted_at": timezone.now() - dt.timedelta(days=500)}):
        ThirdPartyAuthorizationFactory(seller=seller, third_party__name=f"Bol {next(iter(traits))}", **traits)
    ended, expired = past(open_page(owner))
    assert ended.startswith("Bol ended Ingetrokken op ")
    assert expired.startswith("Bol granted_at Verlopen op ")


def test_removed_party_has_no_delete_button(seller: Seller, owner: Client) -> None:
    ThirdPartyAuthorizationFactory(seller=seller, ended=True)
    assert not open_page(owner).buttons("Verwijderen")


def test_reconnected_party_is_present_and_in_the_history(seller: Seller, owner: Client) -> None:
    former = ThirdPartyAuthorizationFactory(seller=seller, third_party__name="Bol", ended=True)
    ThirdPartyAuthorizationFactory(seller=seller, third_party=former.third_party)
    page = open_page(owner)
    assert "Actief" in card(page, "Bol").words
    assert len(past(page)) == 1


def test_history_is_below_the_present_parties_the_latest_end_first(seller: Seller, owner: Client) -> None:
    def made(name: str, days: int, *, ended: bool = False) -> None:
        """Give access that ends in so many days, or was ended today."""
        ThirdPartyAuthorizationFactory(
            seller=seller,
            third_party__name=name,
            expires_at=timezone.now() + dt.timedelta(days=days),
            ended_at=timezone.now() if ended else None,
            end_cause="removed_by_seller" if ended else "",
        )

    made("Appel verliep lang geleden", -45)
    made("Bes verliep, te verlengen", -10)
    made("Citroen loopt", 100)
    made("Dadel verliep pas geleden", -31)
    made("Ekster vandaag verwijderd", 100, ended=True)
    page = open_page(owner)
    names = [next(card.all("h3")).words.split()[0] for card in page.root.all("article")]
    assert names == ["Bes", "Citroen"]
    assert [words.split()[0] for words in past(page)] == ["Ekster", "Dadel", "Appel"]


def test_party_page_says_who_gave_access(seller: Seller, owner: Client) -> None:
    authorization = ThirdPartyAuthorizationFactory(seller=seller, granted_by=UserFactory(name="Sanne"))
    assert "door Sanne" in says(owner.get(f"{URL}partijen/{authorization.uid}/"))


# ---- What somebody tries ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    ["q=%00", "q=%ff", "q=" + "x" * 5000, "q=%", "q='", "page=0", "page=-1", "page=x", "page=" + "9" * 40, "page=%00"],
)
def test_odd_query_breaks_nothing(owner: Client, credential: ClientCredential, query: str) -> None:
    assert owner.get(f"{URL}?{query}").status_code == 200


# ---- The way here -----------------------------------------------------------------------------------------


def test_page_is_linked_from_instellingen_under_diensten(owner: Client) -> None:
    page = Page(owner.get("/instellingen/").content.decode(), "http://testserver/instellingen/").part("main")
    assert page.headings[:2] == ["Instellingen", "Diensten"]
    section = next(section for section in page.root.all("section") if "Diensten" in section.words)
    assert [link["href"] for link in section.all("a")] == [URL, f"{URL}activiteit/"]
    assert "API Instellingen" in section.words

"""`/instellingen/api/` of a seller with very many credentials: found page by page, and as fast as with twenty."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials.forms import CredentialSearchForm
from apicredentials.models import ClientCredential, ClientSecret
from apicredentials.models.states import Cause
from apicredentials.views.credential_list import CredentialList
from tests.factories import (
    ClientCredentialFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    UserFactory,
)
from tests.journeys.pages import Element, Page
from tests.people import signed_in

URL = "/instellingen/api/"


def fill(seller: Seller, number: int) -> None:
    """Give a seller that many credentials, each with two secrets, a third of them paused."""
    maker = UserFactory()
    made = ClientCredential.objects.bulk_create(
        ClientCredentialFactory.build(
            seller=seller, name=f"Kassa {each:04}", folded_name=f"kassa {each:04}", created_by=maker
        )
        for each in range(number)
    )
    ClientSecret.objects.bulk_create(
        ClientSecret(client=each, hash=f"{each.pk}-{end}", hint="aB3x", ends_at=end)
        for each in made
        for end in (each.created.replace(year=2099), None)
    )


@pytest.fixture
def many(seller: Seller) -> Seller:
    fill(seller, 1000)
    return seller


def open_page(client: Client, query: str = "") -> Page:
    answer = client.get(f"{URL}{query}")
    assert answer.status_code == 200
    return Page(answer.content.decode(), URL).part("main")


def names(page: Page) -> list[str]:
    return [heading.words for card in page.root.all("article") for heading in card.all("h3")]


def shelf_of(page: Page) -> Element:
    """Return the part with those that were deleted."""
    (shelf,) = (each for each in page.root.all("details") if each["id"] == "verwijderd")
    return shelf


def queries(client: Client, query: str = "") -> int:
    open_page(client, query)  # writes down that the session is in use
    with CaptureQueriesContext(connection) as captured:
        open_page(client, query)
    return len(captured)


def test_thousand_take_as_many_queries_as_twenty_and_as_none(owner: Client, many: Seller) -> None:
    twenty = TechnicalContactFactory().seller
    fill(twenty, 20)
    none = TechnicalContactFactory().seller
    numbers = [
        queries(owner),
        queries(owner, "?page=7"),
        queries(owner, "?q=kassa"),
        queries(owner, "?q=kassa&page=50"),
    ]
    numbers.append(queries(signed_in(twenty.members.get())))
    assert max(numbers) == min(numbers) <= 8
    # Of no rows there are no secrets to fetch.
    assert queries(signed_in(none.members.get())) <= 8


def test_deleted_ones_and_parties_take_no_more(owner: Client, many: Seller) -> None:
    before = queries(owner)
    for _ in range(5):
        ClientCredentialFactory(seller=many, deleted=True, revealed=True)
        ThirdPartyAuthorizationFactory(seller=many)
    assert queries(owner) == before <= 8


def test_pages_show_each_credential_once(owner: Client, many: Seller) -> None:
    seen, page = [], open_page(owner)
    while True:
        seen += names(page)
        if not [link for link in page.root.all("a") if link.words == "Volgende"]:
            break
        page = open_page(owner, page.link("Volgende").partition("#")[0].removeprefix(URL))
    assert seen == [f"Kassa {number:04}" for number in range(1000)]


def test_deleted_credentials_have_their_own_pages(owner: Client, many: Seller) -> None:
    """The shelf of thirty days can hold more than the seller has, and is as long as the list beside it."""
    before = queries(owner)
    ClientCredential.objects.filter(seller=many).update(deleted_at=timezone.now())
    fill(many, 25)
    page = open_page(owner, "?page=2")
    assert "Verwijderd 1000," in page.words
    seen: list[str] = []
    while True:
        assert len(names(page)) == 5
        shelf = shelf_of(page)
        seen += [heading.words for heading in shelf.all("h4")]
        onward = [link["href"] for link in shelf.all("a") if link.words == "Volgende"]
        if not onward:
            break
        page = open_page(owner, onward[0].partition("#")[0].removeprefix(URL))
    assert seen == [f"Kassa {number:04}" for number in range(1000)]
    assert queries(owner, "?verwijderd=50") == before <= 8


def test_latest_deletion_comes_first(owner: Client, seller: Seller) -> None:
    now = timezone.now()
    for days in (2, 0, 1):
        ClientCredentialFactory(seller=seller, name=f"{days} dagen", deleted_at=now - dt.timedelta(days=days))
    assert [heading.words for heading in shelf_of(open_page(owner)).all("h4")] == ["0 dagen", "1 dagen", "2 dagen"]


def test_deleted_credentials_are_unfolded_while_paging_through_them(owner: Client, seller: Seller) -> None:
    ClientCredentialFactory(seller=seller, deleted=True)
    for query, is_open in (("", False), ("?verwijderd=1", True)):
        shelf = shelf_of(open_page(owner, query))
        assert ("open" in shelf.attributes) is is_open


def test_page_says_its_number(owner: Client, many: Seller) -> None:
    page = open_page(owner, "?page=3")
    assert "41 tot en met 60 van 1000" in page.words
    assert "Pagina 3 van 50" in page.words
    assert page.link("Vorige") == f"{URL}?page=2#client-credentials"


@pytest.mark.parametrize(
    ("asked", "number"), [("0", 50), ("51", 50), ("x", 1), ("", 1), ("9" * 5000, 1), ("-1", 50), ("\0", 1)]
)
def test_unknown_page_number_shows_the_nearest_page(owner: Client, many: Seller, asked: str, number: int) -> None:
    answer = owner.get(URL, {"page": asked})
    assert answer.context["credentials"].number == number


def test_search_finds_by_part_of_a_name_or_by_client_id(owner: Client, many: Seller) -> None:
    sought = ClientCredentialFactory(seller=many, name="Ångström & Zn")
    ClientCredentialFactory(name="Ångström elders")
    for query in ("ångström", "ÅNGSTRÖM", " & zn ", sought.client_id, sought.client_id.upper(), sought.client_id[:8]):
        answer = owner.get(URL, {"q": query})
        assert names(Page(answer.content.decode()).part("main")) == ["Ångström & Zn"], query


def test_search_keeps_its_words_and_its_pages(owner: Client, many: Seller) -> None:
    page = open_page(owner, "?q=kassa+01")
    assert names(page)[:2] == ["Kassa 0100", "Kassa 0101"]
    assert "van 100 gevonden" in page.words
    assert next(box for box in page.root.all("input") if box["name"] == "q")["value"] == "kassa 01"
    assert page.link("Volgende") == f"{URL}?q=kassa+01&page=2#client-credentials"
    assert page.link("Alles tonen") == f"{URL}#client-credentials"


@pytest.mark.parametrize("query", ["niets", "%", "_", "kassa%", "\\"])
def test_unknown_text_finds_nothing(owner: Client, many: Seller, query: str) -> None:
    answer = owner.get(URL, {"q": query})
    page = Page(answer.content.decode()).part("main")
    assert names(page) == []
    assert "Niets gevonden." in page.words
    assert page.buttons("Zoeken")


@pytest.mark.parametrize("query", ["\0", "a" * 101])
def test_invalid_search_is_explained(owner: Client, many: Seller, query: str) -> None:
    answer = owner.get(URL, {"q": query})
    assert answer.status_code == 200
    assert answer.context["search"].errors
    assert names(Page(answer.content.decode()).part("main")) == []


@pytest.mark.parametrize(("number", "searchable", "paged"), [(10, False, False), (11, True, False), (21, True, True)])
def test_short_list_has_neither_search_nor_pages(
    owner: Client, seller: Seller, number: int, searchable: bool, paged: bool
) -> None:
    fill(seller, number)
    page = open_page(owner)
    assert bool(page.buttons("Zoeken")) is searchable
    assert ("Pagina 1 van 2" in page.words) is paged


def address_of_act(seller: Seller, act: str) -> str:
    """Return where something is done to a new credential."""
    return f"{URL}credentials/{ClientCredentialFactory(seller=seller).client_id}/{act}/"


ACTS = pytest.mark.parametrize("act", ["pauzeren", "naam"])
BACK = [
    (f"http://testserver{URL}?page=30&q=kassa", "?page=30&q=kassa"),
    (f"http://testserver{URL}", ""),
    (f"http://testserver{URL}activiteit/?page=30", ""),
    (f"https://dief.example{URL}?page=30", ""),
    (f"//dief.example{URL}?page=30", ""),
    (f"http://testserver{URL}?q={'a' * 2000}", ""),
    ("http://[", ""),
    ("", ""),
]


@ACTS
@pytest.mark.parametrize(("referer", "query"), BACK)
def test_act_in_a_dialog_returns_to_the_page_it_was_opened_on(
    owner: Client, seller: Seller, act: str, referer: str, query: str
) -> None:
    address = address_of_act(seller, act)
    answer = owner.post(address, {"name": "Toonbank"}, headers={"Referer": referer})
    assert answer["Location"] == f"{URL}{query}"


@ACTS
@pytest.mark.parametrize(("referer", "query"), BACK)
def test_act_on_its_own_page_returns_to_the_page_it_was_opened_on(
    owner: Client, seller: Seller, act: str, referer: str, query: str
) -> None:
    address = address_of_act(seller, act)
    answer = owner.get(address, headers={"Referer": referer})
    page = Page(answer.content.decode(), address)
    assert page.link("Annuleren") == f"{URL}{query}"
    here = {"Referer": f"http://testserver{address}"}
    if act == "naam":
        answer = owner.post(address, page.form("Opslaan").fill(Naam=""), headers=here)
        sent = Page(answer.content.decode(), address).form("Opslaan").fill(Naam="Toonbank")
    else:
        sent = page.form("Pauzeren").fill()
    assert owner.post(address, sent, headers=here)["Location"] == f"{URL}{query}"


@pytest.mark.parametrize(("said", "query"), BACK)
def test_return_address_of_a_form_stays_on_the_portal(owner: Client, seller: Seller, said: str, query: str) -> None:
    address = address_of_act(seller, "pauzeren")
    assert owner.post(address, {"terug": said})["Location"] == f"{URL}{query}"


def test_page_of_a_secret_returns_to_where_it_was_opened(owner: Client, seller: Seller) -> None:
    address = address_of_act(seller, "secret")
    for _ in range(2):
        answer = owner.post(address, headers={"Referer": f"http://testserver{URL}?page=2"})
        links = [link["href"] for link in Page(answer.content.decode(), address).part("main").root.all("a")]
        assert f"{URL}?page=2" in links


# ---- Order, states and size -------------------------------------------------------------------------------


@pytest.fixture
def every_state(seller: Seller) -> dict[str, ClientCredential]:
    """Credentials of a seller by name, in every state."""
    now = timezone.now()
    ages = {"secret__created_at": now - dt.timedelta(days=100)}
    used = ages | {"secret__last_used_at": now - dt.timedelta(days=91)}
    traits: dict[str, dict[str, Any]] = {
        "Actief": {"secret__last_used_at": now, **ages},
        "Bijna idle": {"secret__last_used_at": now - dt.timedelta(days=89), **ages},
        "Gelekt": {"leaked_at": now, "paused_at": now, "secret__ends_at": now, **used},
        "Gelekt en hervat": {"leaked_at": now, "secret__ends_at": now, **used},
        "Gepauzeerd": {"paused_at": now, **used},
        "Idle": used,
        "Net getoond": {"secret__created_at": now - dt.timedelta(days=6)},
        "Nooit gebruikt": {"secret__created_at": now - dt.timedelta(days=8)},
    }
    made = {
        name: ClientCredentialFactory(seller=seller, name=name, revealed=True, **each) for name, each in traits.items()
    }
    return made | {"Zonder": ClientCredentialFactory(seller=seller, name="Zonder")}


ATTENTION = ["Gelekt", "Gelekt en hervat", "Idle", "Nooit gebruikt"]


def test_rows_are_ordered_by_attention_then_name(owner: Client, every_state: dict[str, ClientCredential]) -> None:
    page = open_page(owner)
    assert names(page) == [*ATTENTION, "Actief", "Bijna idle", "Gepauzeerd", "Net getoond", "Zonder"]
    listed = [
        link
        for section in page.root.all("section")
        if section["aria-labelledby"] == "aandacht"
        for link in section.all("a")
    ]
    assert [link.words.partition(":")[0] for link in listed] == ATTENTION
    for link in listed:
        assert page.at(link["href"].removeprefix("#"))


def test_list_of_attention_begins_with_what_stands_still(
    owner: Client, seller: Seller, every_state: dict[str, ClientCredential]
) -> None:
    ThirdPartyAuthorizationFactory(seller=seller, third_party__name="Orderwijs").stop(
        Cause.ENDED_BY_PARTY, by=Actor.machine()
    )
    words = open_page(owner).words
    lines = ["Gelekt: maak", "Orderwijs: koppel opnieuw", "Idle: verwijder"]
    assert sorted(lines, key=words.index) == lines


def test_list_and_the_model_agree_on_states(seller: Seller, every_state: dict[str, ClientCredential]) -> None:
    for facts, state, needs_attention in CredentialList(seller, CredentialSearchForm({}), "", 20).present:
        credential = ClientCredential.objects.with_details().get(pk=facts.pk)
        assert (state, needs_attention) == (credential.state, credential.name in ATTENTION)


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("aandacht", ATTENTION),
        ("leaked", ["Gelekt", "Gelekt en hervat"]),
        ("paused", ["Gepauzeerd"]),
        ("without_secret", ["Zonder"]),
    ],
)
def test_search_by_state(
    owner: Client, seller: Seller, every_state: dict[str, ClientCredential], state: str, found: list[str]
) -> None:
    fill(seller, 2)
    page = open_page(owner, f"?staat={state}")
    assert names(page) == found
    options = [option.words for option in page.root.all("option")]
    assert "Alle (11)" in options
    assert "Vraagt aandacht (4)" in options
    assert "Gepauzeerd (1)" in options


def test_list_of_attention_is_absent_when_empty(owner: Client, seller: Seller) -> None:
    fill(seller, 20)
    assert "Dit vraagt je aandacht" not in open_page(owner).words


def test_list_of_attention_names_at_most_ten(owner: Client, many: Seller) -> None:
    ClientSecret.objects.update(created_at=timezone.now() - dt.timedelta(days=10))
    page = open_page(owner)
    (section,) = [each for each in page.root.all("section") if each["aria-labelledby"] == "aandacht"]
    assert len(list(section.all("li"))) == 11
    assert "Nog 990" in section.words
    assert names(open_page(owner, "?staat=aandacht&page=50"))[-1] == "Kassa 0999"


def test_new_credential_comes_first(owner: Client, many: Seller) -> None:
    new = ClientCredentialFactory(seller=many, name="Zzz")
    page = open_page(owner, f"?nieuw={new.client_id}")
    assert names(page)[0] == "Zzz"
    (row,) = [each for each in page.root.all("li") if each["class"] == "is-new"]
    assert [button.words for button in row.all("button") if "autofocus" in button.attributes] == ["Toon secret"]


def test_twenty_credentials_take_at_most_45_kilobytes(owner: Client, seller: Seller) -> None:
    fill(seller, 20)
    answer = owner.get(URL)
    assert len(names(Page(answer.content.decode()).part("main"))) == 20
    assert len(answer.content) <= 45_000
    ClientSecret.objects.filter(ends_at__isnull=True).delete()
    ClientCredential.objects.update(leaked_at=timezone.now(), paused_at=timezone.now())
    assert len(owner.get(URL).content) <= 60_000  # all of them leaked

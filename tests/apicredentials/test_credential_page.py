"""`…/credentials/<id>/`: everything about one credential, and every act on it."""

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Actor, Membership, Seller
from apicredentials.models import ClientCredential
from apicredentials.models.sellers import close
from apicredentials.models.usage import ProblemCause, Use
from tests.apicredentials.use import counted
from tests.factories import ClientCredentialFactory, MembershipFactory
from tests.journeys.pages import Page
from tests.people import says, signed_in

SETTINGS = "/instellingen/api/"


def address(credential: ClientCredential) -> str:
    return f"{SETTINGS}credentials/{credential.client_id}/"


def open_page(client: Client, credential: ClientCredential) -> Page:
    answer = client.get(address(credential))
    assert answer.status_code == 200
    return Page(answer.content.decode(), address(credential)).part("main")


def test_name_in_the_row_leads_here(owner: Client, credential: ClientCredential) -> None:
    page = Page(owner.get(SETTINGS).content.decode(), SETTINGS).part("main")
    assert page.link("Magazijn") == address(credential)
    assert open_page(owner, credential).headings[0] == "Magazijn"


def test_every_act_is_here(owner: Client, credential: ClientCredential) -> None:
    page = open_page(owner, credential)
    acts = {"Toon secret": "secret", "Naam wijzigen": "naam", "Rechten wijzigen": "rechten"}
    acts |= {"Pauzeren": "pauzeren", "Verwijderen": "verwijderen"}
    assert {act: page.form(act).address for act in acts} == {
        act: f"{address(credential)}{path}/" for act, path in acts.items()
    }
    credential.reveal(by=Actor())
    credential.pause(by=Actor())
    page = open_page(owner, credential)
    assert page.form("Nieuw secret").address == f"{address(credential)}nieuw-secret/"
    assert page.form("Hervatten").address == f"{address(credential)}hervatten/"


@pytest.mark.parametrize("reason", ["role", "closed"])
def test_member_who_cannot_change_anything_sees_no_buttons(
    seller: Seller, owner: Client, credential: ClientCredential, reason: str
) -> None:
    credential.reveal(by=Actor())
    if reason == "role":
        owner = signed_in(MembershipFactory(seller=seller, role=Membership.Role.READ_ONLY).user)
    else:
        close(seller, by=Actor(reason="Gestopt"))
    for url in (SETTINGS, address(credential)):
        page = Page(owner.get(url).content.decode(), url).part("main")
        assert not list(page.root.all("form"))
        assert "Magazijn" in page.words


# ---- Client secrets ---------------------------------------------------------------------------------------

LONG_AGO = timezone.now() - dt.timedelta(days=100)


@pytest.mark.parametrize(
    ("traits", "tag", "end"),
    [
        ({}, "In gebruik", "Werkt tot"),
        ({"paused": True}, "Gepauzeerd", "Eindigt op"),
        ({"secret__last_used_at": LONG_AGO}, "90 dagen niet gebruikt", "Werkt tot"),
    ],
)
def test_tag_of_a_secret_is_true_in_every_state(
    owner: Client, seller: Seller, traits: dict[str, Any], tag: str, end: str
) -> None:
    now = timezone.now()
    used = {"secret__created_at": LONG_AGO, "secret__first_used_at": LONG_AGO, "secret__last_used_at": now}
    ends = {"secret__ends_at": now + dt.timedelta(days=7)}
    credential = ClientCredentialFactory(seller=seller, revealed=True, **used | ends | traits)
    page = open_page(owner, credential)
    (secret,) = [each for each in page.root.all("article") if f"…{credential.secrets.get().hint}" in each.words]
    assert [each.words for each in secret.all("span") if "tag" in each["class"].split()] == [tag]
    assert end in secret.words


@pytest.mark.parametrize(
    ("traits", "words"),
    [
        ({"revealed": True}, "Na het hervatten heeft je software weer toegang."),
        ({"revealed": True, "secret__ends_at": LONG_AGO}, "Er is geen secret dat nog werkt"),
        ({}, "Er is nog geen secret getoond."),
    ],
)
def test_paused_credential_says_what_resuming_does(
    owner: Client, seller: Seller, traits: dict[str, Any], words: str
) -> None:
    assert words in open_page(owner, ClientCredentialFactory(seller=seller, paused=True, **traits)).words


# ---- Gebruik ----------------------------------------------------------------------------------------------


def test_chart_and_the_table_have_the_numbers_of_the_database(owner: Client, credential: ClientCredential) -> None:
    counts = {0: 7, 1: 1200, 29: 31}
    for days_ago, count in counts.items():
        counted(credential.client_id, Use.API_CALL, count, days_ago=days_ago)
        counted(credential.client_id, Use.TOKEN_REQUEST, count + 1, days_ago=days_ago)
    counted(credential.client_id, Use.API_CALL, 10_000, days_ago=30)
    page = open_page(owner, credential)
    (table,) = page.root.all("table")
    rows = [[cell.words for cell in row.all("td")] for row in table.all("tr")][1:]
    assert len(rows) == 30
    assert {days_ago: row[:2] for days_ago, row in enumerate(rows) if row[0] != "0"} == {
        0: ["7", "8"],
        1: ["1.200", "1.201"],
        29: ["31", "32"],
    }
    calls, requests = page.root.all("figure")
    titles = [bar.words.partition(": ")[2] for bar in calls.all("title")]
    assert titles == ["31 aanroepen", "1.200 aanroepen", "7 aanroepen"]
    assert len(list(requests.all("rect"))) == 3
    assert "API-aanroepen 1.238 88 % minder dan de 30 dagen ervoor" in page.words
    assert "Tokenaanvragen 1.241 geen geweigerd" in page.words


def test_unused_credential_shows_zeros(owner: Client, credential: ClientCredential) -> None:
    page = open_page(owner, credential)
    assert "API-aanroepen 0" in page.words
    assert "Laatst gebruikt Nog niet" in page.words
    assert "Geen. We hebben niets geweigerd." in page.words
    assert "Geen gebruik in deze 30 dagen." in page.words
    assert not list(page.root.all("figure"))


def test_use_of_another_is_not_counted_here(owner: Client, seller: Seller, credential: ClientCredential) -> None:
    counted(ClientCredentialFactory(seller=seller).client_id, Use.API_CALL, 99)
    assert "API-aanroepen 0" in open_page(owner, credential).words


# ---- Problemen --------------------------------------------------------------------------------------------


def test_problems_say_what_how_often_when_from_where_and_what_to_do(
    owner: Client, credential: ClientCredential
) -> None:
    fields: dict[str, Any] = {"right": "invoices:read", "address": "203.0.113.24", "agent": "<b>prijs</b>/4"}
    counted(credential.client_id, ProblemCause.MISSING_RIGHT, 400, days_ago=3, **fields)
    counted(credential.client_id, ProblemCause.MISSING_RIGHT, 12, **fields)
    counted(credential.client_id, ProblemCause.WRONG_SECRET, 1, days_ago=40)
    page = open_page(owner, credential)
    assert "412 problemen in de laatste 30 dagen." in page.words
    (problem,) = [each for each in page.root.all("article") if each["class"] == "problem"]
    for words in ("Recht ontbreekt", "412 keer", "Facturen: Lezen", "Wat nu:", "203.0.113.24", "<b>prijs</b>/4"):
        assert words in problem.words
    assert page.link("Uitleg") == "/hulp/#403"


def test_every_cause_is_explained_where_its_link_leads(owner: Client, credential: ClientCredential) -> None:
    for cause in ProblemCause:
        counted(credential.client_id, cause, 1)
    help_page = Page(owner.get("/hulp/").content.decode())
    links = {link["href"] for link in open_page(owner, credential).root.all("a") if link.words == "Uitleg"}
    assert len(links) > 3
    for link in links:
        assert help_page.at(link.removeprefix("/hulp/#")), link


# ---- Rechten, Activiteit ----------------------------------------------------------------------------------


def test_rights_are_listed_in_full(owner: Client, seller: Seller) -> None:
    credential = ClientCredentialFactory(seller=seller, scope="offers:read orders:read orders:manage")
    words = open_page(owner, credential).words
    assert "Aanbod Lezen Bestellingen Lezen en beheren De andere 15 rechten: Geen." in words


def test_log_is_of_this_credential_alone(owner: Client, seller: Seller, credential: ClientCredential) -> None:
    credential.reveal(by=Actor(user=seller.members.get(), address="198.51.100.7"))
    ClientCredentialFactory(seller=seller, name="Kassa").pause(by=Actor())
    page = open_page(owner, credential)
    acts = [each for each in page.root.all("article") if each["class"] == "act"]
    assert [next(act.all("h3")).words for act in acts] == ["Client secret getoond"]
    assert "vanaf 198.51.100.7" in acts[0].words
    assert page.link("Alle activiteit van Magazijn") == f"{SETTINGS}activiteit/?subject=Magazijn"


# ---- Numbers ----------------------------------------------------------------------------------------------


def test_credential_page_takes_at_most_ten_queries(owner: Client, credential: ClientCredential) -> None:
    open_page(owner, credential)  # writes down that the session is in use
    with CaptureQueriesContext(connection) as empty:
        open_page(owner, credential)
    credential.reveal(by=Actor())
    for number in range(12):
        credential.rotate(overlap=dt.timedelta(), by=Actor())
        credential.rename(f"Naam {number}", by=Actor())
        counted(credential.client_id, Use.API_CALL, 5, days_ago=number)
        counted(credential.client_id, list(ProblemCause)[number % 9], 5, days_ago=number)
    with CaptureQueriesContext(connection) as full:
        open_page(owner, credential)
    assert len(full) == len(empty) <= 10


def test_stranger_does_not_see_it(stranger: Client, credential: ClientCredential) -> None:
    assert stranger.get(address(credential)).status_code == 404


def test_page_has_no_secret_and_no_hash(owner: Client, credential: ClientCredential) -> None:
    secret = credential.reveal(by=Actor())
    content = owner.get(address(credential)).content.decode()
    assert f"…{secret[-4:]}" in says(owner.get(address(credential)))
    assert not re.search(r"rts_[A-Za-z0-9_]{20}", content)
    assert credential.secrets.get().hash not in content

"""`/instellingen/api/activiteit/`: who did what, when and from where; as a page, and as a file for a spreadsheet."""

import csv
import datetime as dt
import io
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Actor, Membership, Seller, User
from apicredentials import scopes
from apicredentials.models import Activity, ThirdPartyAuthorization
from apicredentials.models.activity import GROUPS
from apicredentials.views import activity as views
from tests.conftest import on_sqlite
from tests.factories import ClientCredentialFactory, MembershipFactory, SellerFactory, ThirdPartyFactory
from tests.journeys.pages import Page
from tests.people import codes, says, signed_in

URL = "/instellingen/api/activiteit/"
EXPORT = f"{URL}activiteit.csv"
NOON = dt.datetime(2026, 6, 1, 10, tzinfo=dt.UTC)
Kind = Activity.Kind


def log(
    seller: Seller, *subjects: str, at: dt.datetime = NOON, kind: str = Kind.CREDENTIAL_PAUSED, **fields: Any
) -> None:
    """Write rows about `subjects`, each a minute after the one before."""
    fields = {"actor_name": "Sanne"} | fields
    Activity.objects.bulk_create(
        Activity(seller=seller, kind=kind, subject=subject, at=at + dt.timedelta(minutes=minute), **fields)
        for minute, subject in enumerate(subjects)
    )


def open_page(client: Client, query: str | dict[str, str] = "") -> Page:
    answer = client.get(URL, query) if isinstance(query, dict) else client.get(query or URL)
    assert answer.status_code == 200
    return Page(answer.content.decode(), URL).part("main")


def acts(page: Page) -> list[str]:
    """What the page says was done, from top to bottom."""
    return [act.words for act in page.root.all("h4")]


def subjects(page: Page) -> list[str]:
    return [act.partition(": ")[2] for act in acts(page)]


def download(client: Client, **query: str) -> list[list[str]]:
    """Fetch the file, and read it as a spreadsheet does."""
    answer = client.get(EXPORT, query)
    assert isinstance(answer, StreamingHttpResponse)
    return list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))


# ---- A row --------------------------------------------------------------------------------------------------


def test_it_tells_what_was_done_just_now(owner: Client, seller: Seller) -> None:
    owner.post("/instellingen/api/credentials/", {"name": "Magazijn", "scopes": "orders:read"})
    page = open_page(owner)
    assert page.headings[:2] == ["Activiteit", "Wat er is gedaan"]
    assert acts(page) == ["Client credentials aangemaakt: Magazijn"]
    assert f"{seller.members.get()}, vanaf 127.0.0.1" in page.words


def test_the_newest_stands_on_top_under_its_day_in_amsterdam(owner: Client, seller: Seller) -> None:
    log(seller, "Oud", at=dt.datetime(2026, 3, 28, 22, 59, tzinfo=dt.UTC))
    log(seller, "Nieuw", at=dt.datetime(2026, 3, 28, 23, 1, tzinfo=dt.UTC))
    page = open_page(owner)
    assert subjects(page) == ["Nieuw", "Oud"]
    assert [heading for heading in page.headings if "maart" in heading] == [
        "zondag 29 maart 2026",
        "zaterdag 28 maart 2026",
    ]
    assert "00:01" in page.words
    assert "23:59" in page.words


def test_an_operators_reason_is_there_to_read(owner: Client, seller: Seller) -> None:
    credential = ClientCredentialFactory(seller=seller, name="Magazijn")
    credential.pause(by=Actor(reason="Verdacht verkeer, zie ticket 7"))
    words = open_page(owner).words
    assert "Operator van de marktplaats" in words
    assert "Reden: Verdacht verkeer, zie ticket 7" in words


def test_what_the_machine_did_has_no_address(owner: Client, seller: Seller) -> None:
    ClientCredentialFactory(seller=seller).pause(by=Actor.machine())
    assert "Automatisch" in open_page(owner).words
    assert "vanaf" not in open_page(owner).words


@pytest.mark.parametrize(
    ("kind", "details", "sentence"),
    [
        (Kind.CREDENTIAL_RENAMED, {"former_name": "Kassa {0}"}, "Heette eerst ‘Kassa {0}’."),
        (Kind.CONTACT_SAVED, {"changed": "naam, e-mailadres"}, "Gewijzigd: naam, e-mailadres."),
        (Kind.CONTACT_SAVED, {"changed": ""}, ""),
        (Kind.LEAK_REPORTED, {"hint": "aB3x"}, "Het gaat om het secret …aB3x."),
        (
            Kind.SECRET_ROTATED,
            {"previous_ends_at": "2026-06-02T10:00:00+00:00"},
            "Einde van het oude secret: 2 juni 2026 om 12:00.",
        ),
        (
            Kind.SECRET_ENDED,
            {"hint": "aB3x", "secret": "9", "ended_at": "2026-12-02T10:00:00+00:00"},
            "Het gaat om het secret …aB3x. Het werkte tot 2 december 2026 om 11:00.",
        ),
        (
            Kind.PARTY_AUTHORIZED,
            {"scope": "orders:read orders:manage invoices:read", "expires_at": "2027-06-01T10:00:00+00:00"},
            "Rechten: Bestellingen: Lezen en beheren, Facturen: Lezen. Einddatum: 1 juni 2027 om 12:00.",
        ),
        (Kind.PARTY_AUTHORIZED, {"scope": scopes.join(scopes.ALL)}, "Rechten: alle."),
        (Kind.CREDENTIAL_RIGHTS_CHANGED, {"former_scope": "weg:read", "scope": "weg:manage"}, ""),
        (Kind.CREDENTIAL_RIGHTS_CHANGED, {}, ""),
        (Kind.PARTY_EXPIRED, {"iets": "anders"}, ""),
    ],
)
def test_details_become_a_sentence(kind: str, details: dict[str, str], sentence: str) -> None:
    assert Activity(kind=kind, details=details).explanation == sentence


def test_every_act_can_be_written_and_read(owner: Client, seller: Seller) -> None:
    """By walking through a credential's and an authorisation's whole life."""
    by = Actor(user=seller.members.get(), address="192.0.2.7")
    credential = ClientCredentialFactory(seller=seller, name="Magazijn")
    credential.reveal(by=by)
    credential.rotate(overlap=dt.timedelta(days=1), by=by)
    credential.secrets.earliest("pk").end_after(dt.timedelta(), by=by)
    credential.rename("Kassa", by=by)
    credential.change_rights(["orders:read"], by=by)
    credential.pause(by=by)
    credential.resume(by=by)
    credential.delete_softly(by=by)
    credential.restore(by=by)
    ThirdPartyAuthorization.objects.consent(
        seller=seller, third_party=ThirdPartyFactory(name="Bol"), rights=["orders:read"], by=by
    ).revoke(by=by)
    assert acts(open_page(owner)) == [
        "Derde partij verwijderd: Bol",
        "Derde partij geautoriseerd: Bol",
        "Client credentials teruggezet: Kassa",
        "Client credentials verwijderd: Kassa",
        "Client credentials hervat: Kassa",
        "Client credentials gepauzeerd: Kassa",
        "Rechten van client credentials gewijzigd: Kassa",
        "Naam van client credentials gewijzigd: Kassa",
        "Einde van oud client secret gewijzigd: Magazijn",
        "Nieuw client secret gemaakt: Magazijn",
        "Client secret getoond: Magazijn",
    ]


def test_text_is_text(owner: Client, seller: Seller) -> None:
    log(seller, "<script>alert('1')</script>", reason="<b>", details={"former_name": "<i>"}, actor_name="<u>")
    answer = owner.get(URL)
    assert "<script>alert" not in answer.content.decode()
    for text in ("<script>alert('1')</script>", "<b>", "<i>", "<u>"):
        assert text in says(answer)


# ---- Whose --------------------------------------------------------------------------------------------------


def test_nobody_reads_the_log_of_another(owner: Client, stranger: Client, seller: Seller) -> None:
    log(seller, "Magazijn")
    Activity.objects.create(kind=Kind.CLIENT_REGISTERED, subject="Bol", actor_name="Operator")
    assert subjects(open_page(owner)) == ["Magazijn"]
    assert "Er is nog niets gedaan." in open_page(stranger).words
    assert len(download(owner)) == 2
    assert len(download(stranger)) == 1


def test_who_reads_only_reads_this_too(seller: Seller) -> None:
    log(seller, "Magazijn")
    reader = signed_in(MembershipFactory(seller=seller, role=Membership.Role.READ_ONLY).user)
    assert subjects(open_page(reader)) == ["Magazijn"]
    assert len(download(reader)) == 2


def test_working_for_two_one_reads_the_log_of_the_one_in_use(owner: Client, seller: Seller) -> None:
    other = SellerFactory(display_name="Bananen", owner__user=seller.members.get())
    log(seller, "Van Appels")
    log(other, "Van Bananen")
    assert subjects(open_page(owner)) == ["Van Appels"]
    owner.post("/instellingen/verkoper/", {"seller": other.retailer_id})
    assert subjects(open_page(owner)) == ["Van Bananen"]


@pytest.mark.parametrize("address", [URL, EXPORT])
def test_there_is_nothing_to_post(owner: Client, address: str) -> None:
    assert owner.post(address).status_code == 405


# ---- Where it is --------------------------------------------------------------------------------------------


def test_instellingen_and_every_page_beside_it_lead_here(owner: Client) -> None:
    index = Page(owner.get("/instellingen/").content.decode(), "/instellingen/")
    assert index.link("Activiteit Wie wat wanneer heeft gewijzigd, en vanaf welk adres.") == URL
    assert Page(owner.get("/instellingen/api/").content.decode(), "/").link("Activiteit") == URL


@pytest.mark.parametrize(("address", "here"), [(URL, "Activiteit"), ("/instellingen/api/", "API Instellingen")])
def test_the_menu_says_which_of_the_two_this_is(owner: Client, address: str, here: str) -> None:
    nav = Page(owner.get(address).content.decode()).part("nav")
    assert [link.words for link in nav.root.all("a") if link["aria-current"]] == [here]


# ---- Filter -------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(seller: Seller) -> None:
    log(seller, "Kassa", kind=Kind.CREDENTIAL_CREATED, at=dt.datetime(2026, 5, 1, 10, tzinfo=dt.UTC))
    log(seller, "Kassa", kind=Kind.SECRET_REVEALED, at=dt.datetime(2026, 5, 2, 10, tzinfo=dt.UTC))
    log(seller, "Magazijn", kind=Kind.SECRET_ROTATED, at=dt.datetime(2026, 5, 3, 21, 59, tzinfo=dt.UTC))
    log(seller, "Bol", kind=Kind.PARTY_AUTHORIZED, at=dt.datetime(2026, 5, 3, 22, 1, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Bol", "Magazijn", "Kassa", "Kassa"]),
        ({"kind": "", "subject": "", "since": "", "until": ""}, ["Bol", "Magazijn", "Kassa", "Kassa"]),
        ({"kind": "secret_revealed"}, ["Kassa"]),
        ({"kind": "Client secrets"}, ["Magazijn", "Kassa"]),
        ({"subject": "KAS"}, ["Kassa", "Kassa"]),
        ({"subject": "%"}, []),
        ({"subject": "ka", "kind": "Client secrets"}, ["Kassa"]),
        ({"since": "2026-05-03"}, ["Bol", "Magazijn"]),
        ({"since": "03-05-2026"}, ["Bol", "Magazijn"]),
        # The last one was on the 4th, in Amsterdam.
        ({"until": "2026-05-03"}, ["Magazijn", "Kassa", "Kassa"]),
        ({"since": "2026-05-04", "until": "2026-05-04"}, ["Bol"]),
        ({"before": "onzin"}, ["Bol", "Magazijn", "Kassa", "Kassa"]),
    ],
)
def test_the_filter_shows_what_was_asked_for(
    owner: Client, rows: None, query: dict[str, str], found: list[str]
) -> None:
    assert subjects(open_page(owner, query)) == found
    assert [row[3] for row in download(owner, **query)[1:]] == found


def test_the_filter_keeps_what_was_chosen(owner: Client, rows: None) -> None:
    page = open_page(owner, {"kind": "Client secrets", "subject": "ka", "since": "2026-05-01"})
    assert next(option for option in page.root.all("option") if "selected" in option.attributes)["value"] == (
        "Client secrets"
    )
    boxes = {box["name"]: box["value"] for box in page.root.all("input")}
    assert boxes == {"subject": "ka", "since": "2026-05-01", "until": ""}
    assert page.link("Filter wissen") == URL
    assert "open" in next(page.root.all("details")).attributes


def test_without_a_filter_it_stays_folded(owner: Client, rows: None) -> None:
    assert "open" not in next(open_page(owner).root.all("details")).attributes


def test_nothing_found_is_said(owner: Client, rows: None) -> None:
    page = open_page(owner, {"subject": "niets"})
    assert "Niets gevonden." in page.words
    assert not [link for link in page.root.all("a") if "download" in link.attributes]


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({"kind": "alles"}, {"kind": ["invalid_choice"]}),
        ({"subject": "a\0"}, {"subject": ["null_characters_not_allowed"]}),
        ({"subject": "a" * 201}, {"subject": ["max_length"]}),
        ({"since": "gisteren"}, {"since": ["invalid"]}),
        ({"since": "0001-01-01"}, {"since": ["min_value"]}),
        ({"until": "9999-12-31"}, {"until": ["max_value"]}),
        ({"since": "2026-05-04", "until": "2026-05-03"}, {"until": ["before_since"]}),
    ],
)
def test_a_filter_that_means_nothing_is_explained(
    owner: Client, rows: None, query: dict[str, str], errors: dict[str, list[str]]
) -> None:
    answer = owner.get(URL, query)
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == errors
    assert not acts(Page(answer.content.decode()))
    leads_to = owner.get(EXPORT, query)["Location"]
    assert leads_to.startswith(f"{URL}?")
    assert owner.get(leads_to).status_code == 422


@pytest.mark.parametrize(("day", "hours"), [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25)])
def test_a_day_in_which_the_clock_changes_is_a_whole_day(
    owner: Client, seller: Seller, day: dt.date, hours: int
) -> None:
    start = dt.datetime.combine(day, dt.time(), ZoneInfo("Europe/Amsterdam")).astimezone(dt.UTC)
    end = start + dt.timedelta(hours=hours)
    second = dt.timedelta(seconds=1)
    for subject, at in {"Ervoor": start - second, "Begin": start, "Einde": end - second, "Erna": end}.items():
        log(seller, subject, at=at)
    assert subjects(open_page(owner, {"since": str(day), "until": str(day)})) == ["Einde", "Begin"]


def test_every_kind_is_in_one_group_of_the_filter() -> None:
    grouped = [kind for kinds in GROUPS.values() for kind in kinds]
    assert len(grouped) == len(set(grouped))
    # What an operator does for no seller in particular.
    assert set(Kind) - set(grouped) == {Kind.CLIENT_REGISTERED, Kind.ANNOUNCEMENT_SENT}


# ---- Pages --------------------------------------------------------------------------------------------------


def test_older_leads_through_all_of_it_once(owner: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 3)
    log(seller, *[str(number) for number in range(8)])
    log(seller, *"abcd", at=NOON, actor_name="Tegelijk")
    Activity.objects.bulk_create(
        [Activity(seller=seller, kind="contact_saved", subject="=", at=NOON) for _ in range(4)]
    )
    seen, page = [], open_page(owner)
    while True:
        seen += subjects(page)
        if not [link for link in page.root.all("a") if link.words == "Oudere"]:
            break
        page = open_page(owner, page.link("Oudere"))
    ordered = Activity.objects.filter(seller=seller).order_by("-at", "-pk").values_list("subject", flat=True)
    assert seen == list(ordered)


def test_what_is_new_meanwhile_shifts_nothing(owner: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    log(seller, "a", "b", "c", "d")
    older = open_page(owner).link("Oudere")
    log(seller, "nieuw", at=NOON + dt.timedelta(days=1))
    page = open_page(owner, older)
    assert subjects(page) == ["b", "a"]
    assert subjects(open_page(owner, page.link("Nieuwste"))) == ["nieuw", "d"]


def test_the_filter_stays_on_older_pages(owner: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    log(seller, "a1", "b1", "a2", "b2", "a3", "b3")
    page = open_page(owner, {"subject": "a"})
    assert subjects(page) == ["a3", "a2"]
    older = open_page(owner, page.link("Oudere"))
    assert subjects(older) == ["a1"]
    assert [box["value"] for box in older.root.all("input") if box["name"] == "subject"] == ["a"]
    assert subjects(open_page(owner, older.link("Nieuwste"))) == ["a3", "a2"]


def test_a_full_last_page_offers_no_older_one(owner: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    log(seller, "a", "b")
    assert not [link for link in open_page(owner).root.all("a") if link.words == "Oudere"]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "-",
        "1",
        "1-",
        "-1",
        "1-1-1",
        "x-1",
        "99999999999999999-999999999999999999",
        "9" * 5000,
        "1-\0",
        "\u0661-\u0661",
    ],
)
def test_another_cursor_breaks_nothing(owner: Client, seller: Seller, cursor: str) -> None:
    log(seller, "a")
    assert owner.get(URL, {"before": cursor}).status_code == 200


def test_past_the_end_it_says_so(owner: Client, seller: Seller) -> None:
    log(seller, "a")
    page = open_page(owner, {"before": "1-1"})
    assert "Verder terug is er niets." in page.words
    assert page.link("Nieuwste") == URL


def test_it_takes_the_same_few_queries_however_much_there_is(owner: Client, seller: Seller) -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            open_page(owner)
        return [query["sql"] for query in captured]

    log(seller, "a")
    queries()
    few = queries()
    log(seller, *map(str, range(300)))
    many = queries()
    assert len(many) == len(few) <= 4
    assert not any("COUNT(" in query or "OFFSET" in query for query in many)


@pytest.mark.skipif(not on_sqlite(), reason="PostgreSQL plans by the size of the table")
@pytest.mark.parametrize("cursor", ["", "1780308000000000-1"])
def test_the_index_finds_the_page(seller: Seller, cursor: str) -> None:
    plan = Activity.objects.for_seller(seller).before(cursor)[:51].explain()
    assert re.search(r"SEARCH \w+ USING INDEX activity_by_seller", plan)
    assert "TEMP B-TREE" not in plan
    assert ("at<" in plan) is bool(cursor)


# ---- The file -----------------------------------------------------------------------------------------------


def test_the_page_leads_to_the_file_of_what_it_shows(owner: Client, rows: None) -> None:
    assert open_page(owner).link("Downloaden als CSV").partition("?")[0] == EXPORT
    link = open_page(owner, {"subject": "kas", "before": "1780308000000000-1"}).link("Downloaden als CSV")
    assert link == f"{EXPORT}?subject=kas"


def test_the_file_is_one_for_a_spreadsheet(owner: Client, seller: Seller) -> None:
    with time_machine.travel(dt.datetime(2026, 6, 1, 23, tzinfo=dt.UTC)):
        answer = signed_in(seller.members.get()).get(EXPORT)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="activiteit-{seller.retailer_id}-2026-06-02.csv"'
    assert answer["Cache-Control"] == "no-store"
    assert answer.getvalue().startswith(b"\xef\xbb\xbf")


def test_the_file_has_every_column(owner: Client, seller: Seller) -> None:
    log(
        seller,
        'Café "De Zon", Zwolle',
        kind=Kind.CREDENTIAL_RENAMED,
        details={"former_name": "Café\n"},
        address="2001:db8::7",
        reason="Op verzoek; ticket 7",
    )
    assert download(owner) == [
        ["Wanneer (Nederlandse tijd)", "Wie", "Wat", "Waarover", "Bijzonderheden", "Vanaf adres", "Reden"],
        [
            "2026-06-01 12:00:00",
            "Sanne",
            "Naam van client credentials gewijzigd",
            'Café "De Zon", Zwolle',
            "Heette eerst ‘Café\n’.",
            "2001:db8::7",
            "Op verzoek; ticket 7",
        ],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_is_a_formula(owner: Client, seller: Seller, start: str) -> None:
    formula = f"{start}HYPERLINK(1)"
    log(seller, formula, actor_name=formula, reason=formula)
    row = download(owner)[1]
    assert [row[column] for column in (1, 3, 6)] == [f"'{formula}"] * 3
    assert not [cell for cell in row if cell.startswith(start)]


def test_a_name_in_the_middle_of_which_stands_a_sign_is_left_alone(owner: Client, seller: Seller) -> None:
    log(seller, "Jansen-Smit = 1")
    assert download(owner)[1][3] == "Jansen-Smit = 1"


def test_the_file_has_all_of_it_read_in_batches(owner: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "BATCH_SIZE", 10)
    log(seller, *[str(number) for number in range(35)])
    with CaptureQueriesContext(connection) as captured:
        rows = download(owner)
    assert [row[3] for row in rows[1:]] == [str(number) for number in reversed(range(35))]
    read = [query["sql"] for query in captured if 'FROM "apicredentials_activity"' in query["sql"]]
    assert len(read) == 5
    assert all("LIMIT 10" in sql for sql in read)


def test_who_has_left_is_still_named(owner: Client, seller: Seller) -> None:
    user = User.objects.create_user("weg@winkel.example", name="Piet Weg")
    ClientCredentialFactory(seller=seller).pause(by=Actor(user=user))
    user.is_active = False
    user.save()
    assert "Piet Weg" in open_page(owner).words

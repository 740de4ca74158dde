"""The filter of `/instellingen/api/activiteit/`: what the page shows, and the file that it leads to."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from accounts.models import Seller
from tests.apicredentials.activity import EXPORT, URL, Kind, acts, download, log, open_page, subjects
from tests.journeys.pages import Page
from tests.people import codes


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
def test_filter_shows_what_was_asked_for(owner: Client, rows: None, query: dict[str, str], found: list[str]) -> None:
    assert subjects(open_page(owner, query)) == found
    assert [row[3] for row in download(owner, **query)[1:]] == found


def test_filter_keeps_what_was_chosen(owner: Client, rows: None) -> None:
    page = open_page(owner, {"kind": "Client secrets", "subject": "ka", "since": "2026-05-01"})
    assert next(option for option in page.root.all("option") if "selected" in option.attributes)["value"] == (
        "Client secrets"
    )
    boxes = {box["name"]: box["value"] for box in page.root.all("input")}
    assert boxes == {"subject": "ka", "since": "2026-05-01", "until": ""}
    assert page.link("Filter wissen") == URL
    assert "open" in next(page.root.all("details")).attributes


def test_filter_is_folded_when_unused(owner: Client, rows: None) -> None:
    assert "open" not in next(open_page(owner).root.all("details")).attributes


def test_empty_result_is_reported(owner: Client, rows: None) -> None:
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
def test_filter_that_means_nothing_is_explained(
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
def test_day_in_which_the_clock_changes_is_a_whole_day(owner: Client, seller: Seller, day: dt.date, hours: int) -> None:
    start = dt.datetime.combine(day, dt.time(), ZoneInfo("Europe/Amsterdam")).astimezone(dt.UTC)
    end = start + dt.timedelta(hours=hours)
    second = dt.timedelta(seconds=1)
    for subject, at in {"Ervoor": start - second, "Begin": start, "Einde": end - second, "Erna": end}.items():
        log(seller, subject, at=at)
    assert subjects(open_page(owner, {"since": str(day), "until": str(day)})) == ["Einde", "Begin"]


def test_every_kind_is_in_one_group_of_the_filter() -> None:
    grouped = [kind for kinds in Kind.grouped().values() for kind in kinds]
    assert len(grouped) == len(set(grouped))
    # Acts of operators that concern no single seller.
    assert set(Kind) - set(grouped) == {Kind.CLIENT_REGISTERED, Kind.ANNOUNCEMENT_SENT}


def test_page_leads_to_the_file_of_what_it_shows(owner: Client, rows: None) -> None:
    assert open_page(owner).link("Downloaden als CSV").partition("?")[0] == EXPORT
    link = open_page(owner, {"subject": "kas", "before": "1780308000000000-1"}).link("Downloaden als CSV")
    assert link == f"{EXPORT}?subject=kas"

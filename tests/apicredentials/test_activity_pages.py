"""`/instellingen/api/activiteit/` of a long log: page by page, each as fast as the first."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Seller
from apicredentials.models import Activity
from apicredentials.views import activity_views as views
from tests.apicredentials.activity import NOON, URL, log, open_page, subjects
from tests.conftest import on_sqlite


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


def test_new_row_does_not_shift_the_pages(owner: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    log(seller, "a", "b", "c", "d")
    older = open_page(owner).link("Oudere")
    log(seller, "nieuw", at=NOON + dt.timedelta(days=1))
    page = open_page(owner, older)
    assert subjects(page) == ["b", "a"]
    assert subjects(open_page(owner, page.link("Nieuwste"))) == ["nieuw", "d"]


def test_filter_stays_on_older_pages(owner: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    log(seller, "a1", "b1", "a2", "b2", "a3", "b3")
    page = open_page(owner, {"subject": "a"})
    assert subjects(page) == ["a3", "a2"]
    older = open_page(owner, page.link("Oudere"))
    assert subjects(older) == ["a1"]
    assert [box["value"] for box in older.root.all("input") if box["name"] == "subject"] == ["a"]
    assert subjects(open_page(owner, older.link("Nieuwste"))) == ["a3", "a2"]


def test_full_last_page_offers_no_older_one(owner: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_page_past_the_end_says_so(owner: Client, seller: Seller) -> None:
    log(seller, "a")
    page = open_page(owner, {"before": "1-1"})
    assert "Verder terug is er niets." in page.words
    assert page.link("Nieuwste") == URL


def test_page_takes_the_same_few_queries_however_many_rows(owner: Client, seller: Seller) -> None:
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
def test_index_finds_the_page(seller: Seller, cursor: str) -> None:
    plan = Activity.objects.for_seller(seller).before(cursor)[:51].explain()
    assert re.search(r"SEARCH \w+ USING INDEX activity_by_seller", plan)
    assert "TEMP B-TREE" not in plan
    assert ("at<" in plan) is bool(cursor)

"""`/instellingen/api/activiteit/activiteit.csv`: the log as a file for a spreadsheet."""

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Seller
from apicredentials.views import activity_views as views
from tests.apicredentials.activity import EXPORT, Kind, download, log
from tests.people import signed_in


def test_file_is_one_for_a_spreadsheet(owner: Client, seller: Seller) -> None:
    with time_machine.travel(dt.datetime(2026, 6, 1, 23, tzinfo=dt.UTC)):
        answer = signed_in(seller.members.get()).get(EXPORT)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="activiteit-{seller.retailer_id}-2026-06-02.csv"'
    assert answer["Cache-Control"] == "no-store"
    assert answer.getvalue().startswith(b"\xef\xbb\xbf")


def test_file_has_every_column(owner: Client, seller: Seller) -> None:
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
            "Heette eerst 'Café\n'.",
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


def test_name_in_the_middle_of_which_stands_a_sign_is_left_alone(owner: Client, seller: Seller) -> None:
    log(seller, "Jansen-Smit = 1")
    assert download(owner)[1][3] == "Jansen-Smit = 1"


def test_file_has_all_of_it_read_in_batches(owner: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "BATCH_SIZE", 10)
    log(seller, *[str(number) for number in range(35)])
    with CaptureQueriesContext(connection) as captured:
        rows = download(owner)
    assert [row[3] for row in rows[1:]] == [str(number) for number in reversed(range(35))]
    read = [query["sql"] for query in captured if 'FROM "apicredentials_activity"' in query["sql"]]
    assert len(read) == 5
    assert all("LIMIT 10" in sql for sql in read)

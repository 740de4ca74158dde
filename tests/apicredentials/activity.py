"""The activity log as tests write it, and as they read its page and its file."""

import csv
import datetime as dt
import io
from typing import Any

from django.http import StreamingHttpResponse
from django.test import Client

from accounts.models import Seller
from apicredentials.models import Activity
from tests.journeys.pages import Page

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
    """Return the acts on the page, from top to bottom."""
    return [act.words for act in page.root.all("h4")]


def subjects(page: Page) -> list[str]:
    return [act.partition(": ")[2] for act in acts(page)]


def download(client: Client, **query: str) -> list[list[str]]:
    """Fetch the file, and read it as a spreadsheet does."""
    answer = client.get(EXPORT, query)
    assert isinstance(answer, StreamingHttpResponse)
    return list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))

"""Fixtures: a seller with an owner and a technical contact, a clock, a mail server, an announcement."""

import datetime as dt
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import Actor, Seller
from apicredentials.models import ThirdPartyAuthorization
from tests.factories import SellerFactory, TechnicalContactFactory, ThirdPartyAuthorizationFactory
from tests.mail.smtp_server import Behaviour, smtp_server

OWNER = "eigenaar@winkel.example"
CONTACT = "techniek@winkel.example"
START = dt.datetime(2027, 3, 1, 14, 3, tzinfo=dt.UTC)

SUBJECT = "Onderhoud aan de Retailer API op 7 maart"
TEXT = "Zondag 7 maart is er onderhoud.\n\nPlan je aanroepen erna. Meer: https://status.example/onderhoud."


@pytest.fixture
def seller(db: None) -> Seller:
    """A seller whose owner and contact have the addresses OWNER and CONTACT."""
    seller = SellerFactory(display_name="Appels", owner__user__email=OWNER)
    TechnicalContactFactory(seller=seller, email=CONTACT)
    return seller


@pytest.fixture
def by(seller: Seller) -> Actor:
    """The seller's owner as actor, with a known IP address."""
    return Actor(user=seller.members.get(), address="203.0.113.7")


@pytest.fixture
def clock(db: None) -> Iterator[time_machine.Traveller]:
    """A stopped clock. Request it before any row is created, so that the order of events is right."""
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def authorization(seller: Seller, clock: time_machine.Traveller) -> ThirdPartyAuthorization:
    """A new authorisation."""
    return ThirdPartyAuthorizationFactory(seller=seller, third_party__name="Boekhouding")


@pytest.fixture
def smtp(settings: Settings) -> Iterator[Behaviour]:
    """A mail server, and settings that use it."""
    with smtp_server() as server:
        settings.MAILERS = {
            "default": {
                "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "OPTIONS": {"host": "127.0.0.1", "port": server.port, "timeout": 2},
            }
        }
        yield server


# ---- Announcements ----------------------------------------------------------------------------------------


@pytest.fixture
def words(tmp_path: Path) -> tuple[str, ...]:
    """The arguments of `announce` for a new announcement."""
    file = tmp_path / "mededeling.txt"
    file.write_text(TEXT)
    return ("--subject", SUBJECT, "--text-file", str(file))


def announce(*arguments: str) -> dict[str, Any]:
    """Run `announce --json` and return its output."""
    out = io.StringIO()
    call_command("announce", "--json", *arguments, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer

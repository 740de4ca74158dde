"""Fixtures for commands: run with arguments, and checked by exit status, output and standard error."""

import datetime as dt
import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import time_machine
from django.core.management import ManagementUtility
from django.db import connections

from accounts.models import Seller
from apicredentials.models import Activity, OutgoingMail
from tests.factories import ClientCredentialFactory, SellerFactory, TechnicalContactFactory
from tests.oauth.flow import Software, software

NOW = dt.datetime(2026, 5, 4, 10, 30, tzinfo=dt.UTC)
OPERATOR = "Operator van de marktplaats"
OWNER = "eigenaar@winkel.example"
CONTACT = "techniek@winkel.example"
# Required by every command that changes something of a seller.
WHY = ("--reason", "Storing")


@dataclass(frozen=True)
class Done:
    """The result of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The parsed output of a command that succeeded."""
        assert self.status == 0, self.err
        assert self.err == ""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on standard error of a command that failed without output."""
        assert self.status == 1, (self.status, self.out, self.err)
        assert self.out == ""
        complaint, end = self.err.split("\n")
        assert end == ""
        return complaint.removeprefix("CommandError: ")


type Manage = Callable[..., Done]


@pytest.fixture
def manage(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Manage:
    """Run a command: `manage("create_seller", "--name", "Appels", stdin="wachtwoord")`."""
    # A command closes its connections at the end, which would roll back the transaction with this test's rows.
    monkeypatch.setattr(connections, "close_all", lambda: None)

    def run(*arguments: str, stdin: str | bytes = "") -> Done:
        piped = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped), encoding="utf-8"))
        argv = ["manage.py", *arguments]
        capsys.readouterr()
        status = 0
        try:
            ManagementUtility(argv).fetch_command(arguments[0]).run_from_argv(argv)
        except SystemExit as end:
            status = int(end.code or 0)
        return Done(status, *capsys.readouterr())

    return run


# ---- Objects of the commands ------------------------------------------------------------------------------


@pytest.fixture
def shop(db: None) -> Seller:
    """A seller whose owner and technical contact have the addresses OWNER and CONTACT."""
    seller = SellerFactory(owner__user__email=OWNER)
    TechnicalContactFactory(seller=seller, email=CONTACT)
    return seller


@pytest.fixture
def warehouse(shop: Seller) -> Software:
    """The software of the shop's credential Magazijn."""
    return software(ClientCredentialFactory(seller=shop, name="Magazijn"))


def logged(kind: Activity.Kind) -> list[tuple[str, ...]]:
    """Return subject, actor and reason of each row of that kind in the activity log."""
    rows = Activity.objects.filter(kind=kind).order_by("pk")
    return list(rows.values_list("subject", "actor_name", "reason"))


def mailed(kind: Activity.Kind) -> list[str]:
    """Return the recipients of the mails of that kind, in order."""
    return list(OutgoingMail.objects.filter(kind=kind).order_by("pk").values_list("recipient", flat=True))


@pytest.fixture
def clock(shop: object) -> Iterator[time_machine.Traveller]:
    """A clock stopped at NOW; the shop was created before."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock

"""Commands as somebody at a terminal runs them: by their arguments, with an exit status and two streams."""

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
# What a command that changes something of a seller needs.
WHY = ("--reason", "Storing")


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one value on standard output."""
        assert self.status == 0, self.err
        assert self.err == ""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on standard error, of a command that did nothing."""
        assert self.status == 1, (self.status, self.out, self.err)
        assert self.out == ""
        complaint, end = self.err.split("\n")
        assert end == ""
        return complaint.removeprefix("CommandError: ")


type Manage = Callable[..., Done]


@pytest.fixture
def manage(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Manage:
    """Run a command: `manage("create_seller", "--name", "Appels", stdin="wachtwoord")`."""
    # A command that ends closes its connections, with the transaction that holds this test's rows.
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


# ---- Whom a command is about ------------------------------------------------------------------------------


@pytest.fixture
def shop(db: None) -> Seller:
    """A seller whose owner and technical contact read mail at OWNER and CONTACT."""
    seller = SellerFactory(owner__user__email=OWNER)
    TechnicalContactFactory(seller=seller, email=CONTACT)
    return seller


@pytest.fixture
def warehouse(shop: Seller) -> Software:
    """The software of the shop's credential, which is called Magazijn."""
    return software(ClientCredentialFactory(seller=shop, name="Magazijn"))


def logged(kind: Activity.Kind) -> list[tuple[str, ...]]:
    """Return what the activity log says of acts of that kind: about what, by whom, why."""
    rows = Activity.objects.filter(kind=kind).order_by("pk")
    return list(rows.values_list("subject", "actor_name", "reason"))


def mailed(kind: Activity.Kind) -> list[str]:
    """Return who is mailed about acts of that kind, in order."""
    return list(OutgoingMail.objects.filter(kind=kind).order_by("pk").values_list("recipient", flat=True))


@pytest.fixture
def clock(shop: object) -> Iterator[time_machine.Traveller]:
    """A clock that stands still at NOW until it is moved; the shop was there before."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock

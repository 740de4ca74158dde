"""Counts of use and problems: none is lost or doubled between the request and the table."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import DataError, OperationalError, connection
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from time_machine import TimeMachineFixture

from apicredentials.models import Usage
from apicredentials.models.usage import ProblemCause, Use
from apicredentials.oauth import counting
from apicredentials.oauth.counting import Counts
from apicredentials.oauth.sql import add_counts
from apicredentials.oauth.sql.add_counts import storable_address
from tests.factories import ClientCredentialFactory, ThirdPartyAuthorizationFactory
from tests.logged import Log, listening

NOON = dt.datetime(2026, 5, 17, 12, 0, tzinfo=dt.UTC)
SOFTWARE = {"address": "192.0.2.7", "agent": "magazijn/2.1"}


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def client_id(db: None) -> str:
    return str(ClientCredentialFactory().client_id)


@pytest.fixture
def logged() -> Iterator[Log]:
    with listening(format="json") as log:
        yield log


def totals() -> dict[str, int]:
    return {row.event: row.count for row in Usage.objects.all()}


def test_counts_are_written(counts: Counts, client_id: str, time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOON, tick=False)
    counts.count(client_id, Use.API_CALL, address="192.0.2.1", agent="oud")
    time_machine.shift(30)
    counts.count(client_id, Use.API_CALL, **SOFTWARE)
    counts.flush()
    row = Usage.objects.get()
    assert (row.subject, row.day, row.event, row.right) == (client_id, dt.date(2026, 5, 17), "api_call", "")
    assert (row.count, row.first_at, row.last_at) == (2, NOON, NOON + dt.timedelta(seconds=30))
    assert (row.address, row.agent) == ("192.0.2.7", "magazijn/2.1")


def test_later_counts_are_added_to_the_row(counts: Counts, client_id: str, time_machine: TimeMachineFixture) -> None:
    for minute in (1, 0, 2):
        time_machine.move_to(NOON + dt.timedelta(minutes=minute), tick=False)
        counts.count(client_id, Use.API_CALL, address=f"192.0.2.{minute}", agent=f"versie {minute}")
        counts.flush()
    row = Usage.objects.get()
    assert (row.count, row.first_at, row.last_at) == (3, NOON, NOON + dt.timedelta(minutes=2))
    assert (row.address, row.agent) == ("192.0.2.2", "versie 2")


def test_earlier_counts_do_not_replace_the_last_address(
    counts: Counts, client_id: str, time_machine: TimeMachineFixture
) -> None:
    for minute in (1, 0):
        time_machine.move_to(NOON + dt.timedelta(minutes=minute), tick=False)
        counts.count(client_id, Use.API_CALL, address=f"192.0.2.{minute}", agent=f"versie {minute}")
        counts.flush()
    row = Usage.objects.get()
    assert (row.first_at, row.address, row.agent) == (NOON, "192.0.2.1", "versie 1")


def test_causes_and_rights_are_counted_separately(counts: Counts, client_id: str) -> None:
    for number, cause in enumerate(ProblemCause, start=1):
        for _ in range(number):
            counts.count(client_id, cause)
    counts.count(client_id, ProblemCause.MISSING_RIGHT, right="orders:read")
    counts.count(client_id, ProblemCause.MISSING_RIGHT, right="offers:read")
    counts.flush()
    counted = {(row.event, row.right): row.count for row in Usage.objects.all()}
    expected = {(cause.value, ""): number for number, cause in enumerate(ProblemCause, start=1)}
    assert counted == expected | {("missing_right", "orders:read"): 1, ("missing_right", "offers:read"): 1}


def test_flush_takes_two_statements_or_one_without_problems(
    counts: Counts, client_id: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for right in ("orders:read", "offers:read"):
        counts.count(client_id, ProblemCause.MISSING_RIGHT, right=right)
    counts.count(client_id, Use.API_CALL)
    with django_assert_num_queries(4):  # including the savepoint in a test
        counts.flush()
    counts.count(client_id, Use.API_CALL)
    counts.count(client_id, Use.TOKEN_REQUEST)
    with django_assert_num_queries(3):
        counts.flush()
    with django_assert_num_queries(0):
        counts.flush()


def test_more_rows_than_one_statement_holds_are_written(
    counts: Counts, client_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(add_counts, "ROWS_PER_STATEMENT", 3)
    for _ in range(7):
        counts.count(str(uuid4()), Use.API_CALL)
    counts.flush()
    assert Usage.objects.count() == 7


@pytest.mark.django_db
def test_maximum_number_of_keys_fits_in_the_database(counts: Counts) -> None:
    for _ in range(counting.MAXIMUM_KEYS):
        counts.count(str(uuid4()), Use.API_CALL, **SOFTWARE)
    counts.flush()
    assert Usage.objects.count() == counting.MAXIMUM_KEYS


# ---- The day ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("midnight", "before"),
    [
        ("2026-01-14T23:00:00+00:00", dt.date(2026, 1, 14)),  # winter: an hour ahead of UTC
        ("2026-07-14T22:00:00+00:00", dt.date(2026, 7, 14)),
        ("2026-03-28T23:00:00+00:00", dt.date(2026, 3, 28)),  # the night in which summer time starts
        ("2026-03-29T22:00:00+00:00", dt.date(2026, 3, 29)),
    ],
)
def test_day_ends_at_midnight_in_amsterdam(
    counts: Counts, client_id: str, time_machine: TimeMachineFixture, midnight: str, before: dt.date
) -> None:
    moment = dt.datetime.fromisoformat(midnight)
    for second in (-1, 0):
        time_machine.move_to(moment + dt.timedelta(seconds=second), tick=False)
        counts.count(client_id, Use.API_CALL)
    counts.flush()
    assert set(Usage.objects.values_list("day", "count")) == {(before, 1), (before + dt.timedelta(days=1), 1)}


# ---- Invented ids and rights --------------------------------------------------------------------------------


def test_problems_of_unknown_clients_are_not_written(counts: Counts, client_id: str) -> None:
    authorization = ThirdPartyAuthorizationFactory()
    for subject in (str(uuid4()), client_id, authorization.uid):
        counts.count(subject, ProblemCause.WRONG_SECRET)
    counts.flush()
    assert set(Usage.objects.values_list("subject", flat=True)) == {client_id, authorization.uid}


def test_invented_ids_do_not_displace_valid_counts(
    counts: Counts, client_id: str, monkeypatch: pytest.MonkeyPatch, logged: Log
) -> None:
    monkeypatch.setattr(counting, "MAXIMUM_KEYS", 10)
    for _ in range(100):
        counts.count(str(uuid4()), ProblemCause.WRONG_SECRET)
    counts.count(client_id, Use.API_CALL)
    counts.flush()
    counts.flush()
    assert totals() == {"api_call": 1}
    assert [line["events"] for line in map(json.loads, logged.lines) if line["event"] == "use_not_counted"] == [95]


def test_known_keys_are_still_counted_when_memory_is_full(
    counts: Counts, client_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MAXIMUM_KEYS", 1)
    for _ in range(3):
        counts.count(client_id, Use.API_CALL)
        counts.count(client_id, Use.TOKEN_REQUEST)
    counts.flush()
    assert totals() == {"api_call": 3}


def test_after_twenty_unknown_rights_further_ones_share_a_row(counts: Counts, client_id: str) -> None:
    for number in range(30):
        counts.count(client_id, ProblemCause.UNKNOWN_SCOPE, right=f"verzonnen:{number}")
        counts.flush()
    assert Usage.objects.count() == 21
    assert Usage.objects.get(right="").count == 10


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "stored"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        ("unix:/run/portal.sock", None),
    ],
)
def test_any_address_and_agent_can_be_stored(counts: Counts, address: str, stored: str | None) -> None:
    counts.count(str(uuid4()), Use.API_CALL, address=address, agent="x\0" * 5000)
    counts.flush()
    assert storable_address(address) == stored
    assert Usage.objects.get().address == stored
    assert len(Usage.objects.get().agent) <= 200


# ---- Database errors ----------------------------------------------------------------------------------------


def refuse(*args: object) -> None:
    raise OperationalError("connection refused: password=geheim")


def test_counts_are_kept_while_the_database_is_unavailable(counts: Counts, client_id: str, logged: Log) -> None:
    counts.count(client_id, Use.API_CALL)
    with connection.execute_wrapper(refuse):
        counts.flush()
        counts.count(client_id, Use.API_CALL)
        counts.count(client_id, Use.TOKEN_REQUEST)
        counts.flush()
    assert totals() == {}
    counts.flush()
    assert totals() == {"api_call": 2, "token_request": 1}
    lines = [line for line in logged.lines if "use_not_written" in line]
    assert len(lines) == 2
    assert "geheim" not in repr(lines)


def test_several_statements_are_written_atomically(
    counts: Counts, client_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(add_counts, "ROWS_PER_STATEMENT", 1)
    for event in Use:
        counts.count(client_id, event)
    inserts = 0

    def fail_second(execute: Any, sql: str, *args: Any) -> Any:
        nonlocal inserts
        inserts += "INSERT" in sql
        return refuse() if inserts == 2 and "INSERT" in sql else execute(sql, *args)

    with connection.execute_wrapper(fail_second):
        counts.flush()
    assert totals() == {}
    counts.flush()
    assert totals() == {"api_call": 1, "token_request": 1}


def test_counts_with_a_data_error_are_dropped(counts: Counts, client_id: str) -> None:
    counts.count(client_id, Use.API_CALL)
    with patch.object(counting, "add_counts", side_effect=DataError):
        counts.flush()
    counts.count(client_id, Use.TOKEN_REQUEST)
    counts.flush()
    assert totals() == {"token_request": 1}


# ---- Threads ------------------------------------------------------------------------------------------------

SUBJECTS = [str(uuid4()) for _ in range(3)]
# Operations of one thread: events to count, and None for a flush, which may fail.
WORK = st.lists(st.none() | st.tuples(st.sampled_from(SUBJECTS), st.sampled_from(list(Use))), max_size=30)


@given(threads=st.lists(WORK, min_size=2, max_size=4), failures=st.lists(st.booleans(), max_size=20))
def test_concurrent_counts_and_flushes_lose_nothing(
    threads: list[list[tuple[str, Use] | None]], failures: list[bool]
) -> None:
    counts, written, failing = Counts(), Counter[tuple[str, str]](), iter(failures)

    def write(taken: dict[Any, Any]) -> None:
        if next(failing, False):
            raise OperationalError
        for (subject, _, event, _), tally in taken.items():
            written[subject, event] += tally.count

    def work(items: list[tuple[str, Use] | None]) -> None:
        for item in items:
            if item is None:
                counts.flush()
            else:
                counts.count(*item)

    with patch.object(counting, "add_counts", write), ThreadPoolExecutor(len(threads)) as pool:
        list(pool.map(work, threads))
        failing = iter([])
        counts.flush()
    assert written == Counter((subject, event.value) for items in threads for subject, event in filter(None, items))

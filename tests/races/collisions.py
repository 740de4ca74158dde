"""Requests that collide: each on a connection of its own, and all at the same lock before any gets it."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection, transaction
from django.db.models import Model, QuerySet

PATIENCE_SECONDS = 10


def elsewhere[T](act: Callable[[], T]) -> Callable[[], T]:
    """Do something in a thread, whose database connection is closed afterwards."""

    def acting() -> T:
        try:
            return act()
        finally:
            connection.close()

    return acting


def at_once[T](row: Model, *acts: Callable[[], T]) -> list[T]:
    """Do these together: `row` is locked until each of them waits for it, or is done; then they all run."""
    return at_once_on(type(row)._default_manager.filter(pk=row.pk), *acts)


def at_once_on[T](rows: QuerySet[Any], *acts: Callable[[], T]) -> list[T]:
    """Do these together, as `at_once` does, with several rows locked."""
    with ThreadPoolExecutor(len(acts)) as pool:
        with transaction.atomic():
            assert rows.select_for_update()
            futures = [pool.submit(elsewhere(act)) for act in acts]
            wait_for_collision(futures)
        return [future.result(PATIENCE_SECONDS) for future in futures]


def meanwhile[T](row: Model, act: Callable[[], T], other: Callable[[], Any]) -> T:
    """Let `act` run until it waits for `row`; do `other` from beginning to end; then let `act` go on."""
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            type(row)._default_manager.select_for_update().get(pk=row.pk)
            future = pool.submit(elsewhere(act))
            wait_for_collision([future])
            pool.submit(elsewhere(other)).result(PATIENCE_SECONDS)
        return future.result(PATIENCE_SECONDS)


def wait_for_collision(futures: list[Future[Any]]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while waiting() + sum(future.done() for future in futures) < len(futures):
        assert time.monotonic() < deadline, "They did not come together."
        time.sleep(0.01)


def waiting() -> int:
    """The number of other connections to this database that wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT waits.pid) FROM pg_locks waits JOIN pg_locks holds ON holds.pid = waits.pid"
            " WHERE NOT waits.granted"
            " AND holds.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return int(cursor.fetchone()[0])

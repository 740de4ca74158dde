"""Colliding requests: each has its own connection, and all wait for the same lock before any gets it."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

PATIENCE_SECONDS = 10


def elsewhere[T](act: Callable[[], T]) -> Callable[[], T]:
    """Wrap `act` so that it closes the database connection of its thread afterwards."""

    def acting() -> T:
        try:
            return act()
        finally:
            connection.close()

    return acting


def at_once[T](row: Model, *acts: Callable[[], T]) -> list[T]:
    """Run `acts` concurrently: hold a lock on `row` until each of them waits for it or is done, then release it."""
    with ThreadPoolExecutor(len(acts)) as pool:
        with transaction.atomic():
            type(row)._default_manager.select_for_update().get(pk=row.pk)
            futures = [pool.submit(elsewhere(act)) for act in acts]
            wait_for_collision(futures)
        return [future.result(PATIENCE_SECONDS) for future in futures]


def meanwhile[T](row: Model, act: Callable[[], T], other: Callable[[], Any]) -> T:
    """Run `act` until it waits for `row`, run `other` to its end, then let `act` continue."""
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
    """Return the number of other connections to this database that wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT waits.pid) FROM pg_locks waits JOIN pg_locks holds ON holds.pid = waits.pid"
            " WHERE NOT waits.granted"
            " AND holds.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return int(cursor.fetchone()[0])

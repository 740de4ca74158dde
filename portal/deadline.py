"""Time limits of database connections."""

from functools import partial
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


def bound(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Client-side timeout for PostgreSQL: a frozen server cannot enforce its own statement_timeout.

    Receives connection_created. A wait longer than DATABASE_WAIT_SECONDS raises OperationalError.
    """
    if connection.vendor == "postgresql":
        raw = connection.connection
        raw.wait = partial(type(raw).wait, raw, timeout=settings.DATABASE_WAIT_SECONDS)


def lift(using: str, **kwargs: Any) -> None:
    """Lift the limits, because changing a large table takes longer than a request may. Receives pre_migrate."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        vars(connection.connection).pop("wait", None)


def restore(using: str, **kwargs: Any) -> None:
    """Restore the limits that `lift` removed. Receives post_migrate."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")
        bound(connection)

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
        connection.ensure_connection()
        vars(connection.connection).pop("wait", None)
        if settings.DATABASE_POOLER:
            connection.has_transaction_limits = False  # type: ignore[attr-defined]
        else:
            connection.connection.execute("SET statement_timeout = 0")


def restore(using: str, **kwargs: Any) -> None:
    """Restore the limits that `lift` removed. Receives post_migrate."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        bound(connection)
        if settings.DATABASE_POOLER:
            connection.has_transaction_limits = True  # type: ignore[attr-defined]
        else:
            connection.connection.execute("RESET statement_timeout")

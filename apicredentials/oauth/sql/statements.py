"""Running hand-written SQL on the hot paths: table names, timestamps and cursors.

Building such a statement with the ORM takes many times as long as running it, and `/token`, `/revoke` and `/verify`
do little else (docs/performance.md). Table names come from the models. Tests compare every column with the models and
every result with the ORM's.
"""

import datetime as dt
import threading
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, models

from accounts.models import Seller, User
from apicredentials.models.authorizations import ThirdPartyAuthorization
from apicredentials.models.client_secrets import ClientSecret
from apicredentials.models.clients import OAuthClient
from apicredentials.models.tokens import Grant, RefreshToken, RevokedAccessToken


class _Kept(threading.local):
    """The cursor of this thread's PostgreSQL connection, reused because a new one loads its type adapters again.

    SQLite's cursors are not reused: they would keep the snapshot that they read from.
    """

    cursor: Any = None


_kept = _Kept()


@lru_cache(maxsize=32)
def statement(template: str, hashes: int = 0) -> str:
    """Return a template with table names and this many placeholders for hashes. Every value is a parameter."""
    return template.format(
        client=_table(OAuthClient),
        seller=_table(Seller),
        secret=_table(ClientSecret),
        authorization=_table(ThirdPartyAuthorization),
        user=_table(User),
        grant=_table(Grant),
        refresh_token=_table(RefreshToken),
        revoked=_table(RevokedAccessToken),
        hashes=", ".join(["%s"] * hashes),
        # SQLite has one writer at a time and no row locks.
        lock_rows="FOR NO KEY UPDATE" if connection.features.has_select_for_update else "",
    )


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def fetch(template: str, parameters: list[Any], hashes: int = 0) -> tuple[Any, ...] | None:
    """Run a query and return its first row, None when there is none."""
    sql = statement(template, hashes)
    try:
        cursor = _run(sql, parameters)
    except OperationalError:
        if not _drop_cut_connection():
            raise
        # A query is safe to repeat. A change is not: the server may have run it before the connection broke.
        cursor = _run(sql, parameters)
    row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def execute(template: str, parameters: list[Any]) -> int:
    """Run a statement and return how many rows it changed."""
    return int(_run(statement(template), parameters).rowcount)


def _run(sql: str, parameters: list[Any]) -> Any:
    """Run `sql` on the driver's cursor, because Django's wrapper takes as long as the statement itself.

    When queries are logged or wrapped (assertNumQueries), go through Django's cursor.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.queries_logged or database.execute_wrappers:
        cursor = database.cursor()
        cursor.execute(sql, parameters)
        return cursor
    database.ensure_connection()
    with database.wrap_database_errors:
        if database.vendor == "sqlite":
            return database.connection.execute(sql.replace("%s", "?"), parameters)
        if _kept.cursor is None or _kept.cursor.connection is not database.connection:
            _kept.cursor = database.connection.cursor()
        cursor = _kept.cursor.execute(sql, parameters)
    # This was the health check: a transaction that follows needs no round trip of its own for it.
    database.health_check_done = True  # type: ignore[attr-defined]  # missing in the stubs
    return cursor


def _drop_cut_connection() -> bool:
    """Drop a connection that the server closed, as when it restarts; return whether a query may use a new one."""
    database = connections[DEFAULT_DB_ALIAS]
    cut = database.vendor == "postgresql" and database.connection is not None and database.connection.closed
    if not cut or database.in_atomic_block:
        return False
    database.close()
    return True


def moment(value: dt.datetime) -> Any:
    """Return a timestamp as a parameter for this database."""
    return connection.ops.adapt_datetimefield_value(value)


def aware(value: dt.datetime | None) -> dt.datetime | None:
    """Return a timestamp with time zone; SQLite stores UTC without one."""
    return value.replace(tzinfo=dt.UTC) if value and value.tzinfo is None else value

"""A deadline for the database: one that is frozen neither answers nor hangs up, and its own limits freeze with it."""

from functools import partial
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper


def bound(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Let nothing on this new connection wait longer than DATABASE_WAIT_SECONDS; an OperationalError ends it.

    Receives Django's `connection_created`. Only PostgreSQL is elsewhere.
    """
    if connection.vendor == "postgresql":
        raw = connection.connection
        raw.wait = partial(raw.wait, timeout=settings.DATABASE_WAIT_SECONDS)

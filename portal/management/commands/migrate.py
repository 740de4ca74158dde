"""Django's `migrate`, one at a time: servers that start together have one database between them."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

# Any number will do that nobody else locks in this database.
LOCK = 7_249_310
RETRY_SECONDS = 0.2


class Command(migrate.Command):
    """See `help`."""

    help = (
        "Make or change the tables of the database, at once, as this version of the portal needs them. Several at "
        "once wait for each other."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Wait for whoever is at it, then do what is left to do."""
        connection = connections[options["database"]]
        held = held_in_database if connection.vendor == "postgresql" else held_in_folder
        with held(connection):
            super().handle(*args, **options)


@contextmanager
def held_in_database(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Hold an advisory lock of PostgreSQL, asking again and again: waiting for one has a limit."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            if cursor.fetchone()[0]:
                break
            time.sleep(RETRY_SECONDS)
        # A large table takes longer than a request may.
        cursor.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


@contextmanager
def held_in_folder(connection: Any) -> Iterator[None]:
    """Lock the folder of a SQLite file; the file has locks of its own, which end when we close it."""
    parent = Path(connection.settings_dict["NAME"]).parent
    if connection.is_in_memory_db() or not parent.is_dir():
        # Nobody else's, or SQLite will say that it is not there.
        yield
        return
    folder = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)

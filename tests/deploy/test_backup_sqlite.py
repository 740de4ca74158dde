"""A backup of SQLite while it is written, and a restore, with the documented commands."""

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.conftest import on_sqlite
from tests.deploy.backup_commands import documented, paste, wait_until
from tests.served import ROOT, manage, production


@pytest.mark.skipif(not on_sqlite(), reason="SQLite")
def test_sqlite_is_backed_up_while_it_is_written_and_a_plain_copy_lacks_changes(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    file = Path(urlsplit(new_database()).path)
    database = Path(shutil.copy(file, tmp_path / "db.sqlite3"))
    over = Event()
    writer = Thread(target=write_pairs_until, args=(over, database))
    writer.start()
    try:
        wait_until(lambda: rows_in(database) > 10)
        command = documented("backup(", (".venv/bin/python", str(ROOT / ".venv/bin/python")))
        assert paste(command, folder=tmp_path) == ""
        shutil.copy(database, tmp_path / "copied.sqlite3")
    finally:
        over.set()
        writer.join()
    assert rows_in(tmp_path / "portal.sqlite3") % 2 == 0
    assert 10 < rows_in(tmp_path / "portal.sqlite3") <= rows_in(database)
    assert rows_in(tmp_path / "copied.sqlite3") == 0
    for part in ("mkdir damaged", "mv db.sqlite3*", "cp portal.sqlite3"):
        paste(documented(part), folder=tmp_path)
    assert rows_in(database) == rows_in(tmp_path / "portal.sqlite3")
    manage(production(DATABASE_URL=f"sqlite:///{database}"), "send_notices")


def write_pairs_until(over: Event, database: Path) -> None:
    """Write two rows in each transaction, and keep them in the write-ahead log."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        while not over.is_set():
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                row = uuid4().hex, "2026-01-01"
                connection.execute("INSERT INTO apicredentials_commandrun VALUES (?, ?, 0)", row)
            connection.execute("COMMIT")
            time.sleep(0.001)


def rows_in(database: Path) -> int:
    """Return the number of rows that were written, in a database that must be sound."""
    with closing(sqlite3.connect(database)) as connection:
        # Of the index on the words of announcements.
        connection.create_function("MD5", 1, str, deterministic=True)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(connection.execute("SELECT count(*) FROM apicredentials_commandrun").fetchone()[0])

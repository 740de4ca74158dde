"""Migrations as a deployment step: the server never runs them, and reports when they are missing."""

import os
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models.signals import pre_migrate

from tests.conftest import on_sqlite
from tests.served import ROOT, Served


def test_server_with_an_empty_database_is_ready_after_migration(
    serve: Callable[..., Served], empty_database: str
) -> None:
    portal = serve(DATABASE_URL=empty_database)
    assert httpx.get(f"{portal}/healthz").status_code == 200
    before = httpx.get(f"{portal}/readyz")
    assert (before.status_code, before.json()["migrations"]) == (503, "pending")
    portal.manage("migrate")
    assert httpx.get(f"{portal}/readyz").status_code == 200


@pytest.mark.parametrize(("target", "migrates"), [("migrate", True), ("serve", False)])
def test_only_make_migrate_migrates(target: str, migrates: bool) -> None:
    commands = subprocess.run(
        ["make", "--dry-run", target],  # noqa: S607
        cwd=ROOT,
        env=os.environ | {"MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ("manage.py migrate" in commands) == migrates


@pytest.mark.skipif(on_sqlite(), reason="PostgreSQL only")
@pytest.mark.django_db(transaction=True)
def test_migration_has_no_time_limit() -> None:
    def limits() -> tuple[str, bool]:
        # In a transaction, because behind a pooler the limits are set in each.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return str(cursor.fetchone()[0]), "wait" in vars(connection.connection)

    def record(**kwargs: Any) -> None:
        during.append(limits())

    during: list[tuple[str, bool]] = []
    before = limits()
    pre_migrate.connect(record)
    try:
        call_command("migrate", verbosity=0)
    finally:
        pre_migrate.disconnect(record)
    assert during[-1] == ("0", False)
    assert limits() == before
    assert before[0] != "0"
    assert before[1]

"""Configuration of the test run, and fixtures for all tests."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.http import HttpRequest
from django.test.client import ClientHandler

from tests.served import Served, migrated_databases, run_portal

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
ON_CI = "CI" in os.environ

# No deadline, because test machines are shared. On CI examples are not random, so that a rerun gives the same result.
hypothesis.settings.register_profile("portal", deadline=None, derandomize=ON_CI)
hypothesis.settings.load_profile("portal")


def on_sqlite() -> bool:
    return bool(settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3")


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark browser tests; skip tests that cannot run here. On CI a missing browser is a failure."""
    for item in items:
        if "playwright" in item.fixturenames:
            item.add_marker("browser")
            if not CHROMIUM.exists() and not ON_CI:
                item.add_marker(pytest.mark.skip(reason=f"no Chromium at {CHROMIUM}; CHROMIUM may name another"))
        if item.get_closest_marker("race") and on_sqlite():
            item.add_marker(pytest.mark.skip(reason="races need PostgreSQL; DATABASE_URL may name one"))


@pytest.fixture(scope="session", autouse=True)
def _entry_of_production() -> Iterator[None]:
    """Route the test client and the live server through the same entry point as `portal.wsgi.application`."""
    from portal import wsgi

    def get_response(handler: BaseHandler, request: HttpRequest) -> Any:
        return wsgi.machines.get_response(request) if request.path_info in wsgi.machines else pages(handler, request)

    def call(handler: ClientHandler, environ: dict[str, Any]) -> Any:
        wsgi.repair(environ)
        return client(handler, environ)

    pages, client = BaseHandler.get_response, ClientHandler.__call__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseHandler, "get_response", get_response)
        patch.setattr(ClientHandler, "__call__", call)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Keep SQLite's test database in a file: in memory, all threads of a live server would share one connection."""
    if on_sqlite():
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = tmp_path_factory.mktemp("test") / "test.sqlite3"


@pytest.fixture(scope="session", autouse=True)
def _flush_empties_the_log_too() -> Iterator[None]:
    """Disable the append-only triggers while Django empties all tables after a transactional test."""
    operations = type(connection.ops)
    sql_flush = operations.sql_flush

    def without_triggers(self: Any, *args: Any, **kwargs: Any) -> list[str]:
        off, on = triggers_of_the_log()
        return [*off, *sql_flush(self, *args, **kwargs), *on]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "sql_flush", without_triggers)
        yield


def triggers_of_the_log() -> tuple[list[str], list[str]]:
    """Return the SQL that removes the append-only triggers of the activity log, and the SQL that restores them."""
    table = "apicredentials_activity"
    if not on_sqlite():
        return [f"ALTER TABLE {table} DISABLE TRIGGER USER"], [f"ALTER TABLE {table} ENABLE TRIGGER USER"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        triggers = dict(cursor.fetchall())
    return [f"DROP TRIGGER {name}" for name in triggers], list(triggers.values())


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    from tests.failures import forget_failures

    forget_failures()


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Create a migrated, empty database for other processes: `DATABASE_URL=new_database()`."""
    with migrated_databases(tmp_path_factory.mktemp("databases")) as new_database:
        yield new_database


@pytest.fixture(scope="session")
def served(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A production server, shared by all tests that use it. Each test creates its own seller."""
    with run_portal(tmp_path_factory.mktemp("served"), DATABASE_URL=new_database()) as portal:
        yield portal


@pytest.fixture
def serve(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Start a production server for one test, with extra environment: `serve(WORKERS="2", LOG_FORMAT="json")`."""
    with ExitStack() as running:

        def start(**environment: str) -> Served:
            folder = tmp_path_factory.mktemp("served")
            environment.setdefault("DATABASE_URL", new_database())
            return running.enter_context(run_portal(folder, **environment))

        yield start

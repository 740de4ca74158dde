"""Database connections that the server closes: no request fails, and no change is made twice."""

from collections.abc import Callable
from unittest.mock import Mock

import httpx
import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from apicredentials.oauth.sql.statements import execute, fetch
from tests.clients.visitor import new_credential, new_visitor
from tests.conftest import on_sqlite
from tests.oauth.flow import GRANT
from tests.served import Served

pytestmark = pytest.mark.skipif(on_sqlite(), reason="SQLite has no connections to lose")

CUT_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def cut_connections(url: str) -> None:
    """Terminate every connection to this database, as a restart does."""
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(CUT_ALL)


def test_no_request_fails_after_the_database_closed_its_connections(serve: Callable[..., Served]) -> None:
    portal = serve()
    visitor = new_visitor(portal)
    credential = new_credential(portal, visitor)
    visitor.open(f"{portal}/")
    visitor.sign_in()
    token = httpx.post(f"{portal}/token", data=GRANT, auth=credential).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    requests: list[Callable[[], httpx.Response]] = [
        lambda: httpx.post(f"{portal}/token", data=GRANT, auth=credential),
        lambda: httpx.get(f"{portal}/verify", headers=bearer),
        lambda: httpx.get(f"{portal}/retailer/retailers/current", headers=bearer),
        lambda: httpx.get(f"{portal}/readyz"),
        lambda: httpx.post(f"{portal}/leaks", json={"secrets": ["x"]}),
        lambda: visitor.http.get(f"{portal}/instellingen/api/"),
        lambda: httpx.post(f"{portal}/revoke", data={"token": token}, auth=credential),
    ]
    for request in requests:
        # Several requests, because each thread of the server has its own connection.
        before = {request().status_code for _ in range(6)}
        cut_connections(portal.environment["DATABASE_URL"])
        assert {request().status_code for _ in range(6)} == before
        assert before <= {200, 202, 204}
    visitor.http.close()


def cut_own_connection() -> None:
    own = connection.settings_dict
    with psycopg.connect(
        host=own["HOST"], port=own["PORT"] or None, user=own["USER"], dbname=own["NAME"],
        password=own["PASSWORD"], autocommit=True,
    ) as database:  # fmt: skip
        database.execute(CUT_ALL)


@pytest.mark.skipif(settings.DATABASE_POOLER, reason="a pooler opens a new connection before the query")
@pytest.mark.django_db(transaction=True)
def test_query_is_retried_once_but_a_change_is_not() -> None:
    fetch("SELECT 1", [])
    cut_own_connection()
    assert fetch("SELECT 2", []) == (2,)
    cut_own_connection()
    with pytest.raises(OperationalError):
        execute("UPDATE {seller} SET display_name = display_name WHERE id = %s", [0])
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_query_inside_a_transaction_is_not_retried() -> None:
    def ask_twice() -> None:
        with transaction.atomic():
            fetch("SELECT 1", [])
            cut_own_connection()
            fetch("SELECT 2", [])

    with pytest.raises(OperationalError):
        ask_twice()
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_hot_path_needs_no_separate_health_check(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close_if_unusable_or_obsolete()
    fetch("SELECT 1", [])
    check = Mock(return_value=True)
    monkeypatch.setattr(connection, "is_usable", check)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert check.call_count == 0

"""PostgreSQL behind PgBouncer in transaction mode, with DATABASE_POOLER=on."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.clients.visitor import Visitor, new_credential, new_visitor
from tests.conftest import on_sqlite
from tests.deploy.pooler import PROGRAM, run_pgbouncer
from tests.deploy.programs import fresh_keys, run
from tests.oauth.flow import GRANT
from tests.served import Served, manage, production, run_portal

pytestmark = pytest.mark.skipif(
    on_sqlite() or not Path(PROGRAM).exists(), reason="needs PostgreSQL (DATABASE_URL) and pgbouncer"
)


@pytest.fixture(scope="module")
def pooled(new_database: Callable[[], str]) -> Iterator[str]:
    """The URL of a migrated, empty database behind PgBouncer."""
    with run_pgbouncer(new_database()) as url:
        yield url


@pytest.fixture(scope="module")
def portal(pooled: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with run_portal(folder, DATABASE_URL=pooled, DATABASE_POOLER="on", WORKERS="2") as portal:
        yield portal


@pytest.fixture
def visitor(portal: Served) -> Visitor:
    return new_visitor(portal)


def test_tokens_are_issued_and_verified_under_load(portal: Served, visitor: Visitor) -> None:
    """Twelve clients share three connections of the server."""
    credential = new_credential(portal, visitor)

    def call(number: int) -> tuple[int, int]:
        answer = httpx.post(f"{portal}/token", data=GRANT, auth=credential)
        bearer = {"Authorization": f"Bearer {answer.json().get('access_token')}"}
        return answer.status_code, httpx.get(f"{portal}/verify", headers=bearer).status_code

    with ThreadPoolExecutor(12) as clients:
        assert set(clients.map(call, range(240))) == {(200, 204)}
    assert "database_unavailable" not in portal.log
    assert "error" not in portal.log.lower()


def test_pages_and_forms_work(portal: Served, visitor: Visitor) -> None:
    with visitor.http:
        visitor.open(f"{portal}/instellingen/api/")
        visitor.sign_in()
        visitor.press("Wijzigen")
        visitor.press("Opslaan", Naam="Sanne", **{"E-mailadres": "sanne@winkel.example"})
        assert visitor.page.buttons("Aanmaken")
        export = visitor.http.get(f"{portal}/instellingen/api/activiteit/activiteit.csv")
        assert export.text.count("\n") > 1


@pytest.mark.parametrize("command", ["list_credentials --json", "send_notices --json", "purge --json", "migrate"])
def test_commands_work(portal: Served, visitor: Visitor, command: str) -> None:
    new_credential(portal, visitor)
    portal.manage(*command.split())


def test_empty_database_is_migrated_through_the_pooler(empty_database: str) -> None:
    with run_pgbouncer(empty_database) as url:
        environment = production(DATABASE_URL=url, DATABASE_POOLER="on")
        manage(environment, "migrate")
        assert "[ ]" not in manage(environment, "showmigrations")


LIMITS_OF = """
import django; django.setup()
from django.db import connection, transaction
def show(name):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]
with transaction.atomic():
    print(show("statement_timeout"), show("lock_timeout"))
print(show("statement_timeout"))
"""


def test_time_limits_apply_to_a_transaction_and_do_not_stay_on_the_connection(pooled: str) -> None:
    environment = fresh_keys() | {"DATABASE_URL": pooled}
    within = run("-c", LIMITS_OF, **environment, DATABASE_POOLER="on")
    assert within.stdout.splitlines() == ["10s 5s", "0"]
    refused = run("-c", LIMITS_OF, **environment, DATABASE_POOLER="off")
    assert "unsupported startup parameter" in refused.stderr


def test_pooler_requires_postgresql() -> None:
    done = run("manage.py", "check", **fresh_keys(), DATABASE_URL="sqlite://:memory:", DATABASE_POOLER="on")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("manage.py: DATABASE_POOLER is for PostgreSQL")

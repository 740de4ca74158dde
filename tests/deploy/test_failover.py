"""The loss of the database machine, with two portals, a synchronous standby, HAProxy and PgBouncer."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from email import message_from_string
from pathlib import Path
from threading import Event

import httpx
import psycopg
import pytest

from tests.clients.visitor import new_credential, new_visitor
from tests.conftest import on_sqlite
from tests.deploy.cluster import BINARIES, HAPROXY, Postgres, run_cluster, run_haproxy
from tests.deploy.pooler import PROGRAM as PGBOUNCER
from tests.deploy.pooler import PgBouncer, run_changeable_pgbouncer
from tests.oauth.flow import GRANT
from tests.served import START_SECONDS, Served, free_port, manage, production, run_portal

pytestmark = pytest.mark.skipif(
    on_sqlite() or os.getuid() != 0 or not all(Path(program).exists() for program in (BINARIES, HAPROXY, PGBOUNCER)),
    reason="needs root, PostgreSQL (DATABASE_URL), pgbouncer and haproxy",
)

POOL_SIZE = 10
BACK_SECONDS = 10


@dataclass
class Site:
    """Two portals behind one address: one lists both database servers in DATABASE_URL, one uses PgBouncer."""

    address: str
    portals: list[Served]
    primary: Postgres
    standby: Postgres
    pooler: PgBouncer
    # A new connection for each request, so that every worker gets some.
    http: httpx.Client = field(default_factory=lambda: httpx.Client(headers={"Connection": "close"}, timeout=30))

    def fail_over(self) -> None:
        """Kill the primary, and perform the operator's steps."""
        self.primary.kill()
        time.sleep(2)
        self.standby.promote()
        self.pooler.configure(self.standby.url)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as running:
        primary, standby = running.enter_context(run_cluster())
        pooler, pooled = running.enter_context(run_changeable_pgbouncer(primary.url, POOL_SIZE))
        manage(production(DATABASE_URL=primary.url), "migrate")
        port = free_port()
        hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
        direct = f"postgres://postgres@{hosts}/postgres?target_session_attrs=read-write"
        portals = [
            running.enter_context(
                run_portal(folder(tmp_path, name), ISSUER_URL=f"http://127.0.0.1:{port}", WORKERS="2", **environment)
            )
            for name, environment in {
                "direct": {"DATABASE_URL": direct},
                "pooled": {"DATABASE_URL": pooled, "DATABASE_POOLER": "on"},
            }.items()
        ]
        addresses = [portal.url.removeprefix("http://") for portal in portals]
        running.enter_context(run_haproxy(folder(tmp_path, "proxy"), port, addresses))
        site = Site(f"http://127.0.0.1:{port}", portals, primary, standby, pooler)
        with site.http:
            yield site


def folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def until_ended[T](ended: Event, do: Callable[[], T | None]) -> list[T]:
    """Repeat a request until the event; return the results of the successful ones."""
    done = []
    while not ended.is_set():
        try:
            result = do()
        except httpx.TransportError:
            result = None
        if result is not None:
            done.append(result)
        time.sleep(0.02)
    return done


def test_failover_takes_seconds_and_loses_no_confirmed_change(site: Site) -> None:
    portal = site.portals[0]
    visitor = new_visitor(portal)
    credential, *_ = [new_credential(portal, visitor) for _ in range(3)]
    # A reminder is due.
    site.primary.execute(
        "UPDATE apicredentials_technicalcontact SET confirmed_at = NULL, updated_at = now() - interval '4 days'"
    )
    started = [each.log.count("Started worker") for each in site.portals]

    revoked, seconds = fail_over_under_load(site, credential)

    assert seconds < BACK_SECONDS
    assert revoked
    for token in revoked:
        assert site.http.get(f"{site.address}/verify", headers=bearer(token)).status_code == 401
    assert [each.log.count("Started worker") for each in site.portals] == started
    check_that_each_mail_leaves_once(site)


def fail_over_under_load(site: Site, credential: tuple[str, str]) -> tuple[list[str], float]:
    """Return the tokens with a confirmed revocation, and the seconds from promotion until all workers respond."""

    def token_request(address: object) -> httpx.Response:
        return site.http.post(f"{address}/token", data=GRANT, auth=credential)

    tokens = [token_request(site.address).json()["access_token"] for _ in range(100)]
    left = iter(tokens)

    def revoke() -> str | None:
        token = next(left, "")
        answer = site.http.post(f"{site.address}/revoke", data={"token": token}, auth=credential)
        return token if token and answer.status_code == 200 else None

    def ask() -> int | None:
        status = token_request(site.address).status_code
        assert status in {200, 502, 503, 504}
        return status

    ended = Event()
    with ThreadPoolExecutor(3 + len(site.portals)) as clients:
        revoking: Future[list[str]] = clients.submit(until_ended, ended, revoke)
        asking = [clients.submit(until_ended, ended, ask) for _ in range(2)]
        try:
            time.sleep(2)
            site.fail_over()
            promoted = time.monotonic()
            seconds = max(clients.map(lambda portal: answers_from(portal, token_request), site.portals)) - promoted
        finally:
            ended.set()
    assert all(each.result() for each in asking)
    return revoking.result(), seconds


def check_that_each_mail_leaves_once(site: Site) -> None:
    """Run `send_notices` on both machines at the same time."""
    with ThreadPoolExecutor(2) as timers:
        sent = list(timers.map(lambda each: each.manage_json("send_notices"), site.portals))
    mails = Counter(message_from_string(mail)["Message-ID"] for each in site.portals for mail in each.mails)
    assert [each["failed"] for each in sent] == [0, 0]
    assert set(mails.values()) == {1}
    with psycopg.connect(site.standby.url) as database:
        kinds = Counter(kind for (kind,) in database.execute("SELECT kind FROM apicredentials_outgoingmail"))
    assert kinds["contact_reminder"] == 1
    assert len(mails) == kinds.total()


def answers_from(portal: Served, token_request: Callable[[object], httpx.Response]) -> float:
    """Return when the first of ten tokens in a row was issued, so that each worker has issued some."""
    deadline = time.monotonic() + START_SECONDS
    first, in_a_row = time.monotonic(), 0
    while in_a_row < 10:
        assert time.monotonic() < deadline, portal.log[-2000:]
        if token_request(portal).status_code == 200:
            first, in_a_row = first if in_a_row else time.monotonic(), in_a_row + 1
        else:
            in_a_row = 0
            time.sleep(0.1)
    return first

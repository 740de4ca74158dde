"""Redis away, frozen and back, with two workers: good requests go on, and counting resumes without a restart."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import redis

from apicredentials.keys import secret_format
from apicredentials.oauth.throttle import FAILURES_PER_CLIENT
from tests.clients.visitor import Visitor, new_credential, new_visitor
from tests.conftest import on_sqlite
from tests.oauth.flow import GRANT
from tests.served import START_SECONDS, Served, free_port, stop

PROGRAM = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(on_sqlite() or not PROGRAM, reason="needs PostgreSQL (DATABASE_URL) and redis-server")

WORKERS = 2
# A sign-in that waited for each of its operations on a frozen Redis would take ten seconds.
SLOWEST_SECONDS = 5


@dataclass
class Redis:
    """A server on a port of its own, which keeps nothing."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([str(PROGRAM), *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < deadline:
                try:
                    client.ping()
                except redis.ConnectionError:
                    time.sleep(0.05)
                else:
                    return
        raise RuntimeError("Redis did not start.")

    def send(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path, free_port())
    server.start()
    yield server
    assert server.process
    server.send(signal.SIGCONT)
    stop(server.process)


@dataclass
class Users:
    """Software and a browser that make no mistakes."""

    portal: Served
    credential: tuple[str, str]
    visitor: Visitor
    # A new connection for each request, so that both workers get some.
    http: httpx.Client = field(default_factory=lambda: httpx.Client(headers={"Connection": "close"}, timeout=30))

    def work(self) -> None:
        """Make good requests, which must succeed and not be slow."""
        for _ in range(4):
            token = self.http.post(f"{self.portal}/token", data=GRANT, auth=self.credential)
            bearer = {"Authorization": f"Bearer {token.json().get('access_token')}"}
            verified = self.http.get(f"{self.portal}/verify", headers=bearer)
            pages = self.http.get(f"{self.portal}/inloggen/"), self.visitor.http.get(f"{self.portal}/instellingen/api/")
            for answer in (token, verified, *pages):
                assert answer.is_success, answer.text
                assert answer.elapsed.total_seconds() < SLOWEST_SECONDS

    def sign_in(self) -> None:
        """Sign in with a new browser."""
        with httpx.Client(timeout=30) as http:
            visitor = Visitor(self.portal, self.visitor.email, self.visitor.retailer_id, http)
            visitor.open(f"{self.portal}/inloggen/")
            started = time.monotonic()
            assert visitor.sign_in() == f"{self.portal}/instellingen/api/"
            assert time.monotonic() - started < SLOWEST_SECONDS

    def guess(self, client_id: str) -> int:
        """Try a wrong secret."""
        wrong = (client_id, secret_format.generate())
        return self.http.post(f"{self.portal}/token", data=GRANT, auth=wrong).status_code


@pytest.fixture
def users(serve: Callable[..., Served], server: Redis) -> Iterator[Users]:
    portal = serve(WORKERS=str(WORKERS), CACHE_URL=server.url)
    visitor = new_visitor(portal)
    with visitor.http:
        visitor.open(f"{portal}/")
        visitor.sign_in()
        users = Users(portal, new_credential(portal, visitor), visitor)
        with users.http:
            yield users


def check_that_nothing_is_counted(users: Users) -> None:
    client_id = str(uuid4())
    assert {users.guess(client_id) for _ in range(FAILURES_PER_CLIENT + 10)} == {401}


def wait_until_counted(users: Users) -> None:
    """Fail until the limit applies. Until a worker has noticed that Redis is back, its failures do not count."""
    client_id, deadline = str(uuid4()), time.monotonic() + START_SECONDS
    while users.guess(client_id) != 429:
        assert time.monotonic() < deadline, users.portal.log[-2000:]


def check_outage(users: Users, away: Callable[[], None], back: Callable[[], None]) -> None:
    away()
    users.work()
    users.sign_in()
    check_that_nothing_is_counted(users)
    users.work()
    back()
    wait_until_counted(users)
    users.work()


def test_outage_of_redis_slows_no_good_request_and_counting_resumes(server: Redis, users: Users) -> None:
    wait_until_counted(users)
    check_outage(users, lambda: server.send(signal.SIGKILL), server.start)
    check_outage(users, lambda: server.send(signal.SIGSTOP), lambda: server.send(signal.SIGCONT))
    # Each worker logs the beginning and the end of an outage once. One that got no request may log neither.
    for event in ("cache_unavailable", "cache_available"):
        assert 2 <= users.portal.log.count(event) <= 2 * WORKERS
    assert users.portal.log.count("Started worker") == WORKERS

"""Throttling of failed attempts (RFC 6749 §10.10, ASVS V2.4.1): only failures are counted and refused."""

import datetime as dt
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest
from django.conf import settings
from django.core.cache import CacheHandler
from django.test import Client
from time_machine import TimeMachineFixture

from apicredentials.keys import secret_format
from apicredentials.oauth import throttle
from apicredentials.oauth.throttle import FAILURES_PER_ADDRESS, FAILURES_PER_CLIENT, REPORTS_PER_ADDRESS
from tests.clients.visitor import new_credential, new_visitor
from tests.factories import ThirdPartyFactory
from tests.logged import listening
from tests.oauth.flow import FORM, GRANT, Software, assert_error, basic, software
from tests.served import Served, free_port

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

START = dt.datetime(2026, 6, 1, 12, 0, 20, tzinfo=dt.UTC)
ON_REDIS = "redis" in settings.CACHES["default"]["BACKEND"].lower()


@pytest.fixture(autouse=True)
def _standing_clock(request: pytest.FixtureRequest, time_machine: TimeMachineFixture) -> None:
    """Stop the clock, so that all failures are in one minute. A separate server process has its own clock."""
    time_machine.move_to(START, tick="serve" in request.fixturenames)


def guess(client_id: str, *, secret: str = "", path: str = "/token", address: str = "127.0.0.1") -> "Response":
    """Try a secret; by default one that is well formed but belongs to no client."""
    authorization = {"Authorization": basic(client_id, secret or secret_format.generate())}
    body = b"grant_type=client_credentials&token=x"
    return Client(REMOTE_ADDR=address).generic("POST", path, body, FORM, headers=authorization)


def exhaust(client_id: str, address: str = "127.0.0.1") -> None:
    """Fail as often as this client may, each time with `invalid_client`."""
    assert [guess(client_id, address=address).status_code for _ in range(FAILURES_PER_CLIENT)] == [
        401
    ] * FAILURES_PER_CLIENT


def assert_waits(answer: "Response") -> None:
    assert_error(answer, "temporarily_unavailable", 429)
    assert answer["Retry-After"] == "40"  # the rest of this minute


# ---- Throttled requests -----------------------------------------------------------------------------------


def test_throttled_client_is_refused_at_every_endpoint(warehouse: Software) -> None:
    exhaust(warehouse.client_id)
    for path in ("/token", "/revoke", "/introspect"):
        assert_waits(guess(warehouse.client_id, path=path))


@pytest.mark.usefixtures("db")
def test_unknown_client_is_throttled_like_a_known_one() -> None:
    """A different limit would reveal which clients exist (CWE-208)."""
    client_id = str(uuid4())
    exhaust(client_id)
    assert_waits(guess(client_id))


@pytest.mark.usefixtures("db")
def test_address_that_tries_many_clients_is_throttled() -> None:
    answers = [guess(str(uuid4())) for _ in range(FAILURES_PER_ADDRESS)]
    assert {answer.status_code for answer in answers} == {401}
    assert_waits(guess(str(uuid4())))
    assert guess(str(uuid4()), address="203.0.113.7").status_code == 401


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "authorization_code", "code": "x", "code_verifier": "x" * 43},
        {"grant_type": "refresh_token", "refresh_token": "x"},
    ],
)
def test_guessing_codes_or_refresh_tokens_is_throttled(party: Software, form: dict[str, str]) -> None:
    answers = [party.token(**form) for _ in range(FAILURES_PER_CLIENT)]
    assert {answer.status_code for answer in answers} == {400}
    assert_waits(party.token(**form))


def test_count_is_reset_every_minute(warehouse: Software, time_machine: TimeMachineFixture) -> None:
    exhaust(warehouse.client_id)
    time_machine.move_to(START + dt.timedelta(seconds=40), tick=False)
    assert guess(warehouse.client_id).status_code == 401


def test_throttling_is_logged_once_a_minute(warehouse: Software) -> None:
    exhaust(warehouse.client_id)
    with listening() as log:
        for _ in range(3):
            guess(warehouse.client_id)
    (line,) = [line for line in log.lines if "authn_throttled" in line]
    assert warehouse.client_id in line


# ---- Grouping of addresses --------------------------------------------------------------------------------

ONE_SOURCE = [
    ("2001:db8:5:6::1", "2001:db8:5:6:ffff:ffff:ffff:ffff"),
    ("2001:db8:5:6::1", "2001:DB8:5:6:0:0:0:2"),
    ("198.51.100.7", "::ffff:198.51.100.7"),
    ("198.51.100.7", "::ffff:c633:6407"),
]
TWO_SOURCES = [("2001:db8:5:6::1", "2001:db8:5:7::1"), ("198.51.100.7", "::ffff:198.51.100.8"), ("::1", "127.0.0.1")]


@pytest.mark.parametrize(("first", "second"), ONE_SOURCE)
def test_addresses_of_one_network_are_counted_together(warehouse: Software, first: str, second: str) -> None:
    exhaust(warehouse.client_id, address=first)
    assert_waits(guess(warehouse.client_id, address=second))
    assert guess(warehouse.client_id, secret=warehouse.secret, address=second).status_code == 200


@pytest.mark.parametrize(("first", "second"), TWO_SOURCES)
def test_addresses_of_two_networks_are_counted_separately(warehouse: Software, first: str, second: str) -> None:
    exhaust(warehouse.client_id, address=first)
    assert guess(warehouse.client_id, address=second).status_code == 401


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(("first", "second"), ONE_SOURCE)
def test_leak_reports_are_counted_by_network(first: str, second: str) -> None:
    def report(address: str) -> int:
        return Client(REMOTE_ADDR=address).post("/leaks", {"secrets": []}, "application/json").status_code

    assert [report(first) for _ in range(REPORTS_PER_ADDRESS)] == [202] * REPORTS_PER_ADDRESS
    assert report(second) == 429


# ---- Requests that are not throttled ----------------------------------------------------------------------


@pytest.mark.usefixtures("db")
def test_public_client_is_served_while_others_send_secrets_for_it() -> None:
    app = software(ThirdPartyFactory(client_type="public"))
    for _ in range(FAILURES_PER_CLIENT + 2):
        guess(app.client_id, secret="mistyped")
    assert app.post("/revoke", token="x").status_code == 200


def test_valid_request_is_served_while_its_secret_is_guessed(warehouse: Software) -> None:
    exhaust(warehouse.client_id)
    guess(warehouse.client_id)
    assert warehouse.token(**GRANT).status_code == 200


def test_valid_request_is_served_from_a_throttled_address(warehouse: Software, party: Software) -> None:
    for _ in range(FAILURES_PER_ADDRESS + 1):
        guess(str(uuid4()))
    assert warehouse.token(**GRANT).status_code == 200
    assert party.post("/revoke", token="x").status_code == 200


def test_other_clients_and_addresses_still_get_the_error(warehouse: Software, party: Software) -> None:
    exhaust(warehouse.client_id)
    assert guess(party.client_id).status_code == 401
    assert guess(warehouse.client_id, address="203.0.113.7").status_code == 401


def test_valid_requests_are_not_counted(warehouse: Software) -> None:
    assert {warehouse.token(**GRANT).status_code for _ in range(FAILURES_PER_CLIENT + 1)} == {200}
    exhaust(warehouse.client_id)


# ---- The cache --------------------------------------------------------------------------------------------


@pytest.fixture
def _redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a Redis server that does not exist."""
    away = settings.CACHES["default"] | {
        "BACKEND": "portal.caches.ForgivingRedisCache",
        "LOCATION": f"redis://127.0.0.1:{free_port()}/0",
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    }
    monkeypatch.setattr(throttle, "cache", CacheHandler({"default": away})["default"])


@pytest.mark.usefixtures("_redis_is_away")
def test_without_a_cache_requests_are_served_and_the_failure_is_logged_once(warehouse: Software) -> None:
    with listening() as log:
        assert warehouse.token(**GRANT).status_code == 200
    assert not [line for line in log.lines if "cache_unavailable" in line]
    with listening() as log:
        answers = [guess(warehouse.client_id) for _ in range(FAILURES_PER_CLIENT + 1)]
    assert {answer.status_code for answer in answers} == {401}
    assert len([line for line in log.lines if "cache_unavailable" in line]) == 1


@pytest.mark.skipif(not ON_REDIS, reason="processes count together in Redis; CACHE_URL may name one")
def test_processes_share_the_counts(serve: Callable[..., Served]) -> None:
    portal = serve(WORKERS="2")
    client_id, secret = new_credential(portal, new_visitor(portal))
    while httpx.get(f"{portal}/healthz").headers["Date"][23:25] > "45":  # all within one minute of the server's clock
        time.sleep(1)
    answers = [
        httpx.post(f"{portal}/token", data=GRANT, auth=(client_id, secret_format.generate()))
        for _ in range(FAILURES_PER_CLIENT + 10)
    ]
    assert [answer.status_code for answer in answers] == [401] * FAILURES_PER_CLIENT + [429] * 10
    assert httpx.post(f"{portal}/token", data=GRANT, auth=(client_id, secret)).status_code == 200

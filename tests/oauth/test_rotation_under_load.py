"""Rotation of signing and hash keys under load: no request to either of two workers may fail.

Time runs a hundred times faster than in production. A new key starts after a hundredth of the command's waiting time,
and offline verifiers cache the public keys for a hundredth of their Cache-Control. The proportion is the real one, so
a key that signs before every verifier can have it makes the test fail.
"""

import re
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from apicredentials.keys.hash_keys import new_hash_key
from apicredentials.keys.signing_keys import new_signing_key
from tests.clients.traffic import assert_works, connect, get_token, load, refresh_until
from tests.clients.visitor import new_credential, new_party, new_visitor
from tests.served import Served

SPEED = 100
PATIENCE_SECONDS = 30


@pytest.fixture
def portal(serve: Callable[..., Served], tmp_path: Path) -> Served:
    """A portal with two workers, and keys in files that the commands change."""
    files = {"TOKEN_SIGNING_KEYS": new_signing_key(), "SECRET_HASH_KEYS": new_hash_key()}
    for name, key in files.items():
        (tmp_path / name).write_text(key)
    return serve(WORKERS="2", **{f"{name}_FILE": str(tmp_path / name) for name in files})


def rotate(portal: Served, command: str, setting: str) -> str:
    """Run a command that rotates keys, wait until the new key starts, and return its id."""
    key_id = str(portal.manage_json(command)["key_id"])
    file = Path(portal.environment[f"{setting}_FILE"])
    now = time.time()

    def sooner(entry: re.Match[str]) -> str:
        return f"{entry['id']}@{now + (int(entry['starts_at']) - now) / SPEED:.0f}"

    fresh = file.with_suffix(".sooner")
    fresh.write_text(re.sub(rf"(?P<id>{re.escape(key_id)})@(?P<starts_at>\d+)", sooner, file.read_text()))
    fresh.replace(file)
    return key_id


# ---- Clients and gateways ---------------------------------------------------------------------------------


@dataclass
class Gateway:
    """A gateway that verifies offline, and fetches the public keys only when its copy is stale (RFC 9111 §4.2)."""

    portal: Served
    keys: KeySet | None = None
    stale_at: float = 0
    seen: set[str] = field(default_factory=set)

    def verify(self, token: str) -> None:
        """Raise if the cached keys do not verify `token`."""
        if self.keys is None or time.monotonic() >= self.stale_at:
            asked_at = time.monotonic()
            answer = httpx.get(f"{self.portal}/.well-known/jwks.json")
            self.keys = KeySet.import_key_set(answer.json())
            (max_age,) = re.findall(r"max-age=(\d+)", answer.headers["Cache-Control"])
            self.stale_at = asked_at + int(max_age) / SPEED
        jwt.decode(token, self.keys, algorithms=["ES256"])
        self.seen.add(key_id_of(token))


def key_id_of(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["kid"])


def ask_until(over: Event, portal: Served, client: tuple[str, str]) -> Gateway:
    """Get tokens until `over`. Verify each of them, and the first one again, online and offline."""
    gateway, first = Gateway(portal), ""
    with httpx.Client(timeout=10) as http:
        while not over.is_set():
            token = get_token(http, portal, client)["access_token"]
            first = first or token
            for each in (token, first):
                assert_works(http, portal, each)
                gateway.verify(each)
    return gateway


def wait_until_signing(portal: Served, client: tuple[str, str], key_id: str, running: list[Future[Any]]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with httpx.Client() as http:
        while key_id_of(get_token(http, portal, client)["access_token"]) != key_id:
            assert not any(future.done() for future in running), [future.exception() for future in running]
            assert time.monotonic() < deadline, "The new key never signs."
            time.sleep(0.1)


# ---- The rotation -----------------------------------------------------------------------------------------


def test_no_request_fails_while_keys_rotate_under_load(portal: Served) -> None:
    shop = new_visitor(portal)
    old, party = new_credential(portal, shop), new_party(portal)
    with shop.http, httpx.Client() as http:
        before = get_token(http, portal, old)["access_token"]
        first = connect(portal, shop, party)["refresh_token"]
        with load(
            lambda over: ask_until(over, portal, old),
            lambda over: ask_until(over, portal, old),
            lambda over: refresh_until(over, portal, party, first),
        ) as running:
            rotate(portal, "rotate_hash_key", "SECRET_HASH_KEYS")
            hash_key = rotate(portal, "rotate_hash_key", "SECRET_HASH_KEYS")  # the oldest key is now third
            signing_key = rotate(portal, "rotate_signing_key", "TOKEN_SIGNING_KEYS")
            wait_until_signing(portal, old, signing_key, running)
            time.sleep(1)  # both workers sign with it
        *gateways, (*_, last) = [future.result(PATIENCE_SECONDS) for future in running]
        assert [gateway.seen for gateway in gateways] == [{key_id_of(before), signing_key}] * 2

        # Tokens and secrets from before the rotation keep working; newer ones use the new keys.
        assert_works(http, portal, before)
        Gateway(portal).verify(before)
        assert get_token(http, portal, party, grant_type="refresh_token", refresh_token=last)["refresh_token"] != last
        young = new_credential(portal, shop)
        assert key_ids_of_secrets(portal)[-1] == hash_key
        assert len(set(key_ids_of_secrets(portal))) == 2
        for client in (old, young, old):
            made = get_token(http, portal, client)["access_token"]
            assert key_id_of(made) == signing_key
            assert_works(http, portal, made)


def key_ids_of_secrets(portal: Served) -> list[str]:
    """Return the id of the hash key of each secret, in order."""
    code = "from apicredentials.models import ClientSecret; print(*ClientSecret.objects.order_by('pk').values('hash'))"
    return re.findall(r"hmac_sha256\$([^$]+)\$", portal.manage("shell", "--no-imports", "-c", code))

"""Rotation of signing and hash keys under load: no request to either of two workers may fail.

Time runs a hundred times faster than in production. A new key starts after a hundredth of the command's waiting time,
and offline verifiers cache the public keys for a hundredth of their Cache-Control. The proportion is the real one, so
a key that signs before every verifier can have it makes the test fail.
"""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
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
from tests.clients.visitor import REDIRECT_URI, Visitor, new_credential, new_party, new_visitor
from tests.oauth.flow import VERIFIER, s256
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


def get_token(http: httpx.Client, portal: Served, client: tuple[str, str], **form: str) -> dict[str, Any]:
    """Request a token and require success; `form` replaces the client credentials grant."""
    answer = http.post(f"{portal}/token", data=form or {"grant_type": "client_credentials"}, auth=client)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def assert_works(http: httpx.Client, portal: Served, token: str) -> None:
    answer = http.get(f"{portal}/verify", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 204, answer.text


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


def refresh_until(over: Event, portal: Served, party: tuple[str, str], refresh_token: str) -> str:
    """Refresh until `over`, and return the last refresh token."""
    with httpx.Client(timeout=10) as http:
        while not over.is_set():
            made = get_token(http, portal, party, grant_type="refresh_token", refresh_token=refresh_token)
            assert_works(http, portal, made["access_token"])
            refresh_token = made["refresh_token"]
    return refresh_token


@contextmanager
def load(*acts: Callable[[Event], Any]) -> Iterator[list[Future[Any]]]:
    """Run these acts in threads until the block ends or one of them fails."""
    over = Event()
    with ThreadPoolExecutor(len(acts)) as pool:
        try:
            yield [pool.submit(act, over) for act in acts]
        finally:
            over.set()


def connect(portal: Served, shop: Visitor, party: tuple[str, str]) -> dict[str, Any]:
    """Run the code flow with the seller's consent, and return the tokens."""
    query = httpx.QueryParams(
        response_type="code",
        client_id=party[0],
        redirect_uri=REDIRECT_URI,
        scope="offline_access",
        code_challenge=s256(VERIFIER),
        code_challenge_method="S256",
    )
    back = httpx.URL(shop.decide(f"{portal}/authorize?{query}", "Toestaan"))
    exchange = {"grant_type": "authorization_code", "code": back.params["code"], "redirect_uri": REDIRECT_URI}
    with httpx.Client() as http:
        return get_token(http, portal, party, code_verifier=VERIFIER, **exchange)


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
        *gateways, last = [future.result(PATIENCE_SECONDS) for future in running]
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

"""nginx with the configuration of docs/api.md, between callers and an API: what it lets through, and as whom."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from apicredentials import scopes
from apicredentials.oauth import access_tokens
from tests.clients.visitor import Visitor, new_credential, new_visitor
from tests.conftest import ON_CI
from tests.docs.documents import API
from tests.oauth.flow import claims
from tests.served import START_SECONDS, Served, free_port, stop

NGINX = Path(os.environ.get("NGINX", "/usr/sbin/nginx"))

# What surrounds the documented lines, and lets them run beside other tests, as any user.
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/client;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream portal {{ server {portal}; }}
    upstream retailer_api {{ server {api}; }}
    {documented}
}}
"""


@dataclass
class RetailerApi:
    """An API without any check of its own, which trusts what its gateway says."""

    address: str
    calls: list[dict[str, Any]] = field(default_factory=list)

    @property
    def last_call(self) -> dict[str, Any]:
        """Method, path, headers (by lower-case name) and body of what came last."""
        return self.calls[-1]


@contextmanager
def run_retailer_api() -> Iterator[RetailerApi]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0))).decode()
            running.calls.append({"method": self.command, "path": self.path, "headers": headers, "body": body})
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else b"ok")

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_FOO = answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = RetailerApi(f"127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield running
        finally:
            server.shutdown()


@contextmanager
def run_nginx(folder: Path, *, portal: str, api: str) -> Iterator[str]:
    """Run nginx with the documented lines until the block ends, and return its address."""
    (block,) = [block.text for block in API.chapter("Gateways: `/verify`").blocks if block.language == "nginx"]
    address = f"127.0.0.1:{free_port()}"
    documented = block.replace("listen 80;", f"listen {address};")
    assert documented != block
    (folder / "nginx.conf").write_text(
        CONFIGURATION.format(folder=folder, portal=portal, api=api, documented=documented)
    )
    command: list[str | Path] = [NGINX, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]
    with (folder / "output").open("wb") as output:
        nginx = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_until_open(address, nginx, folder)
        yield f"http://{address}"
    finally:
        stop(nginx)


def wait_until_open(address: str, nginx: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    host, _, port = address.partition(":")
    with socket.socket() as knocking:
        while knocking.connect_ex((host, int(port))):
            assert nginx.poll() is None, (folder / "output").read_text()
            assert time.monotonic() < deadline, (folder / "error.log").read_text()
            time.sleep(0.05)


# ---- A gateway, and who calls it --------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def _nginx_is_there() -> None:
    """On CI its absence is a failure."""
    if not NGINX.exists() and not ON_CI:
        pytest.skip(f"no nginx at {NGINX}; NGINX may name another")


@pytest.fixture(scope="module")
def running_api() -> Iterator[RetailerApi]:
    with run_retailer_api() as api:
        yield api


@pytest.fixture
def api(running_api: RetailerApi) -> RetailerApi:
    """The API behind the gateway, which nobody has called yet."""
    running_api.calls.clear()
    return running_api


@pytest.fixture(scope="module")
def gateway(served: Served, running_api: RetailerApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address at which callers find nginx."""
    portal = urlsplit(str(served)).netloc
    with run_nginx(tmp_path_factory.mktemp("nginx"), portal=portal, api=running_api.address) as address:
        yield address


@pytest.fixture(scope="module")
def shop(served: Served) -> Iterator[Visitor]:
    visitor = new_visitor(served)
    with visitor.http:
        yield visitor


@dataclass(frozen=True)
class Caller:
    """A seller's software, which calls the API through the gateway."""

    portal: Served
    gateway: str
    client_id: str
    secret: str

    def token(self, *rights: str) -> str:
        """Get a token with these rights, or with all."""
        form = {"grant_type": "client_credentials", "scope": " ".join(rights)}
        answer = httpx.post(f"{self.portal}/token", data=form, auth=(self.client_id, self.secret))
        return str(answer.json()["access_token"])

    def call(self, token: str, method: str = "GET", path: str = "/orders/7", **options: Any) -> httpx.Response:
        """Call the API with this token; '' is none."""
        headers = options.pop("headers", {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        return httpx.request(method, f"{self.gateway}{path}", headers=headers, **options)


@pytest.fixture(scope="module")
def caller(served: Served, gateway: str, shop: Visitor) -> Caller:
    """The shop's software; a test that stops it makes another."""
    return Caller(served, gateway, *new_credential(served, shop))


def own_challenge(caller: Caller, token: str, right: str = "orders:read") -> str:
    """The WWW-Authenticate header of the portal itself for this request."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.get(f"{caller.portal}/verify", params={"scope": right}, headers=headers)
    return answer.headers["WWW-Authenticate"]


def assert_refused(answer: httpx.Response, status: int, challenge: str, api: RetailerApi) -> None:
    """Held up at the gateway, and told what the portal tells (RFC 6750 §3)."""
    assert answer.status_code == status
    assert answer.headers.get_list("WWW-Authenticate") == [challenge]
    assert api.calls == []


# ---- Who may pass -----------------------------------------------------------------------------------------


def test_a_good_token_reaches_the_api_as_who_it_belongs_to(caller: Caller, shop: Visitor, api: RetailerApi) -> None:
    assert caller.call(caller.token(), path="/orders/7?page=2").text == "ok"
    headers = api.last_call["headers"]
    assert api.last_call["path"] == "/orders/7?page=2"
    assert headers["x-retailer-id"] == shop.retailer_id
    assert headers["x-client-id"] == caller.client_id
    assert headers["x-scopes"] == scopes.join(scopes.ALL)


def test_the_api_learns_only_the_rights_of_this_token(caller: Caller, api: RetailerApi) -> None:
    assert caller.call(caller.token("orders:read", "offers:read")).status_code == 200
    assert set(api.last_call["headers"]["x-scopes"].split()) == {"orders:read", "offers:read"}


def test_the_api_never_sees_the_token(caller: Caller, api: RetailerApi) -> None:
    """RFC 9700 §4.9.2: what an API does not have, it cannot pass on."""
    token = caller.token()
    assert caller.call(token).status_code == 200
    assert "authorization" not in api.last_call["headers"]
    assert token not in json.dumps(api.last_call)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_changes_something_passes_with_manage_and_keeps_its_body(
    caller: Caller, api: RetailerApi, method: str
) -> None:
    """The question about it is a GET without a body all the same."""
    assert caller.call(caller.token("orders:manage"), method, content=b'{"shipped": true}').status_code == 200
    assert (api.last_call["method"], api.last_call["body"]) == (method, '{"shipped": true}')


def test_head_is_reading(caller: Caller, api: RetailerApi) -> None:
    assert caller.call(caller.token("orders:read"), "HEAD").status_code == 200


def test_a_body_larger_than_the_portal_takes_is_none_of_its_business(caller: Caller, api: RetailerApi) -> None:
    assert caller.call(caller.token(), "POST", content=b"x" * 900_000).status_code == 200
    assert len(api.last_call["body"]) == 900_000


# ---- Who may not ------------------------------------------------------------------------------------------


def test_without_a_token_it_is_401_with_the_portals_challenge(caller: Caller, api: RetailerApi) -> None:
    challenge = own_challenge(caller, "")
    assert challenge.startswith('Bearer realm="Retailer API", resource_metadata="')
    assert_refused(caller.call(""), 401, challenge, api)


@pytest.mark.parametrize("altered", [lambda token: token[:-4], lambda token: "x", lambda token: token + "x"])
def test_a_token_that_is_none_is_401(caller: Caller, api: RetailerApi, altered: Callable[[str], str]) -> None:
    token = altered(caller.token())
    challenge = own_challenge(caller, token)
    assert "invalid_token" in challenge
    assert_refused(caller.call(token), 401, challenge, api)


def test_an_expired_token_is_401_and_says_since_when(caller: Caller, api: RetailerApi) -> None:
    token = access_tokens.sign(claims(caller.token()) | {"exp": 1})
    challenge = own_challenge(caller, token)
    assert 'error_description="JWT expired at 1970-01-01T00:00:01+00:00"' in challenge
    assert_refused(caller.call(token), 401, challenge, api)


def test_a_missing_right_is_403_and_named(caller: Caller, api: RetailerApi) -> None:
    """RFC 6750 §3.1: nginx itself would answer without a challenge."""
    token = caller.token("offers:manage")
    challenge = own_challenge(caller, token)
    assert 'scope="orders:read"' in challenge
    assert_refused(caller.call(token), 403, challenge, api)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"])
def test_reading_is_not_managing(caller: Caller, api: RetailerApi, method: str) -> None:
    token = caller.token("orders:read")
    assert_refused(caller.call(token, method), 403, own_challenge(caller, token, "orders:manage"), api)


@pytest.mark.parametrize("path", ["/orders/?scope=offers:read", "/orders/7?scope=", "/%6frders/7", "//orders//7"])
def test_the_callers_address_does_not_choose_the_right(caller: Caller, api: RetailerApi, path: str) -> None:
    token = caller.token("offers:read")
    assert_refused(caller.call(token, path=path), 403, own_challenge(caller, token), api)


# ---- From when on -----------------------------------------------------------------------------------------


def test_a_token_that_is_revoked_does_not_pass_once_more(caller: Caller, api: RetailerApi) -> None:
    """RFC 7009 §2.1: an answer of the portal is kept by nobody."""
    token, other = caller.token(), caller.token()
    assert caller.call(token).status_code == 200
    api.calls.clear()
    httpx.post(f"{caller.portal}/revoke", data={"token": token}, auth=(caller.client_id, caller.secret))
    assert_refused(caller.call(token), 401, own_challenge(caller, token), api)
    assert caller.call(other).status_code == 200


def test_a_paused_credential_passes_again_when_it_is_resumed(caller: Caller, shop: Visitor, api: RetailerApi) -> None:
    client_id, secret = new_credential(caller.portal, shop)
    caller = replace(caller, client_id=client_id, secret=secret)
    token = caller.token()
    caller.portal.manage("pause_credential", caller.client_id, "--reason", "Storing")
    assert_refused(caller.call(token), 401, own_challenge(caller, token), api)
    caller.portal.manage("resume_credential", caller.client_id, "--reason", "Opgelost")
    assert caller.call(token).status_code == 200


# ---- What a caller may try --------------------------------------------------------------------------------

OURS = ("X-Retailer-Id", "X-Client-Id", "X-Scopes")


@pytest.mark.parametrize("spelling", [str, str.lower, str.upper, lambda name: name.replace("-", "_")])
def test_a_caller_cannot_say_who_it_is(
    caller: Caller, shop: Visitor, api: RetailerApi, spelling: Callable[[str], str]
) -> None:
    """Also not with X_Retailer_Id, which a CGI or WSGI backend could not tell from ours."""
    forged = {spelling(name): "9999999" for name in OURS}
    assert caller.call(caller.token("orders:read"), headers=forged).status_code == 200
    assert api.last_call["headers"]["x-retailer-id"] == shop.retailer_id
    assert "9999999" not in json.dumps(api.last_call)


def test_to_say_it_twice_does_not_help(caller: Caller, shop: Visitor, api: RetailerApi) -> None:
    token = caller.token("orders:read")
    headers = [("X-Retailer-Id", "1"), ("X-Retailer-Id", "9999999"), ("Authorization", f"Bearer {token}")]
    assert httpx.get(f"{caller.gateway}/orders/7", headers=headers).status_code == 200
    assert api.last_call["headers"]["x-retailer-id"] == shop.retailer_id


def test_who_has_no_token_gains_nothing_by_saying_who_it_is(caller: Caller, api: RetailerApi) -> None:
    answer = caller.call("", headers=dict.fromkeys(OURS, "9999999"))
    assert_refused(answer, 401, own_challenge(caller, ""), api)


def test_nobody_asks_the_portal_through_the_gateway(caller: Caller, api: RetailerApi) -> None:
    assert caller.call(caller.token(), path="/_verify").status_code == 404
    assert api.calls == []


# ---- Without the portal -----------------------------------------------------------------------------------


def test_while_the_portal_is_away_nobody_passes(caller: Caller, api: RetailerApi, tmp_path: Path) -> None:
    token = caller.token()
    with run_nginx(tmp_path, portal=f"127.0.0.1:{free_port()}", api=api.address) as gateway:
        for bearer in (token, ""):
            answer = replace(caller, gateway=gateway).call(bearer)
            assert 500 <= answer.status_code < 600
    assert api.calls == []


def test_while_the_portal_has_no_database_nobody_passes(
    caller: Caller, api: RetailerApi, tmp_path: Path, serve: Callable[..., Served]
) -> None:
    """It answers 503, which is neither yes nor no."""
    token = caller.token()
    down = serve(DATABASE_URL="postgres://postgres@127.0.0.1:1/nowhere", ISSUER_URL=str(caller.portal))
    with run_nginx(tmp_path, portal=urlsplit(str(down)).netloc, api=api.address) as gateway:
        answer = replace(caller, gateway=gateway).call(token)
        assert 500 <= answer.status_code < 600
    assert api.calls == []

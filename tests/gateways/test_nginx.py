"""nginx with the configuration of docs/api.md, as a gateway between callers and an API."""

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

# The rest of the configuration around the documented lines, so that any user can run nginx in parallel tests.
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
    """An API without checks, which trusts the headers of its gateway."""

    address: str
    calls: list[dict[str, Any]] = field(default_factory=list)

    @property
    def last_call(self) -> dict[str, Any]:
        """Method, path, headers (by lower-case name) and body of the last request."""
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


# ---- The gateway and its callers --------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def _nginx_is_there() -> None:
    """Skip these tests without nginx, except on CI, where they must fail."""
    if not NGINX.exists() and not ON_CI:
        pytest.skip(f"no nginx at {NGINX}; NGINX may name another")


@pytest.fixture(scope="module")
def running_api() -> Iterator[RetailerApi]:
    with run_retailer_api() as api:
        yield api


@pytest.fixture
def api(running_api: RetailerApi) -> RetailerApi:
    """The API behind the gateway, without calls so far."""
    running_api.calls.clear()
    return running_api


@pytest.fixture(scope="module")
def gateway(served: Served, running_api: RetailerApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of nginx."""
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
        """Get a token with these rights, by default with all."""
        form = {"grant_type": "client_credentials", "scope": " ".join(rights)}
        answer = httpx.post(f"{self.portal}/token", data=form, auth=(self.client_id, self.secret))
        return str(answer.json()["access_token"])

    def call(self, token: str, method: str = "GET", path: str = "/orders/7", **options: Any) -> httpx.Response:
        """Call the API with this token; without a token if it is ''."""
        headers = options.pop("headers", {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        return httpx.request(method, f"{self.gateway}{path}", headers=headers, **options)


@pytest.fixture(scope="module")
def caller(served: Served, gateway: str, shop: Visitor) -> Caller:
    """The shop's software, shared by the tests. A test that stops it creates its own."""
    return Caller(served, gateway, *new_credential(served, shop))


def own_challenge(caller: Caller, token: str, right: str = "orders:read") -> str:
    """Return the WWW-Authenticate header with which the portal itself responds to this request."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.get(f"{caller.portal}/verify", params={"scope": right}, headers=headers)
    return answer.headers["WWW-Authenticate"]


def assert_refused(answer: httpx.Response, status: int, challenge: str, api: RetailerApi) -> None:
    """Assert that the gateway refused the call with the portal's challenge (RFC 6750 §3)."""
    assert answer.status_code == status
    assert answer.headers.get_list("WWW-Authenticate") == [challenge]
    assert api.calls == []


# ---- Forwarded calls --------------------------------------------------------------------------------------


def test_valid_token_is_forwarded_with_seller_client_and_rights(
    caller: Caller, shop: Visitor, api: RetailerApi
) -> None:
    assert caller.call(caller.token(), path="/orders/7?page=2").text == "ok"
    headers = api.last_call["headers"]
    assert api.last_call["path"] == "/orders/7?page=2"
    assert headers["x-retailer-id"] == shop.retailer_id
    assert headers["x-client-id"] == caller.client_id
    assert headers["x-scopes"] == scopes.join(scopes.ALL)


def test_api_gets_only_the_rights_of_the_token(caller: Caller, api: RetailerApi) -> None:
    assert caller.call(caller.token("orders:read", "offers:read")).status_code == 200
    assert set(api.last_call["headers"]["x-scopes"].split()) == {"orders:read", "offers:read"}


def test_token_is_not_forwarded(caller: Caller, api: RetailerApi) -> None:
    """RFC 9700 §4.9.2: an API without the token cannot leak it."""
    token = caller.token()
    assert caller.call(token).status_code == 200
    assert "authorization" not in api.last_call["headers"]
    assert token not in json.dumps(api.last_call)


def test_unsafe_method_needs_manage_and_keeps_its_body(caller: Caller, api: RetailerApi) -> None:
    """The subrequest to the portal is a GET without a body."""
    token = caller.token("orders:manage")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert caller.call(token, method, content=b'{"shipped": true}').status_code == 200
        assert (api.last_call["method"], api.last_call["body"]) == (method, '{"shipped": true}')


def test_head_needs_read(caller: Caller, api: RetailerApi) -> None:
    assert caller.call(caller.token("orders:read"), "HEAD").status_code == 200


def test_body_larger_than_the_portals_limit_is_forwarded(caller: Caller, api: RetailerApi) -> None:
    assert caller.call(caller.token(), "POST", content=b"x" * 900_000).status_code == 200
    assert len(api.last_call["body"]) == 900_000


# ---- Refused calls ----------------------------------------------------------------------------------------


def test_missing_token_gets_401_with_the_portals_challenge(caller: Caller, api: RetailerApi) -> None:
    challenge = own_challenge(caller, "")
    assert challenge.startswith('Bearer realm="Retailer API", resource_metadata="')
    assert_refused(caller.call(""), 401, challenge, api)


def test_malformed_token_gets_401(caller: Caller, api: RetailerApi) -> None:
    token = caller.token()[:-4]
    challenge = own_challenge(caller, token)
    assert "invalid_token" in challenge
    assert_refused(caller.call(token), 401, challenge, api)


def test_expired_token_gets_401_with_its_expiry(caller: Caller, api: RetailerApi) -> None:
    token = access_tokens.sign(claims(caller.token()) | {"exp": 1})
    challenge = own_challenge(caller, token)
    assert 'error_description="JWT expired at 1970-01-01T00:00:01+00:00"' in challenge
    assert_refused(caller.call(token), 401, challenge, api)


def test_missing_right_gets_403_and_is_named(caller: Caller, api: RetailerApi) -> None:
    """RFC 6750 §3.1: by itself nginx would respond without a challenge."""
    token = caller.token("offers:manage")
    challenge = own_challenge(caller, token)
    assert 'scope="orders:read"' in challenge
    assert_refused(caller.call(token), 403, challenge, api)


def test_read_does_not_allow_unsafe_methods(caller: Caller, api: RetailerApi) -> None:
    token = caller.token("orders:read")
    challenge = own_challenge(caller, token, "orders:manage")
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"):
        assert_refused(caller.call(token, method), 403, challenge, api)


def test_path_and_query_cannot_choose_the_required_right(caller: Caller, api: RetailerApi) -> None:
    token = caller.token("offers:read")
    challenge = own_challenge(caller, token)
    for path in ("/orders/?scope=offers:read", "/orders/7?scope=", "/%6frders/7", "//orders//7"):
        assert_refused(caller.call(token, path=path), 403, challenge, api)


# ---- Effect of changes ------------------------------------------------------------------------------------


def test_revoked_token_is_refused_at_once(caller: Caller, api: RetailerApi) -> None:
    """RFC 7009 §2.1: the gateway does not cache responses of the portal."""
    token, other = caller.token(), caller.token()
    assert caller.call(token).status_code == 200
    api.calls.clear()
    httpx.post(f"{caller.portal}/revoke", data={"token": token}, auth=(caller.client_id, caller.secret))
    assert_refused(caller.call(token), 401, own_challenge(caller, token), api)
    assert caller.call(other).status_code == 200


def test_paused_credential_is_refused_until_resumed(caller: Caller, shop: Visitor, api: RetailerApi) -> None:
    client_id, secret = new_credential(caller.portal, shop)
    caller = replace(caller, client_id=client_id, secret=secret)
    token = caller.token()
    caller.portal.manage("pause_credential", caller.client_id, "--reason", "Storing")
    assert_refused(caller.call(token), 401, own_challenge(caller, token), api)
    caller.portal.manage("resume_credential", caller.client_id, "--reason", "Opgelost")
    assert caller.call(token).status_code == 200


# ---- Forged requests --------------------------------------------------------------------------------------

OURS = ("X-Retailer-Id", "X-Client-Id", "X-Scopes")


@pytest.mark.parametrize("spelling", [str, str.lower, str.upper, lambda name: name.replace("-", "_")])
def test_caller_cannot_forge_the_identity_headers(
    caller: Caller, shop: Visitor, api: RetailerApi, spelling: Callable[[str], str]
) -> None:
    """Including X_Retailer_Id, which a CGI or WSGI backend cannot distinguish from ours."""
    forged = {spelling(name): "9999999" for name in OURS}
    assert caller.call(caller.token("orders:read"), headers=forged).status_code == 200
    assert api.last_call["headers"]["x-retailer-id"] == shop.retailer_id
    assert "9999999" not in json.dumps(api.last_call)


def test_repeated_identity_header_is_replaced(caller: Caller, shop: Visitor, api: RetailerApi) -> None:
    token = caller.token("orders:read")
    headers = [("X-Retailer-Id", "1"), ("X-Retailer-Id", "9999999"), ("Authorization", f"Bearer {token}")]
    assert httpx.get(f"{caller.gateway}/orders/7", headers=headers).status_code == 200
    assert api.last_call["headers"]["x-retailer-id"] == shop.retailer_id


def test_identity_headers_without_a_token_are_refused(caller: Caller, api: RetailerApi) -> None:
    answer = caller.call("", headers=dict.fromkeys(OURS, "9999999"))
    assert_refused(answer, 401, own_challenge(caller, ""), api)


def test_internal_location_is_not_reachable(caller: Caller, api: RetailerApi) -> None:
    assert caller.call(caller.token(), path="/_verify").status_code == 404
    assert api.calls == []


# ---- Portal unavailable -----------------------------------------------------------------------------------


def test_calls_are_refused_while_the_portal_is_down(caller: Caller, api: RetailerApi, tmp_path: Path) -> None:
    token = caller.token()
    with run_nginx(tmp_path, portal=f"127.0.0.1:{free_port()}", api=api.address) as gateway:
        for bearer in (token, ""):
            answer = replace(caller, gateway=gateway).call(bearer)
            assert 500 <= answer.status_code < 600
    assert api.calls == []


def test_calls_are_refused_while_the_portal_has_no_database(
    caller: Caller, api: RetailerApi, tmp_path: Path, serve: Callable[..., Served]
) -> None:
    """The portal responds with 503, which neither allows nor refuses the call."""
    token = caller.token()
    down = serve(DATABASE_URL="postgres://postgres@127.0.0.1:1/nowhere", ISSUER_URL=str(caller.portal))
    with run_nginx(tmp_path, portal=urlsplit(str(down)).netloc, api=api.address) as gateway:
        answer = replace(caller, gateway=gateway).call(token)
        assert 500 <= answer.status_code < 600
    assert api.calls == []

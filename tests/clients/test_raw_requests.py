"""Raw requests to the production server, which test the layers below Django too (V2.2.1, V4.2.1)."""

import json
import socket
from contextlib import suppress
from itertools import product
from urllib.parse import urlencode, urlsplit

import pytest

from tests.clients.visitor import Visitor
from tests.oauth.flow import basic
from tests.rights import chosen
from tests.served import Served

FORM = b"Content-Type: application/x-www-form-urlencoded"
GRANT = b"grant_type=client_credentials"


def ask(
    served: Served, method: bytes, target: bytes, *headers: bytes, body: bytes = b"", breaks_off: bool = False
) -> tuple[int, bytes, bytes]:
    """Send exactly these bytes, optionally close the sending side, and return status, headers and body."""
    address = urlsplit(str(served))
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: " + address.netloc.encode(), b"Connection: close"]
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=20) as connection:
        sent = b"\r\n".join([*lines, *headers]) + b"\r\n\r\n" + body
        with suppress(ConnectionError):  # The server may have responded already and stopped reading.
            connection.sendall(sent)
            if breaks_off:
                connection.shutdown(socket.SHUT_WR)
        head, _, rest = read_all(connection).partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head, rest


def read_all(connection: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def length(body: bytes) -> bytes:
    return b"Content-Length: %d" % len(body)


def authorization(credential: tuple[str, str]) -> bytes:
    return b"Authorization: " + basic(*credential).encode()


# ---- Content types and charsets ---------------------------------------------------------------------------

CHARSETS = ["utf-8", "iso-8859-1", "utf-16", "utf-7", "hex", "rot13", "idna", "zip", "undefined", "no-such", "é"]


@pytest.mark.parametrize(("target", "form"), [(b"/token", GRANT), (b"/token?x=%41&" + GRANT, b"")])
def test_charset_of_a_form_is_ignored(served: Served, credential: tuple[str, str], target: bytes, form: bytes) -> None:
    for charset in CHARSETS:
        content_type = FORM + b"; charset=" + charset.encode()
        headers = (content_type, length(form), authorization(credential))
        status, head, body = ask(served, b"POST", target, *headers, body=form)
        assert status == 200
        assert b"application/json" in head
        assert b"RETAILER" in body


CONTENT_TYPES = [
    b"a/b; charset*=utf-8''hex",
    b"a/b; charset*0=he; charset*1=x",
    b"a/b; CHARSET*=utf-8''undefined",
    b"a/b; a*1=0; a*1*=x''y",
    b"a/b; boundary=" + b"x" * 20_000,
    b"a" * 20_000,
]


@pytest.mark.parametrize("target", [b"/verify?x=%41", b"/token?x=%41&" + GRANT, b"/inloggen/?next=/", b"/leaks"])
def test_no_content_type_causes_a_server_error(served: Served, credential: tuple[str, str], target: bytes) -> None:
    """RFC 2231 allows other notations of a charset, and Python cannot parse some of them."""
    for method, content_type in product((b"GET", b"POST"), CONTENT_TYPES):
        headers = (b"Content-Type: " + content_type, length(b""), authorization(credential))
        assert ask(served, method, target, *headers)[0] < 500


def test_too_many_fields_in_the_url_are_refused(served: Served) -> None:
    target = b"/token?" + b"&".join(b"a%d=b" % number for number in range(300))
    status, _, body = ask(served, b"POST", target, FORM + b"; charset=utf-8", length(b""))
    assert status == 400
    assert b"invalid_request" in body


# ---- Framing of the body ----------------------------------------------------------------------------------


def test_chunked_body_is_read(served: Served, credential: tuple[str, str]) -> None:
    """RFC 9112 §7.1: some clients stream every request."""
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GRANT), GRANT)
    headers = (FORM, b"Transfer-Encoding: chunked", authorization(credential))
    assert ask(served, b"POST", b"/token", *headers, body=chunks)[0] == 200


FRAMINGS = [
    [b"Content-Length: 3", b"Content-Length: 4"],
    [b"Content-Length: -3"],
    [b"Content-Length: x"],
    [b"Content-Length: 3", b"Transfer-Encoding: chunked"],
    [b"Transfer-Encoding: chunked, identity"],
    [b"Transfer-Encoding: x"],
]


def test_ambiguous_or_invalid_length_is_refused(served: Served, credential: tuple[str, str]) -> None:
    """V4.2.1: request smuggling."""
    for headers in FRAMINGS:
        status, _, body = ask(served, b"POST", b"/token", FORM, *headers, authorization(credential), body=GRANT)
        assert 400 <= status < 500
        assert b"access_token" not in body


def test_truncated_body_is_refused(served: Served, credential: tuple[str, str]) -> None:
    """RFC 9112 §8: without its scope, this request would get every right."""
    whole = GRANT + b"&scope=orders:read"
    headers = (FORM, length(whole), authorization(credential))
    for sent in (len(GRANT), len(GRANT) - 3, 0):
        status, head, body = ask(served, b"POST", b"/token", *headers, body=whole[:sent], breaks_off=True)
        assert status == 400
        assert b"application/json" in head
        assert json.loads(body)["error"] == "invalid_request"


def test_truncated_form_changes_nothing(served: Served, shop: Visitor, credential: tuple[str, str]) -> None:
    """The first half of a form must not be accepted when the client goes offline during the request."""
    address = f"/instellingen/api/credentials/{credential[0]}/rechten/"
    shop.open(f"{served}{address}")
    if shop.page.buttons("Inloggen"):
        shop.sign_in()
    form = shop.page.part("main").form("Opslaan")
    whole = urlencode(form.fill(), doseq=True).encode()
    half = whole[: whole.index(b"&", whole.index(b"right-"))]
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in shop.http.cookies.jar)
    headers = (FORM, length(whole), b"Cookie: " + cookies.encode(), b"Origin: " + str(served).encode())
    assert ask(served, b"POST", address.encode(), *headers, body=half, breaks_off=True)[0] in {400, 403}
    shop.open(f"{served}{address}")
    assert chosen(shop.page.part("main").form("Opslaan").fill()) == chosen(form.fill())
    assert ask(served, b"POST", address.encode(), *headers, body=whole)[0] == 302


@pytest.mark.parametrize("headers", [[b"Content-Length: 10000000"], [b"Transfer-Encoding: chunked"]])
def test_ten_megabytes_are_refused(served: Served, headers: list[bytes]) -> None:
    body = b"a" * 10_000_000
    if b"chunked" in headers[0]:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    status, head, rest = ask(served, b"POST", b"/token", FORM, *headers, body=body)
    assert status in {400, 413}
    assert b"application/json" in head
    assert b"invalid_request" in rest


# ---- Request line and headers -----------------------------------------------------------------------------


TARGETS = [
    b"/verify?x=\xff",
    b"/verify?x=\x00",
    "/verify?x=é".encode(),
    b"/verify?x=%00",
    b"/verify?x=%ff",
    b"/verify?" + b"a" * 5000,
    b"//verify",
    b"/verify/..;/",
    b"*",
    b"http://evil.example/verify",
]
HEADERS = [
    b"Authorization: Bearer \xff\xfe",
    b"Authorization: Basic \xff\xfe",
    b"Authorization: Basic YTpi\r\nAuthorization: Bearer x",
    b"Accept: \xff",
    b"X-Request-ID: \xff\xfe",
    b"X-Forwarded-For: \xff, 127.0.0.1\r\nX-Forwarded-Proto: x",
    b"Cookie: sessionid=\xff\xfe; csrftoken=\xff",
    b"Accept-Language: \xff, " + b"a-" * 2000,
    b"Content-Type: \xff",
    b"Content-Type: multipart/form-data; boundary=\xff",
    b"User-Agent: " + b"x" * 50_000,
]


def test_no_request_target_causes_a_server_error(served: Served) -> None:
    for target in TARGETS:
        assert 300 <= ask(served, b"GET", target)[0] < 500


@pytest.mark.parametrize("path", [b"/token", b"/verify", b"/authorize", b"/inloggen/", b"/"])
def test_no_method_causes_a_server_error(served: Served, path: bytes) -> None:
    for method in (b"TRACE", b"CONNECT", b"PROPFIND", b"FOO"):
        status, _, body = ask(served, method, path)
        assert 300 <= status < 500
        assert b"Host:" not in body


@pytest.mark.parametrize("target", [b"/token", b"/verify", b"/retailer/retailers/current", b"/inloggen/"])
def test_no_header_causes_a_server_error(served: Served, target: bytes) -> None:
    for method, header in product((b"GET", b"POST"), HEADERS):
        assert ask(served, method, target, header, length(b""))[0] < 500


def test_host_header_does_not_change_the_metadata(served: Served) -> None:
    """RFC 8414 §3.3: the issuer is a setting."""
    address = urlsplit(str(served))
    target = b"/.well-known/oauth-authorization-server"
    for host in (b"evil.example", b"\xff", b"a b", b"[", b"", b"x" * 5000):
        request = b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=20) as connection:
            connection.sendall(request)
            head, _, body = read_all(connection).partition(b"\r\n\r\n")
        assert int(head.split(b" ", 2)[1]) < 500
        assert b"evil" not in body


def test_server_still_works_after_these_requests(served: Served, credential: tuple[str, str]) -> None:
    headers = (FORM, length(GRANT), authorization(credential))
    status, _, body = ask(served, b"POST", b"/token", *headers, body=GRANT)
    assert status == 200
    assert json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])["scope"] == "RETAILER"

"""Requests that no library would send, to the production server: what is below Django counts too (V2.2.1, V4.2.1)."""

import json
import socket
from contextlib import suppress
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
    """Send these very bytes, and perhaps say that no more will come; return status, headers and body of the answer."""
    address = urlsplit(str(served))
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: " + address.netloc.encode(), b"Connection: close"]
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=20) as connection:
        sent = b"\r\n".join([*lines, *headers]) + b"\r\n\r\n" + body
        with suppress(ConnectionError):  # It may have answered already, and read no more.
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


@pytest.mark.parametrize("charset", CHARSETS)
def test_no_charset_of_a_body_is_an_error_of_ours(served: Served, credential: tuple[str, str], charset: str) -> None:
    content_type = FORM + b"; charset=" + charset.encode()
    status, head, body = ask(
        served, b"POST", b"/token", content_type, length(GRANT), authorization(credential), body=GRANT
    )
    assert status == 200
    assert b"application/json" in head
    assert b"RETAILER" in body


@pytest.mark.parametrize("charset", CHARSETS)
def test_no_charset_is_an_error_of_ours_where_the_url_says_something(
    served: Served, credential: tuple[str, str], charset: str
) -> None:
    content_type = FORM + b"; charset=" + charset.encode()
    target = b"/token?x=%41&" + GRANT
    status, _, _ = ask(served, b"POST", target, content_type, length(b""), authorization(credential))
    assert status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        b"a/b; charset*=utf-8''hex",
        b"a/b; charset*0=he; charset*1=x",
        b"a/b; CHARSET*=utf-8''undefined",
        b"a/b; a*1=0; a*1*=x''y",
        b"a/b; boundary=" + b"x" * 20_000,
        b"a" * 20_000,
    ],
)
@pytest.mark.parametrize("target", [b"/verify?x=%41", b"/token?x=%41&" + GRANT, b"/inloggen/?next=/", b"/leaks"])
def test_no_content_type_is_an_error_of_ours(
    served: Served, credential: tuple[str, str], target: bytes, content_type: bytes
) -> None:
    """RFC 2231 has more spellings of a charset, and some that Python cannot read."""
    headers = (b"Content-Type: " + content_type, length(b""), authorization(credential))
    for method in (b"GET", b"POST"):
        assert ask(served, method, target, *headers)[0] < 500


def test_many_fields_in_the_url_are_refused_whatever_the_content_type(served: Served) -> None:
    target = b"/token?" + b"&".join(b"a%d=b" % number for number in range(300))
    status, _, body = ask(served, b"POST", target, FORM + b"; charset=utf-8", length(b""))
    assert status == 400
    assert b"invalid_request" in body


# ---- How a body is sent -----------------------------------------------------------------------------------


def test_a_body_in_chunks_is_read(served: Served, credential: tuple[str, str]) -> None:
    """RFC 9112 §7.1: some clients stream whatever they send."""
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GRANT), GRANT)
    headers = (FORM, b"Transfer-Encoding: chunked", authorization(credential))
    assert ask(served, b"POST", b"/token", *headers, body=chunks)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        [b"Content-Length: 3", b"Content-Length: 4"],
        [b"Content-Length: -3"],
        [b"Content-Length: x"],
        [b"Content-Length: 3", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding: x"],
    ],
)
def test_a_body_of_two_lengths_is_never_taken_for_a_good_request(
    served: Served, credential: tuple[str, str], headers: list[bytes]
) -> None:
    """V4.2.1: request smuggling."""
    status, _, body = ask(served, b"POST", b"/token", FORM, *headers, authorization(credential), body=GRANT)
    assert 400 <= status < 500
    assert b"access_token" not in body


@pytest.mark.parametrize("sent", [len(GRANT), len(GRANT) - 3, 0])
def test_half_a_body_is_not_taken_for_a_whole_one(served: Served, credential: tuple[str, str], sent: int) -> None:
    """RFC 9112 §8: without its scope this one would ask for every right there is."""
    whole = GRANT + b"&scope=orders:read"
    headers = (FORM, length(whole), authorization(credential))
    status, head, body = ask(served, b"POST", b"/token", *headers, body=whole[:sent], breaks_off=True)
    assert status == 400
    assert b"application/json" in head
    assert json.loads(body)["error"] == "invalid_request"


def test_half_a_form_changes_nothing(served: Served, shop: Visitor, credential: tuple[str, str]) -> None:
    """A client that goes offline during a request must not have the first half of its form accepted."""
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


# ---- Lines and headers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
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
    ],
)
def test_no_address_is_an_error_of_ours(served: Served, target: bytes) -> None:
    assert 300 <= ask(served, b"GET", target)[0] < 500


@pytest.mark.parametrize("path", [b"/token", b"/verify", b"/authorize", b"/inloggen/", b"/"])
@pytest.mark.parametrize("method", [b"TRACE", b"CONNECT", b"PROPFIND", b"FOO"])
def test_no_method_is_an_error_of_ours(served: Served, path: bytes, method: bytes) -> None:
    status, _, body = ask(served, method, path)
    assert 300 <= status < 500
    assert b"Host:" not in body


@pytest.mark.parametrize(
    "header",
    [
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
    ],
)
@pytest.mark.parametrize("target", [b"/token", b"/verify", b"/retailer/retailers/current", b"/inloggen/"])
def test_no_header_is_an_error_of_ours(served: Served, target: bytes, header: bytes) -> None:
    for method in (b"GET", b"POST"):
        assert ask(served, method, target, header, length(b""))[0] < 500


@pytest.mark.parametrize("host", [b"evil.example", b"\xff", b"a b", b"[", b"", b"x" * 5000])
def test_a_foreign_host_changes_no_address_of_ours(served: Served, host: bytes) -> None:
    """RFC 8414 §3.3: the issuer is a setting."""
    address = urlsplit(str(served))
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=20) as connection:
        target = b"/.well-known/oauth-authorization-server"
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert int(head.split(b" ", 2)[1]) < 500
    assert b"evil" not in body


def test_the_server_lives_on_after_all_that(served: Served, credential: tuple[str, str]) -> None:
    headers = (FORM, length(GRANT), authorization(credential))
    status, _, body = ask(served, b"POST", b"/token", *headers, body=GRANT)
    assert status == 200
    assert json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])["scope"] == "RETAILER"

"""Requests to the token endpoints: methods, parameters and encoding (RFC 6749 §3.2, §5.2)."""

from itertools import product

import pytest
from django.test import Client

from apicredentials.keys import secret_format
from tests.logged import listening
from tests.oauth.flow import BODY, FORM, GRANT, Software, assert_error, claims, header, send

ENDPOINTS = ["/token", "/revoke", "/introspect"]
# RFC 6749 §5.2
ERRORS = {"invalid_request", "invalid_client", "invalid_grant", "invalid_scope"}
ERRORS |= {"unauthorized_client", "unsupported_grant_type"}


# ---- Methods and paths --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ENDPOINTS)
def test_only_post_is_allowed(warehouse: Software, path: str) -> None:
    """RFC 6749 §3.2, RFC 7009 §2.1, RFC 7662 §2.1."""
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        answer = Client().generic(method, f"{path}?{BODY}", b"", FORM, headers=header(warehouse.authorization))
        assert answer.status_code == 405
        assert answer["Allow"] == "POST"
        assert b"access_token" not in answer.content


@pytest.mark.parametrize("path", ["/token/", "/token/x", "/Token"])
def test_variants_of_the_path_are_not_served(warehouse: Software, path: str) -> None:
    assert warehouse.post(path, **GRANT).status_code in {403, 404}


# ---- Location of parameters -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "body"), [("", BODY), (f"?{BODY}", ""), (f"?{BODY}", BODY)], ids=["body", "url", "both"]
)
def test_grant_type_may_be_in_the_url_the_body_or_both(warehouse: Software, query: str, body: str) -> None:
    assert send(f"/token{query}", body, authorization=warehouse.authorization).status_code == 200


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?grant_type=client_credentials", "grant_type=refresh_token"),
        ("?grant_type=client_credentials&grant_type=client_credentials", ""),
        ("", "grant_type=client_credentials&grant_type=client_credentials"),
        ("?grant_type=client_credentials&grant_type=client_credentials", BODY),
    ],
)
def test_different_or_repeated_grant_types_are_refused(warehouse: Software, query: str, body: str) -> None:
    """RFC 6749 §3.2."""
    assert_error(send(f"/token{query}", body, authorization=warehouse.authorization), "invalid_request")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_repeated_parameter_is_refused(warehouse: Software, path: str) -> None:
    """RFC 6749 §3.2, even if both values are equal."""
    for name in ("scope", "client_id", "client_secret", "anything", ""):
        body = f"{BODY}&token=x&{name}=a&{name}=a"
        assert_error(send(path, body, authorization=warehouse.authorization), "invalid_request")


def test_parameter_in_both_url_and_body_is_refused(warehouse: Software) -> None:
    body = f"{BODY}&scope=RETAILER"
    assert_error(send("/token?scope=RETAILER", body, authorization=warehouse.authorization), "invalid_request")


@pytest.mark.parametrize("body", ["", "[object Object]"])
def test_grant_type_in_the_url_works_with_any_body(warehouse: Software, body: str) -> None:
    """The most common request of existing clients, and the most common mistakes in its body."""
    for content_type in ("application/json", "text/plain", "", "multipart/form-data", "x", ";;;"):
        answer = send(f"/token?{BODY}", body, content_type=content_type, authorization=warehouse.authorization)
        assert answer.status_code == 200, content_type


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/html"])
def test_parameters_are_read_from_forms_only(warehouse: Software, content_type: str) -> None:
    """RFC 6749 §3.2 requires a form body; other types are not parsed."""
    body = '{"grant_type": "client_credentials"}' if "json" in content_type else BODY
    answer = send("/token", body, content_type=content_type, authorization=warehouse.authorization)
    assert_error(answer, "invalid_request")


def test_charset_of_the_content_type_is_ignored(warehouse: Software) -> None:
    for charset in ("utf-8", "UTF-8", "iso-8859-1", "no-such-charset"):
        content_type = f"{FORM}; charset={charset}"
        assert send("/token", BODY, content_type=content_type, authorization=warehouse.authorization).status_code == 200


@pytest.mark.parametrize("path", ENDPOINTS)
def test_secrets_in_the_url_are_refused_and_not_logged(warehouse: Software, path: str) -> None:
    """RFC 6750 §2.3, RFC 9700 §4.3.2."""
    with listening(everything=True) as log:
        for name in ("client_secret", "code", "refresh_token", "access_token", "code_verifier", "token", "password"):
            address = f"{path}?{name}=geheim-{secret_format.generate()}"
            assert_error(send(address, BODY, authorization=warehouse.authorization), "invalid_request")
    assert "request" in log.getvalue()
    assert "geheim" not in log.getvalue()


def test_token_request_logs_one_line_with_client_grant_result_and_jti(warehouse: Software) -> None:
    """V16.3.x: the security event is the result in the request's own line."""
    with listening() as log:
        token = warehouse.access_token()
    (line,) = log.lines
    facts = f"client_id={warehouse.client_id} grant_type=client_credentials jti={claims(token)['jti']}"
    assert facts in line
    assert "result=authn_token_created" in line


def test_refused_token_request_logs_the_error(warehouse: Software) -> None:
    with listening() as log:
        warehouse.token(scope="x", **GRANT)
    (line,) = log.lines
    assert "result=invalid_scope" in line
    assert "jti=" not in line


def test_secrets_and_tokens_are_not_logged(warehouse: Software) -> None:
    with listening(everything=True) as log:
        token = warehouse.access_token()
        Software(warehouse.client_id, warehouse.secret[:-1]).token(**GRANT)
    assert "request" in log.getvalue()
    for secret in (warehouse.secret[4:-1], token, warehouse.authorization.removeprefix("Basic ")):
        assert secret not in log.getvalue()


# ---- Ignored parameters -----------------------------------------------------------------------------------


def test_blank_parameters_are_treated_as_absent(warehouse: Software) -> None:
    """RFC 6749 §3.2."""
    assert warehouse.token(scope="", client_id="", client_secret="", code="", **GRANT).json()["scope"] == "RETAILER"


def test_unknown_parameters_are_ignored(warehouse: Software) -> None:
    """RFC 6749 §3.2."""
    unknown = "anything=x&resource=x&audience=x&client=x&scopes=x&expires_in=9999&response_type=code"
    answer = send("/token", f"{BODY}&{unknown}", authorization=warehouse.authorization)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}


# ---- Grant types ------------------------------------------------------------------------------------------


def test_missing_grant_type_is_an_invalid_request(warehouse: Software) -> None:
    """RFC 6749 §5.2."""
    assert_error(warehouse.token(), "invalid_request")
    assert_error(warehouse.token(grant_type=""), "invalid_request")


def test_disabled_grant_type_is_unsupported(warehouse: Software, party: Software) -> None:
    """RFC 9700 §2.1.2 and §2.4."""
    device = "urn:ietf:params:oauth:grant-type:device_code"
    for grant_type in ("password", "implicit", "token", "openid", "CLIENT_CREDENTIALS", device, "x" * 10_000):
        form = {"grant_type": grant_type, "code": "x", "username": "a", "password": "b", "device_code": "x"}
        assert_error(warehouse.token(**form), "unsupported_grant_type")
        assert_error(party.token(**form), "unsupported_grant_type")


def test_client_gets_no_grant_that_it_is_not_registered_for(
    warehouse: Software, party: Software, gateway: Software
) -> None:
    """RFC 6749 §5.2 unauthorized_client. A resource server has no grant at all."""
    of_parties = ["authorization_code", "refresh_token"]
    for client, grant_types in (
        (warehouse, of_parties),
        (party, ["client_credentials"]),
        (gateway, ["client_credentials", *of_parties]),
    ):
        for grant_type in grant_types:
            answer = client.token(grant_type=grant_type, code="x", refresh_token="x", redirect_uri="x")
            assert_error(answer, "unauthorized_client")


# ---- Malformed requests -----------------------------------------------------------------------------------

HOSTILE = {
    "NUL in a value": b"grant_type=client_credentials&scope=%00",
    "NUL, raw": b"grant_type=client_credentials&scope=\x00",
    "NUL in a name": b"grant_type=client_credentials&%00=x",
    "NUL in the client id": b"grant_type=client_credentials&client_id=%00&client_secret=x",
    "bytes that are no UTF-8": b"grant_type=client_credentials&scope=\xff\xfe",
    "escapes that are no UTF-8": b"grant_type=client_credentials&scope=%ff%fe",
    "a surrogate": b"grant_type=client_credentials&scope=%ed%a0%80",
    "an overlong slash": b"grant_type=client_credentials&scope=%c0%af",
    "line breaks": b"grant_type=client_credentials&scope=a%0d%0aSet-Cookie:%20a=b",
    "bidi": "grant_type=client_credentials&scope=\u202egnp.exe".encode(),
    "a field of 100 kB": b"grant_type=client_credentials&scope=" + b"a" * 100_000,
    "a name of 100 kB": b"a" * 100_000 + b"=grant_type",
    "a grant type of 100 kB": b"grant_type=" + b"a" * 100_000,
    "a secret of 100 kB": b"grant_type=client_credentials&client_id=a&client_secret=" + b"a" * 100_000,
    "5000 fields": b"&".join(b"a%d=b" % number for number in range(5000)),
    "5000 separators": b"&" * 5000 + b"grant_type=%ff",
    "10 MB": b"scope=" + b"a" * 10_000_000,
    "UTF-16": "grant_type=client_credentials".encode("utf-16"),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bodies_are_refused_in_json(warehouse: Software, body: bytes) -> None:
    """V2.2.1: 4xx on every database. A 5xx would be a crash that a client can cause."""
    for path, authorization in product(ENDPOINTS, (warehouse.authorization, "")):
        answer = send(path, body, authorization=authorization)
        assert answer.status_code in {400, 401}
        assert answer.json()["error"] in ERRORS
        assert answer["Cache-Control"] == "no-store"


def test_hostile_addresses_are_refused_in_json(warehouse: Software) -> None:
    queries = ["a=%00", "a=%ff", "a=%ed%a0%80", "a=\u00e9", "&".join(["a=b"] * 300), "a" * 20_000]
    for path, query in product(ENDPOINTS, queries):
        answer = Client().generic("POST", path, b"", FORM, headers=header(warehouse.authorization), QUERY_STRING=query)
        assert answer.status_code in {400, 401}
        assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 300,
        "multipart/form-data; boundary=\x00",
        "multipart/mixed; boundary=a",
    ],
)
def test_broken_multipart_body_is_refused_in_json(warehouse: Software, content_type: str) -> None:
    answer = send("/token", b"--x\r\n\r\n", content_type=content_type, authorization=warehouse.authorization)
    assert_error(answer, "invalid_request")

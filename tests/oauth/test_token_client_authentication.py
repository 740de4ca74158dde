"""The door of the token endpoints: who may come in, and in what words (RFC 6749 §2.3, §3.2, §5.2)."""

import base64
import datetime as dt
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings
from time_machine import TimeMachineFixture

from accounts.models import Actor, Seller
from apicredentials import keys, secret_format
from apicredentials.models import ClientCredential, ClientSecret
from apicredentials.oauth.throttle import FAILURES_PER_CLIENT
from tests.factories import (
    ClientCredentialFactory,
    ClientSecretFactory,
    ResourceServerFactory,
    SellerFactory,
    ThirdPartyFactory,
)
from tests.logged import listening
from tests.oauth.flow import FORM, Software, assert_error, basic, header, post, send, software

ENDPOINTS = ["/token", "/revoke", "/introspect"]
GRANT = {"grant_type": "client_credentials"}
BODY = urlencode(GRANT)
# RFC 6749 §5.2
ERRORS = {"invalid_request", "invalid_client", "invalid_grant", "invalid_scope"}
ERRORS |= {"unauthorized_client", "unsupported_grant_type"}


@pytest.fixture
def row(warehouse: Software) -> ClientCredential:
    found: ClientCredential = ClientCredential.objects.get(client_id=warehouse.client_id)
    return found


# ---- Methods and answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_only_post_is_served(warehouse: Software, method: str, path: str) -> None:
    """RFC 6749 §3.2, RFC 7009 §2.1, RFC 7662 §2.1."""
    answer = Client().generic(method, f"{path}?{BODY}", b"", FORM, headers=header(warehouse.authorization))
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert b"access_token" not in answer.content


def test_a_token_is_json_that_nobody_keeps(warehouse: Software) -> None:
    """RFC 6749 §5.1."""
    answer = warehouse.token(**GRANT)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    assert not answer.cookies


@pytest.mark.parametrize("path", ["/token/", "/token/x", "/Token"])
def test_no_other_address_leads_to_the_token_endpoint(warehouse: Software, path: str) -> None:
    assert warehouse.post(path, **GRANT).status_code in {403, 404}


# ---- The ways of authentication ---------------------------------------------------------------------------


def test_a_client_authenticates_in_the_header(warehouse: Software) -> None:
    """RFC 6749 §2.3.1, client_secret_basic."""
    assert post("/token", authorization=warehouse.authorization, **GRANT).status_code == 200


def test_a_client_authenticates_in_the_body(warehouse: Software) -> None:
    """RFC 6749 §2.3.1, client_secret_post."""
    answer = post("/token", client_id=warehouse.client_id, client_secret=warehouse.secret, **GRANT)
    assert answer.status_code == 200


def test_a_client_may_say_the_same_in_header_and_body(warehouse: Software) -> None:
    """Our leniency beyond RFC 6749 §2.3: many libraries send both."""
    assert warehouse.token(client_id=warehouse.client_id, client_secret=warehouse.secret, **GRANT).status_code == 200


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
def test_the_scheme_has_no_case(warehouse: Software, scheme: str) -> None:
    """RFC 9110 §11.1."""
    authorization = warehouse.authorization.replace("Basic", scheme)
    assert post("/token", authorization=authorization, **GRANT).status_code == 200


def test_a_form_encoded_secret_in_the_header_is_decoded(warehouse: Software) -> None:
    """RFC 6749 §2.3.1 and Appendix B: oauth4webapi escapes every `-` and `_`, most clients nothing at all."""
    secret = warehouse.secret.replace("_", "%5F")
    for client_id in (warehouse.client_id, warehouse.client_id.replace("-", "%2D")):
        assert post("/token", authorization=basic(client_id, secret), **GRANT).status_code == 200


def test_a_secret_in_the_body_is_decoded_once_only(warehouse: Software) -> None:
    answer = post("/token", client_id=warehouse.client_id, client_secret=warehouse.secret.replace("_", "%5F"), **GRANT)
    assert_error(answer, "invalid_client", 401)


@pytest.mark.parametrize(
    "body",
    [
        {"client_id": "00000000-0000-0000-0000-000000000000"},
        {"client_id": "{id}", "client_secret": "rts_wrong"},
        {"client_secret": "rts_wrong"},
    ],
)
def test_header_and_body_that_differ_are_refused_though_one_is_right(warehouse: Software, body: dict[str, str]) -> None:
    """RFC 6749 §2.3: MUST NOT use more than one method."""
    body = {name: value.format(id=warehouse.client_id) for name, value in body.items()}
    assert_error(warehouse.token(**body, **GRANT), "invalid_request")


def test_a_wrong_header_is_not_saved_by_a_right_body(warehouse: Software) -> None:
    wrong = basic(warehouse.client_id, secret_format.generate())
    answer = post("/token", authorization=wrong, client_id=warehouse.client_id, client_secret=warehouse.secret, **GRANT)
    assert_error(answer, "invalid_request")


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic YWJj",
        "Basic YTpi=",
        "Basic YTp i",
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"\x00:\x00").decode(),
        "Basic " + base64.b64encode(b"a" * 100_000 + b":b").decode(),
        "Bearer abc",
        'Digest username="a"',
        "Basicabc",
        "\u00ff",
    ],
)
def test_a_malformed_authorization_header_is_an_unknown_client(warehouse: Software, authorization: str) -> None:
    """RFC 7617 §2; even where the body would do."""
    answer = post(
        "/token",
        authorization=authorization,
        client_id=warehouse.client_id,
        client_secret=warehouse.secret,
        **GRANT,
    )
    assert answer.status_code in {400, 401}
    assert answer.json()["error"] in {"invalid_client", "invalid_request"}


def test_nobody_is_told_how_to_authenticate(db: None) -> None:
    """RFC 6749 §5.2: 401 with the scheme that the client can use."""
    answer = post("/token", **GRANT)
    assert_error(answer, "invalid_client", 401)
    assert answer["WWW-Authenticate"].startswith("Basic realm=")


# ---- Who is refused, and that nobody learns why -----------------------------------------------------------


def unknown_client() -> Software:
    return Software("7b0e6d0a-3c53-4a5e-9c7e-4a3c0b1f2d10", secret_format.generate())


def wrong_secret() -> Software:
    return Software(software(ClientCredentialFactory()).client_id, secret_format.generate())


def mistyped_secret() -> Software:
    client = software(ClientCredentialFactory())
    return Software(client.client_id, client.secret[:-1])


def paused() -> Software:
    client = ClientCredentialFactory()
    found = software(client)
    ClientCredential.objects.filter(pk=client.pk).update(paused_at=timezone.now())
    return found


def deleted() -> Software:
    client = ClientCredentialFactory()
    found = software(client)
    ClientCredential.objects.filter(pk=client.pk).update(deleted_at=timezone.now())
    return found


def closed_seller() -> Software:
    return software(ClientCredentialFactory(seller=SellerFactory(closed=True)))


def ended_secret() -> Software:
    found = software(ClientCredentialFactory())
    ClientSecret.objects.filter(client__client_id=found.client_id).update(ends_at=timezone.now())
    return found


def somebody_elses_secret() -> Software:
    mine, other = software(ClientCredentialFactory()), software(ClientCredentialFactory())
    return Software(mine.client_id, other.secret)


def stored_hash_as_secret() -> Software:
    found = software(ClientCredentialFactory())
    return Software(found.client_id, ClientSecret.objects.get(client__client_id=found.client_id).hash)


def never_revealed() -> Software:
    return Software(ClientCredentialFactory().client_id, secret_format.generate())


def id_of_no_shape() -> Software:
    return Software("' OR 1=1 --", secret_format.generate())


def upper_case_id() -> Software:
    found = software(ClientCredentialFactory())
    return Software(found.client_id.upper(), found.secret)


REFUSED = [
    unknown_client,
    wrong_secret,
    mistyped_secret,
    paused,
    deleted,
    closed_seller,
    ended_secret,
    somebody_elses_secret,
    stored_hash_as_secret,
    never_revealed,
    id_of_no_shape,
    upper_case_id,
]


@pytest.mark.django_db
@pytest.mark.parametrize("make", REFUSED)
def test_all_bad_clients_get_the_same_answer_for_the_same_work(make: Callable[[], Software]) -> None:
    """RFC 6749 §5.2; what the answer and its cost do not tell, nobody can probe for (V6.3.8, CWE-208)."""
    expected = unknown_client().token(**GRANT)
    client = make()
    # The first refusal of a minute is written down for the seller to see.
    assert client.token(**GRANT).content == expected.content
    with CaptureQueriesContext(connection) as queries:
        answer = client.token(**GRANT)
    assert_error(answer, "invalid_client", 401)
    assert answer.content == expected.content
    assert all(answer[name] == value for name, value in expected.items() if name != "X-Request-ID")
    # What no secret can look like is known for it without a query, whoever sends it.
    assert len(queries) == secret_format.is_well_formed(client.secret)


@pytest.mark.parametrize("form", [{}, {"client_secret": ""}])
def test_an_id_alone_does_not_do_for_a_client_with_a_secret(warehouse: Software, form: dict[str, str]) -> None:
    """RFC 6749 §2.3.1."""
    assert_error(post("/token", client_id=warehouse.client_id, **form, **GRANT), "invalid_client", 401)
    assert_error(post("/token", authorization=basic(warehouse.client_id, ""), **GRANT), "invalid_client", 401)


def test_an_id_alone_does_not_do_for_a_client_without_any_secret(db: None) -> None:
    """A trap of django-oauth-toolkit: a blank stored secret equals a blank sent one."""
    client_id = ClientCredentialFactory().client_id
    assert_error(post("/token", client_id=client_id, client_secret="", **GRANT), "invalid_client", 401)
    assert_error(post("/token", authorization=basic(client_id, ""), **GRANT), "invalid_client", 401)


@pytest.mark.django_db
def test_a_public_client_is_known_by_its_id_alone() -> None:
    """RFC 6749 §3.2.1; `invalid_grant` tells that the client came in."""
    party = ThirdPartyFactory(public=True)
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    assert_error(post("/token", client_id=party.client_id, **form), "invalid_grant")
    assert_error(post("/token", authorization=basic(party.client_id, ""), **form), "invalid_grant")


@pytest.mark.django_db
def test_a_public_client_has_no_secret_that_could_be_right() -> None:
    party = ThirdPartyFactory(public=True)
    authorization = basic(party.client_id, secret_format.generate())
    answer = post("/token", authorization=authorization, grant_type="refresh_token", refresh_token="x")
    assert_error(answer, "invalid_client", 401)


# ---- Several secrets, several hash keys -------------------------------------------------------------------


def test_an_older_secret_works_until_its_end_and_not_a_second_longer(
    warehouse: Software, row: ClientCredential, time_machine: TimeMachineFixture
) -> None:
    now = timezone.now().replace(microsecond=0)
    time_machine.move_to(now, tick=False)
    end = now + dt.timedelta(hours=24)
    ClientSecret.objects.filter(client=row).update(ends_at=end)
    newer = secret_format.generate()
    ClientSecretFactory(client=row, plaintext=newer)
    time_machine.move_to(end - dt.timedelta(seconds=1), tick=False)
    assert warehouse.token(**GRANT).status_code == 200
    time_machine.move_to(end, tick=False)
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)
    assert Software(warehouse.client_id, newer).token(**GRANT).status_code == 200


def test_a_secret_survives_a_new_hash_key_but_not_the_end_of_its_own(warehouse: Software, settings: Settings) -> None:
    old = settings.SECRET_HASH_KEYS
    settings.SECRET_HASH_KEYS = f"{keys.new_hash_key()} {old}"
    assert warehouse.token(**GRANT).status_code == 200
    settings.SECRET_HASH_KEYS = keys.new_hash_key()
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)


def test_the_stored_hash_depends_on_the_key(warehouse: Software, row: ClientCredential) -> None:
    """A copy of the table proves nothing about a guessed secret."""
    stored = ClientSecret.objects.get(client=row).hash
    other = keys.parse_hash_keys(keys.new_hash_key())[0]
    assert stored.rpartition("$")[2] != other.hash(warehouse.secret).rpartition("$")[2]
    assert warehouse.secret not in stored


# ---- Where parameters may stand ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "body"), [("", BODY), (f"?{BODY}", ""), (f"?{BODY}", BODY)], ids=["body", "url", "both"]
)
def test_the_grant_type_may_stand_in_the_url_the_body_or_both(warehouse: Software, query: str, body: str) -> None:
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
def test_grant_types_that_differ_or_stand_twice_in_one_place_are_refused(
    warehouse: Software, query: str, body: str
) -> None:
    """RFC 6749 §3.2."""
    assert_error(send(f"/token{query}", body, authorization=warehouse.authorization), "invalid_request")


@pytest.mark.parametrize("name", ["scope", "client_id", "client_secret", "code", "redirect_uri", "anything", ""])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_no_other_parameter_may_stand_twice(warehouse: Software, name: str, path: str) -> None:
    """RFC 6749 §3.2, though both be equal; in either place."""
    body = f"{BODY}&token=x&{name}=a&{name}=a"
    assert_error(send(path, body, authorization=warehouse.authorization), "invalid_request")


def test_a_parameter_may_not_stand_in_the_url_and_in_the_body(warehouse: Software) -> None:
    body = f"{BODY}&scope=RETAILER"
    assert_error(send("/token?scope=RETAILER", body, authorization=warehouse.authorization), "invalid_request")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "multipart/form-data", "x", ";;;"])
@pytest.mark.parametrize("body", ["", "[object Object]"])
def test_a_grant_type_in_the_url_makes_up_for_an_odd_body(warehouse: Software, content_type: str, body: str) -> None:
    """The commonest form in the wild, and the commonest mistake beside it."""
    answer = send(f"/token?{BODY}", body, content_type=content_type, authorization=warehouse.authorization)
    assert answer.status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/html"])
def test_parameters_are_read_from_forms_only(warehouse: Software, content_type: str) -> None:
    """RFC 6749 §3.2: a form body; nothing else is guessed at."""
    body = '{"grant_type": "client_credentials"}' if "json" in content_type else BODY
    answer = send("/token", body, content_type=content_type, authorization=warehouse.authorization)
    assert_error(answer, "invalid_request")


def test_a_charset_in_the_content_type_changes_nothing(warehouse: Software) -> None:
    for charset in ("utf-8", "UTF-8", "iso-8859-1", "no-such-charset"):
        content_type = f"{FORM}; charset={charset}"
        assert send("/token", BODY, content_type=content_type, authorization=warehouse.authorization).status_code == 200


@pytest.mark.parametrize(
    "name", ["client_secret", "code", "refresh_token", "access_token", "code_verifier", "token", "password"]
)
@pytest.mark.parametrize("path", ENDPOINTS)
def test_secrets_in_the_url_are_refused_and_not_logged(warehouse: Software, path: str, name: str) -> None:
    """RFC 6750 §2.3, RFC 9700 §4.3.2."""
    value = "geheim-" + secret_format.generate()
    with listening(everything=True) as log:
        assert_error(send(f"{path}?{name}={value}", BODY, authorization=warehouse.authorization), "invalid_request")
    assert "request" in log.getvalue()
    assert value not in log.getvalue()
    assert "geheim" not in log.getvalue()


def test_no_log_line_holds_a_secret_or_a_token(warehouse: Software) -> None:
    with listening(everything=True) as log:
        token = warehouse.access_token()
        Software(warehouse.client_id, warehouse.secret[:-1]).token(**GRANT)
    assert "request" in log.getvalue()
    for secret in (warehouse.secret[4:-1], token, warehouse.authorization.removeprefix("Basic ")):
        assert secret not in log.getvalue()


# ---- What is ignored --------------------------------------------------------------------------------------

# What oauthlib's request, or our validator, keeps under names that a client could send.
INTERNAL_NAMES = ["client", "user", "scopes", "rights", "grant", "authorization", "extra_credentials", "expires_in"]
INTERNAL_NAMES += ["subject_claims", "headers", "http_method", "uri", "body", "_params", "response_type"]


def test_blank_parameters_are_as_good_as_absent(warehouse: Software) -> None:
    """RFC 6749 §3.2."""
    assert warehouse.token(scope="", client_id="", client_secret="", code="", **GRANT).json()["scope"] == "RETAILER"


@pytest.mark.parametrize("name", [*INTERNAL_NAMES, "anything", "resource", "audience"])
def test_parameters_nobody_knows_are_ignored(warehouse: Software, name: str) -> None:
    """RFC 6749 §3.2."""
    answer = send("/token", f"{BODY}&{name}=x", authorization=warehouse.authorization)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}


# ---- Grant types ------------------------------------------------------------------------------------------


def test_a_missing_grant_type_is_an_invalid_request(warehouse: Software) -> None:
    """RFC 6749 §5.2."""
    assert_error(warehouse.token(), "invalid_request")
    assert_error(warehouse.token(grant_type=""), "invalid_request")


@pytest.mark.parametrize(
    "grant_type",
    [
        "password",
        "implicit",
        "token",
        "code",
        "none",
        "openid",
        "CLIENT_CREDENTIALS",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "x" * 10_000,
    ],
)
def test_a_grant_type_that_is_off_is_unsupported(warehouse: Software, party: Software, grant_type: str) -> None:
    """RFC 9700 §2.1.2 and §2.4; openid is one that oauthlib takes for a code grant."""
    form = {"grant_type": grant_type, "code": "x", "username": "a", "password": "b", "device_code": "x"}
    assert_error(warehouse.token(**form), "unsupported_grant_type")
    assert_error(party.token(**form), "unsupported_grant_type")


@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token"])
def test_a_sellers_own_client_has_no_other_grant(warehouse: Software, grant_type: str) -> None:
    """RFC 6749 §5.2 unauthorized_client."""
    answer = warehouse.token(grant_type=grant_type, code="x", refresh_token="x", redirect_uri="x")
    assert_error(answer, "unauthorized_client")


def test_a_third_party_gets_no_tokens_of_its_own(party: Software) -> None:
    assert_error(party.token(**GRANT), "unauthorized_client")


@pytest.mark.parametrize("grant_type", ["client_credentials", "authorization_code", "refresh_token"])
def test_a_resource_server_gets_no_tokens_at_all(gateway: Software, grant_type: str) -> None:
    answer = gateway.token(grant_type=grant_type, code="x", refresh_token="x", redirect_uri="x")
    assert_error(answer, "unauthorized_client")


# ---- Hostile bytes ----------------------------------------------------------------------------------------

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


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bodies_are_refused_in_json(warehouse: Software, path: str, body: bytes) -> None:
    """V2.2.1: 4xx, on every database; 5xx would be a crash that somebody can cause."""
    for authorization in (warehouse.authorization, ""):
        answer = send(path, body, authorization=authorization)
        assert answer.status_code in {400, 401}
        assert answer.json()["error"] in ERRORS
        assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("query", ["a=%00", "a=%ff", "a=%ed%a0%80", "a=\u00e9", "&".join(["a=b"] * 300), "a" * 20_000])
def test_hostile_addresses_are_refused_in_json(warehouse: Software, path: str, query: str) -> None:
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
def test_a_broken_multipart_body_is_refused_in_json(warehouse: Software, content_type: str) -> None:
    answer = send("/token", b"--x\r\n\r\n", content_type=content_type, authorization=warehouse.authorization)
    assert_error(answer, "invalid_request")


# ---- Use --------------------------------------------------------------------------------------------------


def test_a_use_is_noted_once_a_minute(
    warehouse: Software, row: ClientCredential, time_machine: TimeMachineFixture
) -> None:
    start = timezone.now().replace(microsecond=0)
    seen = []
    for seconds in (0, 59, 60):
        time_machine.move_to(start + dt.timedelta(seconds=seconds), tick=False)
        assert warehouse.token(**GRANT).status_code == 200
        seen.append((ClientSecret.objects.get(client=row).last_used_at or start) - start)
    assert seen == [dt.timedelta(0), dt.timedelta(0), dt.timedelta(seconds=60)]


def test_a_refusal_is_not_a_use(warehouse: Software, row: ClientCredential) -> None:
    Software(warehouse.client_id, secret_format.generate()).token(**GRANT)
    assert ClientSecret.objects.get(client=row).last_used_at is None


@pytest.mark.django_db
def test_every_kind_of_client_authenticates_alike(seller: Seller) -> None:
    """One door: a deleted resource server is as unknown as a deleted credential."""
    server = ResourceServerFactory()
    gateway = Software(server.client_id, server.reveal(by=Actor()))
    assert gateway.post("/introspect", token="x").json() == {"active": False}
    type(server).objects.filter(pk=server.pk).update(deleted_at=timezone.now())
    assert_error(gateway.post("/introspect", token="x"), "invalid_client", 401)


def test_headers_that_cannot_be_read_are_counted_too(warehouse: Software) -> None:
    """RFC 6749 §10.10: nobody guesses for free by writing badly."""
    statuses = [send("/token", BODY, authorization="Basic !!!").status_code for _ in range(FAILURES_PER_CLIENT + 1)]
    assert statuses == [401] * FAILURES_PER_CLIENT + [429]
    assert warehouse.token(**GRANT).status_code == 200

"""Client authentication at the token endpoints (RFC 6749 §2.3, §5.2)."""

import base64
import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings
from time_machine import TimeMachineFixture

from accounts.models import Actor, Seller
from apicredentials.keys import secret_format
from apicredentials.keys.hash_keys import new_hash_key, parse_hash_keys
from apicredentials.models import ClientCredential, ClientSecret
from apicredentials.oauth.throttle import FAILURES_PER_CLIENT
from tests.factories import (
    ClientCredentialFactory,
    ClientSecretFactory,
    ResourceServerFactory,
    SellerFactory,
    ThirdPartyFactory,
)
from tests.oauth.flow import BODY, GRANT, Software, assert_error, basic, post, send, software

UNKNOWN = "7b0e6d0a-3c53-4a5e-9c7e-4a3c0b1f2d10"


@pytest.fixture
def row(warehouse: Software) -> ClientCredential:
    found: ClientCredential = ClientCredential.objects.get(client_id=warehouse.client_id)
    return found


# ---- Methods of authentication ----------------------------------------------------------------------------


def test_client_authenticates_in_the_header(warehouse: Software) -> None:
    """RFC 6749 §2.3.1, client_secret_basic."""
    assert post("/token", authorization=warehouse.authorization, **GRANT).status_code == 200


def test_client_authenticates_in_the_body(warehouse: Software) -> None:
    """RFC 6749 §2.3.1, client_secret_post."""
    answer = post("/token", client_id=warehouse.client_id, client_secret=warehouse.secret, **GRANT)
    assert answer.status_code == 200


def test_client_may_repeat_the_same_secret_in_the_body(warehouse: Software) -> None:
    """More lenient than RFC 6749 §2.3, because many libraries send both."""
    assert warehouse.token(client_id=warehouse.client_id, client_secret=warehouse.secret, **GRANT).status_code == 200


def test_scheme_is_case_insensitive(warehouse: Software) -> None:
    """RFC 9110 §11.1."""
    for scheme in ("basic", "BASIC", "bAsIc"):
        authorization = warehouse.authorization.replace("Basic", scheme)
        assert post("/token", authorization=authorization, **GRANT).status_code == 200


def test_form_encoded_secret_in_the_header_is_decoded(warehouse: Software) -> None:
    """RFC 6749 §2.3.1 and Appendix B: oauth4webapi escapes every `-` and `_`; most clients escape nothing."""
    secret = warehouse.secret.replace("_", "%5F")
    for client_id in (warehouse.client_id, warehouse.client_id.replace("-", "%2D")):
        assert post("/token", authorization=basic(client_id, secret), **GRANT).status_code == 200


def test_secret_in_the_body_is_decoded_only_once(warehouse: Software) -> None:
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
def test_different_credentials_in_header_and_body_are_refused(warehouse: Software, body: dict[str, str]) -> None:
    """RFC 6749 §2.3: a client MUST NOT use more than one method. One of the two is valid here."""
    body = {name: value.format(id=warehouse.client_id) for name, value in body.items()}
    assert_error(warehouse.token(**body, **GRANT), "invalid_request")


def test_wrong_header_is_refused_despite_a_valid_body(warehouse: Software) -> None:
    wrong = basic(warehouse.client_id, secret_format.generate())
    answer = post("/token", authorization=wrong, client_id=warehouse.client_id, client_secret=warehouse.secret, **GRANT)
    assert_error(answer, "invalid_request")


def test_malformed_basic_header_is_refused_despite_a_valid_body(warehouse: Software) -> None:
    """RFC 7617 §2."""
    in_body = {"client_id": warehouse.client_id, "client_secret": warehouse.secret}
    encoded = [b"\xff\xfe:\xff", b"\x00:\x00", b"a" * 100_000 + b":b"]
    for value in ("", " ", "!!!!", "YWJj", "YTpi=", "YTp i", *(base64.b64encode(each).decode() for each in encoded)):
        answer = post("/token", authorization=f"Basic {value}", **in_body, **GRANT)
        assert answer.status_code in {400, 401}, value
        assert answer.json()["error"] in {"invalid_client", "invalid_request"}


@pytest.mark.parametrize("authorization", ["Bearer old-token", 'Digest username="a"', "\u00ff"])
def test_header_with_another_scheme_does_not_authenticate(
    warehouse: Software, gateway: Software, authorization: str
) -> None:
    """HTTP sessions may add such a header to every request, so it is ignored if the body has valid credentials."""
    for client, path in ((warehouse, "/token"), (warehouse, "/revoke"), (gateway, "/introspect")):
        form = GRANT if path == "/token" else {"token": "x"}
        in_body = {"client_id": client.client_id, "client_secret": client.secret}
        assert post(path, authorization=authorization, **in_body, **form).status_code == 200
        assert_error(post(path, authorization=authorization, **form), "invalid_client", 401)


@pytest.mark.django_db
def test_public_client_may_send_a_header_with_another_scheme() -> None:
    app = software(ThirdPartyFactory(public=True))
    assert post("/revoke", authorization="Bearer x", client_id=app.client_id, token="x").status_code == 200


def test_missing_authentication_gets_a_challenge(db: None) -> None:
    """RFC 6749 §5.2: 401 with the scheme that the client can use."""
    answer = post("/token", **GRANT)
    assert_error(answer, "invalid_client", 401)
    assert answer["WWW-Authenticate"].startswith("Basic realm=")


# ---- Refused clients --------------------------------------------------------------------------------------


def changed(**values: object) -> Software:
    """Return software whose credential has these values."""
    client = ClientCredentialFactory()
    found = software(client)
    ClientCredential.objects.filter(pk=client.pk).update(**values)
    return found


def ended_secret() -> Software:
    found = changed()
    ClientSecret.objects.filter(client__client_id=found.client_id).update(ends_at=timezone.now())
    return found


def stored_hash_as_secret() -> Software:
    found = changed()
    return replace(found, secret=ClientSecret.objects.get(client__client_id=found.client_id).hash)


def upper_case_id() -> Software:
    found = changed()
    return replace(found, client_id=found.client_id.upper())


REFUSED: dict[str, Callable[[], Software]] = {
    "unknown client": lambda: Software(UNKNOWN, secret_format.generate()),
    "wrong secret": lambda: replace(changed(), secret=secret_format.generate()),
    "mistyped secret": lambda: replace(changed(), secret=secret_format.generate()[:-1]),
    "paused": lambda: changed(paused_at=timezone.now()),
    "deleted": lambda: changed(deleted_at=timezone.now()),
    "closed seller": lambda: software(ClientCredentialFactory(seller=SellerFactory(closed=True))),
    "ended secret": ended_secret,
    "secret of another client": lambda: replace(changed(), secret=changed().secret),
    "stored hash as secret": stored_hash_as_secret,
    "never revealed": lambda: Software(ClientCredentialFactory().client_id, secret_format.generate()),
    "malformed id": lambda: Software("' OR 1=1 --", secret_format.generate()),
    "upper-case id": upper_case_id,
}


@pytest.mark.django_db
@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_all_refused_clients_get_the_same_response_and_cost(make: Callable[[], Software]) -> None:
    """RFC 6749 §5.2; neither the response nor its cost reveals which clients exist (V6.3.8, CWE-208)."""
    expected = REFUSED["unknown client"]().token(**GRANT)
    client = make()
    with CaptureQueriesContext(connection) as queries:
        answer = client.token(**GRANT)
    assert_error(answer, "invalid_client", 401)
    assert answer.content == expected.content
    assert all(answer[name] == value for name, value in expected.items() if name != "X-Request-ID")
    # A malformed secret is refused without a query, whichever client sends it.
    assert len(queries) == secret_format.is_well_formed(client.secret)


@pytest.mark.parametrize("form", [{}, {"client_secret": ""}])
def test_client_with_a_secret_must_send_it(warehouse: Software, form: dict[str, str]) -> None:
    """RFC 6749 §2.3.1."""
    assert_error(post("/token", client_id=warehouse.client_id, **form, **GRANT), "invalid_client", 401)
    assert_error(post("/token", authorization=basic(warehouse.client_id, ""), **GRANT), "invalid_client", 401)


def test_client_without_a_secret_yet_cannot_authenticate(db: None) -> None:
    """django-oauth-toolkit compares a blank stored secret with a blank sent one, and accepts it."""
    client_id = ClientCredentialFactory().client_id
    assert_error(post("/token", client_id=client_id, client_secret="", **GRANT), "invalid_client", 401)
    assert_error(post("/token", authorization=basic(client_id, ""), **GRANT), "invalid_client", 401)


@pytest.mark.django_db
def test_public_client_sends_its_id_only() -> None:
    """RFC 6749 §3.2.1; `invalid_grant` shows that the client was accepted."""
    party = ThirdPartyFactory(public=True)
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    assert_error(post("/token", client_id=party.client_id, **form), "invalid_grant")
    assert_error(post("/token", authorization=basic(party.client_id, ""), **form), "invalid_grant")


@pytest.mark.django_db
def test_public_client_with_a_secret_is_refused() -> None:
    party = ThirdPartyFactory(public=True)
    authorization = basic(party.client_id, secret_format.generate())
    answer = post("/token", authorization=authorization, grant_type="refresh_token", refresh_token="x")
    assert_error(answer, "invalid_client", 401)


# ---- Several secrets, several hash keys -------------------------------------------------------------------


def test_older_secret_works_until_exactly_its_end(
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


def test_secret_works_as_long_as_its_hash_key_is_configured(warehouse: Software, settings: Settings) -> None:
    old = settings.SECRET_HASH_KEYS
    settings.SECRET_HASH_KEYS = f"{new_hash_key()} {old}"
    assert warehouse.token(**GRANT).status_code == 200
    settings.SECRET_HASH_KEYS = new_hash_key()
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)


def test_stored_hash_depends_on_the_key(warehouse: Software, row: ClientCredential) -> None:
    """Without the key, a copy of the table cannot confirm a guessed secret."""
    stored = ClientSecret.objects.get(client=row).hash
    other = parse_hash_keys(new_hash_key())[0]
    assert stored.rpartition("$")[2] != other.hash(warehouse.secret).rpartition("$")[2]
    assert warehouse.secret not in stored


# ---- Use --------------------------------------------------------------------------------------------------


def test_use_is_stored_once_a_minute(
    warehouse: Software, row: ClientCredential, time_machine: TimeMachineFixture
) -> None:
    start = timezone.now().replace(microsecond=0)
    seen = []
    for seconds in (0, 59, 60):
        time_machine.move_to(start + dt.timedelta(seconds=seconds), tick=False)
        assert warehouse.token(**GRANT).status_code == 200
        seen.append((ClientSecret.objects.get(client=row).last_used_at or start) - start)
    assert seen == [dt.timedelta(0), dt.timedelta(0), dt.timedelta(seconds=60)]


def test_refusal_is_not_a_use(warehouse: Software, row: ClientCredential) -> None:
    Software(warehouse.client_id, secret_format.generate()).token(**GRANT)
    assert ClientSecret.objects.get(client=row).last_used_at is None


@pytest.mark.django_db
def test_resource_server_authenticates_like_other_clients(seller: Seller) -> None:
    """A deleted resource server is refused like a deleted credential."""
    server = ResourceServerFactory()
    gateway = Software(server.client_id, server.reveal(by=Actor()))
    assert gateway.post("/introspect", token="x").json() == {"active": False}
    type(server).objects.filter(pk=server.pk).update(deleted_at=timezone.now())
    assert_error(gateway.post("/introspect", token="x"), "invalid_client", 401)


def test_malformed_headers_are_counted_as_failures(warehouse: Software) -> None:
    """RFC 6749 §10.10: malformed headers must not bypass the throttle."""
    statuses = [send("/token", BODY, authorization="Basic !!!").status_code for _ in range(FAILURES_PER_CLIENT + 1)]
    assert statuses == [401] * FAILURES_PER_CLIENT + [429]
    assert warehouse.token(**GRANT).status_code == 200

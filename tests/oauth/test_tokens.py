"""Access tokens: verification by an independent library, and forgeries (RFC 9068, RFC 7515, RFC 8725)."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from pytest_django.fixtures import Settings
from time_machine import TimeMachineFixture

from apicredentials.keys.key_entries import b64url, b64url_decode
from apicredentials.keys.signing_keys import SigningKey, new_signing_key, parse_signing_keys
from apicredentials.oauth import access_tokens
from tests.oauth.flow import ISSUER, Software, claims, rights, verify

type Claims = dict[str, Any]


def published() -> KeySet:
    return KeySet.import_key_set(Client().get("/.well-known/jwks.json").json())


def own_key(settings: Settings) -> SigningKey:
    return parse_signing_keys(settings.TOKEN_SIGNING_KEYS)[0]


def signed(header: Claims, stated: Claims, sign: Callable[[bytes], bytes]) -> str:
    """Return a JWS in compact form (RFC 7515 §7.1), built without a library."""
    signing_input = ".".join(b64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, stated))
    return f"{signing_input}.{b64url(sign(signing_input.encode()))}"


def sign_raw(key: SigningKey) -> Callable[[bytes], bytes]:
    """Sign any bytes with our key, under any header."""
    return partial(key.registry.get_alg(key.algorithm).sign, key=key.jwk)


@pytest.fixture
def token(warehouse: Software) -> str:
    return warehouse.access_token()


@pytest.fixture
def key(settings: Settings) -> SigningKey:
    return own_key(settings)


# ---- Independent verification -----------------------------------------------------------------------------


def test_independent_library_verifies_a_token_with_the_published_keys(token: str) -> None:
    """RFC 9068 §4: header, signature, issuer, audience and time."""
    decoded = jwt.decode(token, published(), algorithms=["ES256"])
    assert decoded.header == {"alg": "ES256", "kid": "development", "typ": "at+jwt"}
    essential: dict[str, Any] = {name: {"essential": True} for name in ("sub", "exp", "iat", "jti", "client_id")}
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": ISSUER}, **essential
    )
    registry.validate(decoded.claims)


def test_token_of_a_party_is_verified_in_the_same_way(tokens: Claims) -> None:
    decoded = jwt.decode(tokens["access_token"], published(), algorithms=["ES256"])
    assert decoded.claims == claims(tokens["access_token"])


def test_rs256_key_is_used_if_configured(warehouse: Software, settings: Settings) -> None:
    settings.TOKEN_SIGNING_KEYS = new_signing_key("RS256")
    token = warehouse.access_token()
    assert jwt.decode(token, published(), algorithms=["RS256"]).header["alg"] == "RS256"
    assert verify(token).status_code == 204


def test_token_of_an_older_key_is_valid_while_the_key_is_configured(
    warehouse: Software, token: str, settings: Settings
) -> None:
    old = settings.TOKEN_SIGNING_KEYS
    settings.TOKEN_SIGNING_KEYS = f"{new_signing_key()},{old}"
    newer = warehouse.access_token()
    assert jwt.decode(newer, published(), algorithms=["ES256"]).header["kid"] != "development"
    assert [verify(each).status_code for each in (token, newer)] == [204, 204]
    settings.TOKEN_SIGNING_KEYS = settings.TOKEN_SIGNING_KEYS.split(",")[0]
    assert [verify(each).status_code for each in (token, newer)] == [401, 204]


# ---- Forgeries --------------------------------------------------------------------------------------------


def public_pem(key: SigningKey) -> bytes:
    return key.jwk.as_pem(private=False)


def test_hand_made_token_with_our_key_is_valid(token: str, key: SigningKey) -> None:
    """This shows that the forgeries below fail for their defect, not for the way in which they are built."""
    header = {"alg": "ES256", "kid": key.id, "typ": "at+jwt"}
    assert verify(signed(header, claims(token), sign_raw(key))).status_code == 204


def test_algorithm_named_by_the_token_is_ignored(token: str, key: SigningKey) -> None:
    """RFC 8725 §3.1, §2.1: signed with nothing, with the public key as HMAC secret, and with our key."""
    signatures = (lambda data: b"", partial(hmac.digest, public_pem(key), digest="sha256"), sign_raw(key))
    for alg in ("none", "None", "NONE", "", "HS256", "ES384", "RS256", "PS256", "EdDSA"):
        for sign in signatures:
            forged = signed({"alg": alg, "kid": key.id, "typ": "at+jwt"}, claims(token), sign)
            assert verify(forged).status_code == 401


def test_hmac_with_our_public_key_is_refused_with_our_header(token: str, key: SigningKey) -> None:
    for secret in (public_pem(key), json.dumps(key.public_jwk).encode(), key.id.encode(), b""):
        forged = signed(key.header, claims(token), partial(hmac.digest, secret, digest="sha256"))
        assert verify(forged).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"typ": "JWT"},
        {"typ": "id_token+jwt"},
        {"typ": None},
        {"kid": "another"},
        {"kid": None},
        {"crit": ["exp"]},
        {"b64": False},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert"},
    ],
)
def test_another_header_is_refused_despite_a_valid_signature(token: str, key: SigningKey, change: Claims) -> None:
    """RFC 9068 §4, RFC 8725 §3.11: a JWT of another type is not an access token."""
    header = {"alg": "ES256", "kid": key.id, "typ": "at+jwt"} | change
    forged = signed({name: value for name, value in header.items() if value is not None}, claims(token), sign_raw(key))
    assert verify(forged).status_code == 401


def test_key_in_the_token_header_is_ignored(token: str) -> None:
    """RFC 8725 §3.10, and the `jwk` header of RFC 7515 §4.1.3."""
    foreign = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "kid": "development", "typ": "at+jwt", "jwk": foreign.as_dict(private=False)}
    assert verify(jwt.encode(header, claims(token), foreign)).status_code == 401


def test_signature_of_another_key_is_refused(token: str) -> None:
    header = {"alg": "ES256", "kid": "development", "typ": "at+jwt"}
    assert verify(jwt.encode(header, claims(token), ECKey.generate_key("P-256"))).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example"},
        {"iss": f"{ISSUER}/"},
        {"aud": "https://andere-api.example"},
        {"aud": f"{ISSUER}/"},
        {"exp": 0},
        {"exp": -1},
    ],
)
def test_invalid_issuer_audience_or_time_is_refused_despite_a_valid_signature(
    token: str, key: SigningKey, change: Claims
) -> None:
    """RFC 9068 §4."""
    header = {"alg": "ES256", "kid": key.id, "typ": "at+jwt"}
    assert verify(signed(header, claims(token) | change, sign_raw(key))).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "7b0e6d0a-3c53-4a5e-9c7e-4a3c0b1f2d10"},
        {"scope": "orders:manage"},
        {"exp": 9_999_999_999},
        {"jti": "x"},
    ],
)
def test_altered_token_is_refused(token: str, change: Claims) -> None:
    header, _, signature = token.split(".")
    payload = b64url(json.dumps(claims(token) | change, separators=(",", ":")).encode())
    assert verify(f"{header}.{payload}.{signature}").status_code == 401


@given(data=st.data())
@hypothesis_settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changing_any_character_of_a_token_invalidates_it(key: SigningKey, data: st.DataObject) -> None:
    """Including the last characters of its signature, because base64url has one encoding only."""
    made = access_tokens.sign(
        {"iss": ISSUER, "aud": ISSUER, "exp": int(time.time()) + 60, "jti": "x", "client_id": "x"}
    )
    assert access_tokens.verify(made)
    position = data.draw(st.integers(0, len(made) - 1))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\x00é"
    other = data.draw(st.sampled_from(alphabet).filter(lambda character: character != made[position]))
    with pytest.raises(access_tokens.InvalidToken):
        access_tokens.verify(made[:position] + other + made[position + 1 :])


def test_malformed_token_is_refused() -> None:
    dots = ("", ".", "..", "...", "." * 10_000)
    for broken in (*dots, "a.b.c", "a.b", "\0.\0.\0", "é.é.é", "\ufffd", "=.=.=", "e30.e30.e30", "a" * 100_000):
        with pytest.raises(access_tokens.InvalidToken):
            access_tokens.verify(broken)


def test_longer_or_shorter_signature_is_refused(token: str) -> None:
    head, _, signature = token.rpartition(".")
    raw = b64url_decode(signature)
    assert verify(f"{head}.{b64url(raw)}").status_code == 204
    for forged in (raw + b"\0", raw[:-1], raw[:32], b"", bytes(64), raw[32:] + raw[:32]):
        assert verify(f"{head}.{b64url(forged)}").status_code == 401


def test_signature_in_der_is_refused(token: str, key: SigningKey) -> None:
    """RFC 7518 §3.4: the signature is the concatenation of R and S."""
    head, _, _ = token.rpartition(".")
    jws = base64.urlsafe_b64encode(b"\x30\x44\x02\x20" + bytes(32) + b"\x02\x20" + bytes(32)).decode()
    assert verify(f"{head}.{jws}").status_code == 401


# ---- Time -------------------------------------------------------------------------------------------------


def test_token_expires_on_the_second(warehouse: Software, time_machine: TimeMachineFixture) -> None:
    """RFC 9068 §4: the current time MUST be before `exp`."""
    time_machine.move_to(timezone.now().replace(microsecond=0), tick=False)
    token = warehouse.access_token()
    time_machine.shift(298.999)
    assert rights(token)
    time_machine.shift(0.001)
    assert rights(token) == ""

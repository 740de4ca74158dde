"""Access tokens: JWTs of RFC 9068, signed here and checked here.

Signing and checking are the hot path, and the format is one of ours: a token's header is, byte for byte, one
that a key of ours writes, so a look-up of the header settles `alg`, `kid` and `typ` at once, and no `alg` that
a token names is ever obeyed (RFC 8725 §3.1). Tests verify the tokens with an independent library.
"""

import base64
import datetime as dt
import json
import time
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog
from cryptography.exceptions import InvalidSignature
from django.conf import settings
from django.utils import timezone

from apicredentials.keys import keyring
from apicredentials.keys.key_entries import b64url, b64url_decode
from apicredentials.keys.signing_keys import signing_keys_by_header

log = structlog.get_logger("portal.security")

# Kept, for `json.dumps` makes one anew each time that it is told how to separate.
_encode = json.JSONEncoder(separators=(",", ":")).encode

CLIENT_CREDENTIALS_SECONDS = 299
AUTHORIZATION_CODE_SECONDS = 599


class InvalidToken(Exception):
    """Not a token of this server, or altered."""


@dataclass
class ExpiredToken(InvalidToken):
    """A token of this server whose time is over; `expired_at` is in seconds since the epoch."""

    expired_at: int


def sign(claims: dict[str, Any]) -> str:
    """Return a signed access token with these claims (RFC 7515 §7.1)."""
    key = keyring.signing_key()
    payload = base64.urlsafe_b64encode(_encode(claims).encode()).rstrip(b"=")
    signing_input = key.jws_header + b"." + payload
    return f"{signing_input.decode()}.{b64url(key.sign(signing_input))}"


def verify(token: str) -> dict[str, Any]:
    """Return the claims of a valid token; raise InvalidToken, or ExpiredToken when only its time is over."""
    try:
        claims = _signed_claims(token, keyring.text_of("TOKEN_SIGNING_KEYS"))
    except (KeyError, ValueError, InvalidSignature) as error:
        raise InvalidToken from error
    if claims["iss"] != settings.ISSUER_URL or claims["aud"] != settings.RESOURCE_URL:
        raise InvalidToken
    if claims["exp"] <= time.time():
        raise ExpiredToken(claims["exp"])
    return claims


@lru_cache(maxsize=4096)
def _signed_claims(token: str, signing_keys: str) -> dict[str, Any]:
    """Return the claims that one of these keys has signed.

    Kept for the tokens seen last: a signature that was right stays right, and clients send a token many times.
    Time, revocation and rights are asked anew each time.
    """
    signing_input, _, signature = token.encode("ascii").rpartition(b".")
    header, _, payload = signing_input.partition(b".")
    key = signing_keys_by_header(signing_keys)[header]
    key.verify(b64url_decode(signature.decode()), signing_input)
    claims: dict[str, Any] = json.loads(b64url_decode(payload.decode()))
    return claims


def issue(client_id: str, grant_type: str, *, scope: str, seconds: int, claims: dict[str, Any]) -> str:
    """Return a new access token for a request that was found good, and write that down (RFC 9068 §2.2)."""
    now, jti = int(time.time()), str(uuid.uuid4())
    log.info("authn_token_created", client_id=client_id, grant_type=grant_type, jti=jti)
    return sign(
        {
            "iss": settings.ISSUER_URL,
            "aud": settings.RESOURCE_URL,
            "iat": now,
            "exp": now + seconds,
            "jti": jti,
            "client_id": client_id,
            "scope": scope,
            **claims,
        }
    )


def seconds_until(ends_at: dt.datetime) -> int:
    """Return how long a third party's token lives: never past the end of its authorisation."""
    left = int((ends_at - timezone.now()).total_seconds())
    return max(0, min(AUTHORIZATION_CODE_SECONDS, left))

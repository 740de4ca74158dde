"""Access tokens: signing and verification (RFC 9068)."""

import datetime as dt
import json
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils import timezone
from joserfc.errors import JoseError

from apicredentials.keys import keyring
from apicredentials.keys.signing_keys import signing_keys_by_header

# Reuse one encoder: json.dumps(separators=…) builds a new one on every call.
_encode = json.JSONEncoder(separators=(",", ":")).encode

CLIENT_CREDENTIALS_SECONDS = 299
AUTHORIZATION_CODE_SECONDS = 599


class InvalidToken(Exception):
    """Not a token of this server, or altered."""


@dataclass
class ExpiredToken(InvalidToken):
    """A token of this server past its end; `expired_at` is in seconds since the epoch."""

    expired_at: int


def sign(claims: dict[str, Any]) -> str:
    """Return a signed access token with these claims."""
    return keyring.signing_key().sign(_encode(claims).encode())


def verify(token: str) -> dict[str, Any]:
    """Return the claims of a valid token; raise InvalidToken, or ExpiredToken if only its time is over."""
    try:
        claims = _signed_claims(token, keyring.text_of("TOKEN_SIGNING_KEYS"))
    except (KeyError, ValueError, JoseError) as error:
        raise InvalidToken from error
    if claims["iss"] != settings.ISSUER_URL or claims["aud"] != settings.RESOURCE_URL:
        raise InvalidToken
    if claims["exp"] <= time.time():
        raise ExpiredToken(claims["exp"])
    return claims


@lru_cache(maxsize=4096)
def _signed_claims(token: str, signing_keys: str) -> dict[str, Any]:
    """Return the claims signed with one of these keys.

    The key is found by the whole encoded header, so `alg`, `kid` and `typ` are exactly those of our own tokens
    (RFC 8725 §3.1). Cached because clients send a token many times; time and revocation are checked every time.
    """
    key = signing_keys_by_header(signing_keys)[token.partition(".")[0]]
    claims: dict[str, Any] = json.loads(key.verify(token))
    return claims


def issue(client_id: str, jti: str, *, scope: str, seconds: int, claims: dict[str, Any]) -> str:
    """Return a new access token (RFC 9068 §2.2)."""
    now = int(time.time())
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
    """Return the lifetime of a third party's token, which ends with its authorisation at the latest."""
    left = int((ends_at - timezone.now()).total_seconds())
    return max(0, min(AUTHORIZATION_CODE_SECONDS, left))

"""Signing keys for access tokens, as JWKs (TOKEN_SIGNING_KEYS)."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.exceptions import ImproperlyConfigured
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from apicredentials.keys.key_entries import format_entry, new_key_id, parse_entries

MINIMUM_RSA_BITS = 2048


@dataclass(frozen=True)
class SigningKey:
    """A private key, bound to one algorithm; `id` is its `kid`."""

    id: str
    jwk: ECKey | RSAKey = field(repr=False)
    starts_at: int = 0

    @cached_property
    def algorithm(self) -> str:
        """The JWS `alg` of this type of key."""
        return "ES256" if isinstance(self.jwk, ECKey) else "RS256"

    @cached_property
    def registry(self) -> jws.JWSRegistry:
        """The one algorithm that joserfc may use with this key, whichever a token names (RFC 8725 §3.1)."""
        return jws.JWSRegistry(algorithms=[self.algorithm])

    @cached_property
    def header(self) -> dict[str, Any]:
        """The header of every access token signed with this key (RFC 9068 §2.1)."""
        return {"alg": self.algorithm, "kid": self.id, "typ": "at+jwt"}

    @cached_property
    def encoded_header(self) -> str:
        """The header, encoded as in those tokens."""
        return self.sign(b"").partition(".")[0]

    @cached_property
    def public_jwk(self) -> dict[str, Any]:
        """The public half as a JWK (RFC 7517), without private members."""
        return self.jwk.as_dict(private=False, kid=self.id, use="sig", alg=self.algorithm)

    def sign(self, payload: bytes) -> str:
        """Return a signed token (RFC 7515 §7.1)."""
        return jws.serialize_compact(self.header, payload, self.jwk, registry=self.registry)

    def verify(self, token: str) -> bytes:
        """Return the payload of a token that this key signed; raise JoseError if it did not."""
        return jws.deserialize_compact(token, self.jwk, registry=self.registry).payload


@lru_cache(maxsize=8)
def parse_signing_keys(text: str) -> tuple[SigningKey, ...]:
    """Parse TOKEN_SIGNING_KEYS; raise ImproperlyConfigured when it is empty, malformed or weak."""
    entries = parse_entries(text, "TOKEN_SIGNING_KEYS")
    return tuple(SigningKey(key_id, _jwk(der), starts_at) for key_id, starts_at, der in entries)


@lru_cache(maxsize=8)
def signing_keys_by_header(text: str) -> dict[str, SigningKey]:
    """Return the keys by the encoded header of their tokens."""
    return {key.encoded_header: key for key in parse_signing_keys(text)}


def _jwk(der: bytes) -> ECKey | RSAKey:
    try:
        key = serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured("TOKEN_SIGNING_KEYS: a key is not a PKCS#8 private key.") from error
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return ECKey(key, None)
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= MINIMUM_RSA_BITS:
        return RSAKey(key, None)
    raise ImproperlyConfigured(
        f"TOKEN_SIGNING_KEYS: a key is neither P-256 nor RSA of {MINIMUM_RSA_BITS} bits or more."
    )


def new_signing_key(algorithm: str = "ES256", *, starts_at: int = 0) -> str:
    """Return one fresh entry for TOKEN_SIGNING_KEYS; `algorithm` is ES256 or RS256."""
    key = ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(3072)
    return format_entry(new_key_id(), key.as_der(private=True), starts_at)


def development_signing_keys(seed: str) -> str:
    """Return TOKEN_SIGNING_KEYS for DEBUG: the same in every process and not secret."""
    number = int.from_bytes(hashlib.sha256(f"sign {seed}".encode()).digest(), "big")
    key = ECKey(ec.derive_private_key(number >> 1, ec.SECP256R1()), None)
    return format_entry("development", key.as_der(private=True))

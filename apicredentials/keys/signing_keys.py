"""Signing keys: private keys for access tokens and their public JWKs (TOKEN_SIGNING_KEYS)."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from django.core.exceptions import ImproperlyConfigured

from apicredentials.keys.key_entries import b64url, format_entry, new_key_id, parse_entries

type PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

MINIMUM_RSA_BITS = 2048


@dataclass(frozen=True)
class SigningKey:
    """A key for access tokens; `id` is its `kid`."""

    id: str
    private_key: PrivateKey
    starts_at: int = 0

    @cached_property
    def algorithm(self) -> str:
        """The JWS `alg` that this kind of key signs with."""
        return "ES256" if isinstance(self.private_key, ec.EllipticCurvePrivateKey) else "RS256"

    @cached_property
    def public_key(self) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
        """The half that verifies."""
        return self.private_key.public_key()

    @cached_property
    def public_jwk(self) -> dict[str, Any]:
        """The public half as a JWK (RFC 7517), without any private member."""
        common = {"kid": self.id, "use": "sig", "alg": self.algorithm}
        public = self.public_key.public_numbers()
        if isinstance(public, ec.EllipticCurvePublicNumbers):
            return {"kty": "EC", "crv": "P-256", "x": _octets(public.x, 32), "y": _octets(public.y, 32)} | common
        return {"kty": "RSA", "n": _octets(public.n), "e": _octets(public.e)} | common

    def sign(self, data: bytes) -> bytes:
        """Return the raw JWS signature of `data` (RFC 7518 §3.3: R and S side by side, not DER)."""
        if isinstance(self.private_key, ec.EllipticCurvePrivateKey):
            r, s = utils.decode_dss_signature(self.private_key.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return self.private_key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raise InvalidSignature unless `signature` is a raw JWS signature of `data` by this key."""
        if isinstance(self.public_key, ec.EllipticCurvePublicKey):
            if len(signature) != 64:
                raise InvalidSignature
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            self.public_key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        else:
            self.public_key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())

    @cached_property
    def jws_header(self) -> bytes:
        """The encoded header of every access token signed with this key (RFC 9068 §2.1)."""
        header = {"alg": self.algorithm, "kid": self.id, "typ": "at+jwt"}
        return b64url(json.dumps(header, separators=(",", ":")).encode()).encode()


@lru_cache(maxsize=8)
def parse_signing_keys(text: str) -> tuple[SigningKey, ...]:
    """Parse TOKEN_SIGNING_KEYS; raise ImproperlyConfigured when it is empty, malformed or weak."""
    entries = parse_entries(text, "TOKEN_SIGNING_KEYS")
    return tuple(SigningKey(key_id, _private_key(der), starts_at) for key_id, starts_at, der in entries)


@lru_cache(maxsize=8)
def signing_keys_by_header(text: str) -> dict[bytes, SigningKey]:
    """Return the keys by the one JWS header that each of them writes."""
    return {key.jws_header: key for key in parse_signing_keys(text)}


def _private_key(der: bytes) -> PrivateKey:
    try:
        key = serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured("TOKEN_SIGNING_KEYS: a key is not a PKCS#8 private key.") from error
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= MINIMUM_RSA_BITS:
        return key
    raise ImproperlyConfigured(
        f"TOKEN_SIGNING_KEYS: a key is neither P-256 nor RSA of {MINIMUM_RSA_BITS} bits or more."
    )


def new_signing_key(algorithm: str = "ES256", *, starts_at: int = 0) -> str:
    """Return one fresh entry for TOKEN_SIGNING_KEYS; `algorithm` is ES256 or RS256."""
    if algorithm == "ES256":
        return format_entry(new_key_id(), _der(ec.generate_private_key(ec.SECP256R1())), starts_at)
    return format_entry(new_key_id(), _der(rsa.generate_private_key(public_exponent=65537, key_size=3072)), starts_at)


def development_signing_keys(seed: str) -> str:
    """Return TOKEN_SIGNING_KEYS for DEBUG: the same in every process, worthless to protect anything."""
    number = int.from_bytes(hashlib.sha256(f"sign {seed}".encode()).digest(), "big")
    return format_entry("development", _der(ec.derive_private_key(number >> 1, ec.SECP256R1())))


def _der(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _octets(number: int, length: int | None = None) -> str:
    return b64url(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))

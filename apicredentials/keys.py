"""The keys that hash client secrets and the keys that sign access tokens.

Both come from the environment, or from files it names, in one form: `<id>[@<starts at>]:<base64url>`, several
separated by commas or white space. The **first** whose start (seconds since the epoch) has come makes new hashes
or signatures; all of them verify, so a new key can be known everywhere before it is used anywhere.

A hash key is 32 random bytes for HMAC-SHA-256. A signing key is a PKCS#8 private key in DER: an EC key on
P-256 signs ES256, an RSA key of at least 2048 bits signs RS256 (RFC 7518 §3.3, §3.4).
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from django.core.exceptions import ImproperlyConfigured

type PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

HASH_KEY_BYTES = 32
MINIMUM_RSA_BITS = 2048
MINIMUM_SECRET_KEY_LENGTH = 50
ENTRY = re.compile(r"(?P<id>[A-Za-z0-9._-]{1,32})(@(?P<starts_at>[0-9]{1,12}))?:(?P<value>[A-Za-z0-9_=-]+)")


def b64url(data: bytes) -> str:
    """Encode without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text: str) -> bytes:
    """Decode base64url without padding; raise ValueError on anything else.

    The last character may hold bits that decode to nothing: they must be zero, or one signature would have
    several spellings.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if b64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


# ---- Hash keys --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HashKey:
    """A key for keyed hashes of client secrets."""

    id: str
    key: bytes = field(repr=False)
    starts_at: int = 0

    def hash(self, plaintext: str) -> str:
        """Return `hmac_sha256$<key id>$<hex>`.

        A fast function is right here: the input is 256 random bits and more, not a person's password
        (NIST SP 800-63B §3.1.2 asks for an approved one-way function only, from 112 bits on).
        """
        return f"hmac_sha256${self.id}${hmac.digest(self.key, plaintext.encode(), 'sha256').hex()}"

    def derive(self, *parts: str) -> bytes:
        """Return 32 bytes that only the holder of this key can compute from `parts`."""
        return hmac.digest(self.key, "\0".join(parts).encode(), "sha256")


@lru_cache(maxsize=8)
def parse_hash_keys(text: str) -> tuple[HashKey, ...]:
    """Parse SECRET_HASH_KEYS; raise ImproperlyConfigured when it is empty, malformed or weak."""
    keys = tuple(HashKey(key_id, key, starts_at) for key_id, starts_at, key in _parse(text, "SECRET_HASH_KEYS"))
    if any(len(key.key) < HASH_KEY_BYTES for key in keys):
        raise ImproperlyConfigured(f"SECRET_HASH_KEYS: a key is shorter than {HASH_KEY_BYTES} bytes.")
    return keys


# ---- Signing keys -----------------------------------------------------------------------------------------


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
    entries = _parse(text, "TOKEN_SIGNING_KEYS")
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


# ---- Making and checking them -----------------------------------------------------------------------------


def new_secret_key() -> str:
    """Return a value for Django's SECRET_KEY."""
    return secrets.token_urlsafe(64)


def new_hash_key(*, starts_at: int = 0) -> str:
    """Return one fresh entry for SECRET_HASH_KEYS."""
    return _entry(_new_id(), secrets.token_bytes(HASH_KEY_BYTES), starts_at)


def new_signing_key(algorithm: str = "ES256", *, starts_at: int = 0) -> str:
    """Return one fresh entry for TOKEN_SIGNING_KEYS; `algorithm` is ES256 or RS256."""
    if algorithm == "ES256":
        return _entry(_new_id(), _der(ec.generate_private_key(ec.SECP256R1())), starts_at)
    return _entry(_new_id(), _der(rsa.generate_private_key(public_exponent=65537, key_size=3072)), starts_at)


def with_new_key(text: str, entry: str, *, needed_seconds: float, now: float) -> str:
    """Return the keys of `text` with `entry` before them, less those no longer needed.

    A key is needed until `needed_seconds` after the one before it in the list has started.
    """
    entries = text.replace(",", " ").split()
    started = [int((ENTRY.fullmatch(each) or {"starts_at": 0})["starts_at"] or 0) for each in entries]
    kept = [each for i, each in enumerate(entries) if i == 0 or started[i - 1] + needed_seconds > now]
    return ",".join([entry, *kept])


def development_hash_keys(seed: str) -> str:
    """Return SECRET_HASH_KEYS for DEBUG: the same in every process, worthless to protect anything."""
    return f"development:{b64url(hashlib.sha256(f'hash {seed}'.encode()).digest())}"


def development_signing_keys(seed: str) -> str:
    """Return TOKEN_SIGNING_KEYS for DEBUG: the same in every process, worthless to protect anything."""
    number = int.from_bytes(hashlib.sha256(f"sign {seed}".encode()).digest(), "big")
    return _entry("development", _der(ec.derive_private_key(number >> 1, ec.SECP256R1())))


def require_strong(secret_key: str, hash_keys: str, signing_keys: str) -> None:
    """Raise ImproperlyConfigured, in one line that says what to do, on a missing or weak key."""
    hint = "Run 'manage.py generate_keys' for fresh ones."
    for name, value in (
        ("SECRET_KEY", secret_key),
        ("SECRET_HASH_KEYS", hash_keys),
        ("TOKEN_SIGNING_KEYS", signing_keys),
    ):
        if not value:
            raise ImproperlyConfigured(f"{name} is not set. {hint}")
    if len(secret_key) < MINIMUM_SECRET_KEY_LENGTH:
        raise ImproperlyConfigured(f"SECRET_KEY is weak: shorter than {MINIMUM_SECRET_KEY_LENGTH} characters. {hint}")
    if len(set(secret_key)) < 5 or secret_key.startswith("django-insecure-"):
        raise ImproperlyConfigured(f"SECRET_KEY is weak: easy to guess. {hint}")
    parse_hash_keys(hash_keys)
    parse_signing_keys(signing_keys)


def _parse(text: str, name: str) -> Iterator[tuple[str, int, bytes]]:
    entries = [ENTRY.fullmatch(entry) for entry in text.replace(",", " ").split()]
    ids = [entry["id"] for entry in entries if entry]
    if not ids or len(set(ids)) != len(entries):
        # An entry that does not match is missing among the ids.
        raise ImproperlyConfigured(f"{name} must be '<id>:<base64url>' entries, each with an id of its own.")
    for entry in filter(None, entries):
        try:
            yield entry["id"], int(entry["starts_at"] or 0), b64url_decode(entry["value"])
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: the key '{entry['id']}' is not base64url.") from error


def _entry(key_id: str, value: bytes, starts_at: int = 0) -> str:
    return f"{key_id}{f'@{starts_at}' if starts_at else ''}:{b64url(value)}"


def _der(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _new_id() -> str:
    return f"{dt.datetime.now(dt.UTC):%Y%m%d}-{secrets.token_hex(3)}"


def _octets(number: int, length: int | None = None) -> str:
    return b64url(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))

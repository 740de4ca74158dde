"""Hashes: keyed ones for client secrets (SECRET_HASH_KEYS), plain digests for codes and refresh tokens."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured

from apicredentials.keys.key_entries import b64url, format_entry, new_key_id, parse_entries

HASH_KEY_BYTES = 32


def digest(plaintext: str) -> str:
    """Return the SHA-256 in hex.

    Codes and refresh tokens are stored as digests, which is enough for 256 random bits. The digest of a client
    secret is its fingerprint, with which a found secret can be reported without repeating it.
    """
    return hashlib.sha256(plaintext.encode()).hexdigest()


@dataclass(frozen=True)
class HashKey:
    id: str
    key: bytes = field(repr=False)
    starts_at: int = 0

    def hash(self, plaintext: str) -> str:
        """Return `hmac_sha256$<key id>$<hex>`.

        A fast function is enough because the input has more than 256 random bits: from 112 bits on, NIST SP
        800-63B §3.1.2 requires only an approved one-way function.
        """
        return f"hmac_sha256${self.id}${hmac.digest(self.key, plaintext.encode(), 'sha256').hex()}"

    def derive(self, *parts: str) -> bytes:
        """Return 32 bytes derived from `parts` with this key."""
        return hmac.digest(self.key, "\0".join(parts).encode(), "sha256")


@lru_cache(maxsize=8)
def parse_hash_keys(text: str) -> tuple[HashKey, ...]:
    """Parse SECRET_HASH_KEYS; raise ImproperlyConfigured when it is empty, malformed or weak."""
    keys = tuple(HashKey(key_id, key, starts_at) for key_id, starts_at, key in parse_entries(text, "SECRET_HASH_KEYS"))
    if any(len(key.key) < HASH_KEY_BYTES for key in keys):
        raise ImproperlyConfigured(f"SECRET_HASH_KEYS: a key is shorter than {HASH_KEY_BYTES} bytes.")
    return keys


def new_hash_key(*, starts_at: int = 0) -> str:
    """Return one fresh entry for SECRET_HASH_KEYS."""
    return format_entry(new_key_id(), secrets.token_bytes(HASH_KEY_BYTES), starts_at)


def development_hash_keys(seed: str) -> str:
    """Return SECRET_HASH_KEYS for DEBUG: the same in every process and not secret."""
    return f"development:{b64url(hashlib.sha256(f'hash {seed}'.encode()).digest())}"

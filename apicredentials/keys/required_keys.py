"""The keys that the portal requires at start."""

import secrets

from django.core.exceptions import ImproperlyConfigured

from apicredentials.keys.hash_keys import parse_hash_keys
from apicredentials.keys.signing_keys import parse_signing_keys

MINIMUM_SECRET_KEY_LENGTH = 50


def new_secret_key() -> str:
    """Return a value for Django's SECRET_KEY."""
    return secrets.token_urlsafe(64)


def require_strong(secret_key: str, hash_keys: str, signing_keys: str) -> None:
    """Raise ImproperlyConfigured with one line that says what to do about a missing or weak key."""
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

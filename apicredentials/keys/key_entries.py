"""Entries of a key setting: `<id>[@<starts_at>]:<base64url>`, separated by commas or white space."""

import base64
import binascii
import datetime as dt
import re
import secrets
from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured

ENTRY = re.compile(r"(?P<id>[A-Za-z0-9._-]{1,32})(@(?P<starts_at>[0-9]{1,12}))?:(?P<value>[A-Za-z0-9_=-]+)")


def b64url(data: bytes) -> str:
    """Encode without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text: str) -> bytes:
    """Decode base64url without padding; raise ValueError on anything else.

    The unused bits of the last character must be zero, so that there is one encoding only (RFC 4648 §3.5).
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if b64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


def parse_entries(text: str, name: str) -> Iterator[tuple[str, int, bytes]]:
    entries = [ENTRY.fullmatch(entry) for entry in text.replace(",", " ").split()]
    ids = [entry["id"] for entry in entries if entry]
    if not ids or len(set(ids)) != len(entries):
        # An entry that does not match has no id.
        raise ImproperlyConfigured(f"{name} must be '<id>:<base64url>' entries, each with an id of its own.")
    for entry in filter(None, entries):
        try:
            yield entry["id"], int(entry["starts_at"] or 0), b64url_decode(entry["value"])
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: the key '{entry['id']}' is not base64url.") from error


def format_entry(key_id: str, value: bytes, starts_at: int = 0) -> str:
    return f"{key_id}{f'@{starts_at}' if starts_at else ''}:{b64url(value)}"


def new_key_id() -> str:
    return f"{dt.datetime.now(dt.UTC):%Y%m%d}-{secrets.token_hex(3)}"


def with_new_key(text: str, entry: str, *, needed_seconds: float, now: float) -> str:
    """Return the keys of `text` with `entry` before them, without those no longer needed.

    A key is needed until `needed_seconds` after the start of the key before it in the list.
    """
    entries = text.replace(",", " ").split()
    started = [int((ENTRY.fullmatch(each) or {"starts_at": 0})["starts_at"] or 0) for each in entries]
    kept = [each for i, each in enumerate(entries) if i == 0 or started[i - 1] + needed_seconds > now]
    return ",".join([entry, *kept])

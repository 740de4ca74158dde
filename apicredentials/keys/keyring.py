"""The current keys, from the environment or from a file that may change while the process runs."""

import os
import time
from pathlib import Path

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apicredentials.keys.hash_keys import HashKey, parse_hash_keys
from apicredentials.keys.key_entries import with_new_key
from apicredentials.keys.signing_keys import SigningKey, parse_signing_keys

log = structlog.get_logger("portal.keys")

# Each raises ImproperlyConfigured on an invalid list of keys and caches its results.
PARSERS = {"TOKEN_SIGNING_KEYS": parse_signing_keys, "SECRET_HASH_KEYS": parse_hash_keys}

# Per setting: (modification time, inode, size) and contents of its key file when it was last read.
_seen: dict[str, tuple[tuple[int, int, int], str]] = {}


def signing_keys() -> tuple[SigningKey, ...]:
    """Return all keys that may verify access tokens."""
    return parse_signing_keys(text_of("TOKEN_SIGNING_KEYS"))


def signing_key() -> SigningKey:
    """Return the key that signs new access tokens."""
    return _current(signing_keys())


def hash_keys() -> tuple[HashKey, ...]:
    """Return all keys that stored hashes may have been made with."""
    return parse_hash_keys(text_of("SECRET_HASH_KEYS"))


def hash_key() -> HashKey:
    """Return the key for new hashes."""
    return _current(hash_keys())


def _current[Key: (HashKey, SigningKey)](ring: tuple[Key, ...]) -> Key:
    now = time.time()
    return next((key for key in ring if key.starts_at <= now), ring[-1])


def text_of(name: str) -> str:
    """Return the current value of the setting `name`, reading its file again after a change.

    One `stat` per call costs a microsecond and lets every process load a new key without a restart. When the file is
    missing, unreadable or cut short, the last valid contents stay in use, because a backup tool or an editor must
    not stop signing.
    """
    path = getattr(settings, f"{name}_FILE")
    if not path:
        return str(getattr(settings, name))
    try:
        status = os.stat(path)  # noqa: PTH116 - on the hot path
        looks = (status.st_mtime_ns, status.st_ino, status.st_size)
        if name not in _seen or _seen[name][0] != looks:
            text = Path(path).read_text(encoding="utf-8-sig")
            PARSERS[name](text)
            _seen[name] = looks, text
    except (OSError, UnicodeDecodeError, ImproperlyConfigured) as error:
        log.error("key_file_unreadable", name=name, reason=type(error).__name__)
    return _seen[name][1] if name in _seen else str(getattr(settings, name))


def rotate(name: str, entry: str, *, needed_seconds: float) -> str:
    """Put a new key before those of the setting `name` and return them all.

    Keys in a file are in use at once. Keys in the environment must be changed there, and every process restarted
    before the new key starts.
    """
    text = with_new_key(text_of(name), entry, needed_seconds=needed_seconds, now=time.time())
    if getattr(settings, f"{name}_FILE"):
        _replace(name, text)
    return text


def _replace(name: str, text: str) -> None:
    """Replace the file of the setting `name` atomically."""
    path = Path(getattr(settings, f"{name}_FILE"))
    status = path.stat()
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chown(fresh, status.st_uid, status.st_gid)
    fresh.chmod(status.st_mode & 0o777)
    fresh.replace(path)

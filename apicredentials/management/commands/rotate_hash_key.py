"""A new key for the hashes of client secrets."""

from math import inf
from typing import Any

from apicredentials.keys.hash_keys import new_hash_key
from apicredentials.management.key_rotation import KeyRotationCommand


class Command(KeyRotationCommand):
    help = (
        "Make a new key for the hashes of new client secrets, in use from one minute later. Secrets made before keep "
        "working: their keys are never dropped. Acts at once when SECRET_HASH_KEYS_FILE is set; otherwise it prints "
        "the line to put in the environment."
    )
    setting = "SECRET_HASH_KEYS"
    starts_after_seconds = 60
    needed_seconds = inf

    def new_entry(self, starts_at: int, **options: Any) -> str:
        """Return a fresh hash key."""
        return new_hash_key(starts_at=starts_at)

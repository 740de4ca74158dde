"""Adds a key for the hashes of client secrets."""

from math import inf
from typing import Any

from apicredentials.keys.hash_keys import new_hash_key
from apicredentials.management.key_rotation import KeyRotationCommand


class Command(KeyRotationCommand):
    help = (
        "Create a new key for the hashes of client secrets. New secrets use it from one minute later. Existing "
        "secrets keep working, because their keys are never removed. Changes the file when SECRET_HASH_KEYS_FILE is "
        "set; otherwise prints the line to put in the environment."
    )
    setting = "SECRET_HASH_KEYS"
    starts_after_seconds = 60
    needed_seconds = inf

    def new_entry(self, starts_at: int, **options: Any) -> str:
        return new_hash_key(starts_at=starts_at)

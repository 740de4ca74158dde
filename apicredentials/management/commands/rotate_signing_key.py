"""Adds a key for the signatures of access tokens."""

from typing import Any

from django.core.management.base import CommandParser

from apicredentials.keys.signing_keys import new_signing_key
from apicredentials.management.key_rotation import KeyRotationCommand
from apicredentials.oauth.access_tokens import AUTHORIZATION_CODE_SECONDS


class Command(KeyRotationCommand):
    help = (
        "Create a new token-signing key. It is published immediately and signs new tokens from ten minutes later. "
        "The old key verifies tokens until the last one it signed has expired, and is removed at the next rotation. "
        "Changes the file when TOKEN_SIGNING_KEYS_FILE is set; otherwise prints the line to put in the environment."
    )
    setting = "TOKEN_SIGNING_KEYS"
    # Gateways may cache the published keys for five minutes.
    starts_after_seconds = 600
    needed_seconds = AUTHORIZATION_CODE_SECONDS + 60

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--algorithm", choices=["ES256", "RS256"], default="ES256", help="Default: ES256.")

    def new_entry(self, starts_at: int, **options: Any) -> str:
        return new_signing_key(options["algorithm"], starts_at=starts_at)

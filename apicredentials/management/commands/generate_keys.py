"""Prints new keys for an environment file."""

from typing import Any

from django.core.management.base import CommandParser

from apicredentials.keys.hash_keys import new_hash_key
from apicredentials.keys.required_keys import new_secret_key
from apicredentials.keys.signing_keys import new_signing_key
from apicredentials.management.base import OneLineCommand


class Command(OneLineCommand):
    help = (
        "Print new SECRET_KEY, SECRET_HASH_KEYS and TOKEN_SIGNING_KEYS lines, ready for an environment file. Changes "
        "nothing: the keys take effect when a server starts with them."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--algorithm", choices=["ES256", "RS256"], default="ES256", help="Of token signatures. Default: ES256."
        )

    def handle(self, *args: Any, algorithm: str, **options: Any) -> None:
        self.stdout.write(f"SECRET_KEY={new_secret_key()}")
        self.stdout.write(f"SECRET_HASH_KEYS={new_hash_key()}")
        self.stdout.write(f"TOKEN_SIGNING_KEYS={new_signing_key(algorithm)}")

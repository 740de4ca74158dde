"""What is no longer needed."""

from typing import Any

from django.core.management.base import CommandParser

from apicredentials.management.base import PortalCommand
from apicredentials.management.retention import purge


class Command(PortalCommand):
    help = (
        "Throw away, at once and for good, what has had its time: expired codes, tokens and sessions, log rows and "
        "mail past 400 days, credentials deleted more than 30 days ago. In small batches; safe while the portal serves."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="Only say how many rows there are.")

    def act(self, *, dry_run: bool, **options: Any) -> dict[str, int]:
        """Purge, and return how many rows of what."""
        return dict(purge(dry_run=dry_run))

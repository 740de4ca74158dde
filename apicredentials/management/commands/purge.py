"""Deletes expired data."""

from typing import Any

from django.core.management.base import CommandParser

from apicredentials.management.base import PortalCommand
from apicredentials.management.retention import purge


class Command(PortalCommand):
    help = (
        "Delete expired data permanently: expired codes, tokens and sessions, log rows and mail older than 400 days, "
        "and credentials deleted more than 30 days ago. Takes effect immediately, in small batches; safe while the "
        "portal serves requests."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="Only count the rows.")

    def act(self, *, dry_run: bool, **options: Any) -> dict[str, int]:
        return dict(purge(dry_run=dry_run))

"""Deletes expired data."""

from typing import Any

from django.core.management.base import CommandParser

from apicredentials.management.base import PortalCommand
from apicredentials.management.retention import purge
from apicredentials.models import CommandRun


class Command(PortalCommand):
    help = (
        "Delete expired data permanently: expired codes, tokens, sessions and changes of address, log rows, mail and "
        "counts of use older than 400 days, and credentials deleted more than 30 days ago. Takes effect immediately, "
        "in small batches; safe while the portal serves requests."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="Only count the rows.")

    def act(self, *, dry_run: bool, **options: Any) -> dict[str, int]:
        purged = dict(purge(dry_run=dry_run))
        if not dry_run:
            CommandRun.objects.note("purge", sum(purged.values()))
        return purged

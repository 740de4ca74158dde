"""Reports leaked client secrets."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Actor
from apicredentials.keys import secret_format
from apicredentials.keys.hash_keys import digest
from apicredentials.management.base import PortalCommand, operator, standard_input
from apicredentials.models.leak_reports import find_secrets, report_leak


class Command(PortalCommand):
    help = (
        "Read leaked client secrets from standard input, one per line. Takes effect immediately: each secret stops "
        "working, the client that it belongs to is paused, and its owner gets a mail. Prints how many secrets were "
        "reported, how many stopped, how many are unknown, and whose they were; never prints a secret. Idempotent."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--found-at", metavar="ADDRESS", help="Where they were found; the owners read it.")
        parser.add_argument("--dry-run", action="store_true", help="Change nothing; print what would be printed.")

    def act(self, *, found_at: str | None, dry_run: bool, by: Actor, **options: Any) -> dict[str, Any]:
        reason = f"Gevonden op {found_at}." if found_at else "Het secret is gevonden waar het niet hoort."
        by = operator(reason, "--found-at")
        # Files concatenated on Windows have a byte order mark at the start of each.
        reported = {line.strip("\ufeff \t\r\n") for line in standard_input()} - {""}
        prints = [digest(secret) for secret in reported if secret_format.is_well_formed(secret)]
        found = list(find_secrets(prints))
        stopped = sum(secret.is_live for secret in found) if dry_run else report_leak(prints, by=by)
        return {
            "reported": len(reported),
            "stopped": stopped,
            "unknown": len(reported) - len(found),
            "owners": [
                {
                    "client_id": client.client_id,
                    "name": client.name,
                    "seller": client.seller.retailer_id if client.seller else None,
                }
                for client in dict.fromkeys(secret.client for secret in found)
            ],
        }

    def lines(self, data: dict[str, Any]) -> Iterable[str]:
        """Return one line per owner after the numbers."""
        yield from super().lines({name: value for name, value in data.items() if name != "owners"})
        for owner in data["owners"]:
            yield f"owner: {owner['client_id']}  {owner['seller'] or 'no seller'}  {owner['name']}"

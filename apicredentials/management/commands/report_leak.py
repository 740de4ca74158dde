"""Secrets that were found where they should not be."""

from typing import Any

from apicredentials.keys import secret_format
from apicredentials.management.base import PortalCommand, operator, standard_input
from apicredentials.models.client_secrets import fingerprint
from apicredentials.models.leak_reports import report_leak


class Command(PortalCommand):
    help = (
        "Read leaked client secrets from standard input, one per line. Takes effect immediately: each secret stops "
        "working, the credentials that it belongs to are paused, and their owner gets a mail. Prints how many "
        "secrets were known, and never prints a secret."
    )

    def act(self, **options: Any) -> dict[str, int]:
        """Report what stands on standard input."""
        # A file from Windows begins with a mark, which is not a part of its first secret.
        lines = [line.strip("\ufeff \t\r\n") for line in standard_input() if line.strip()]
        prints = [fingerprint(line) for line in lines if secret_format.is_well_formed(line)]
        stopped = report_leak(prints, by=operator("Het secret is gevonden waar het niet hoort."))
        return {"read": len(lines), "well_formed": len(prints), "stopped": stopped}

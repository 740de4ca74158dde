"""Secrets that were found where they should not be."""

from typing import Any

from apicredentials.keys import secret_format
from apicredentials.keys.hash_keys import digest
from apicredentials.management.base import PortalCommand, operator, standard_input
from apicredentials.models.leak_reports import report_leak


class Command(PortalCommand):
    help = (
        "Read leaked client secrets from standard input, one a line; stop each of them at once, pause its owner's "
        "credentials, and mail the owner. Prints how many were known and never repeats a secret."
    )

    def act(self, **options: Any) -> dict[str, int]:
        """Report what stands on standard input."""
        # A file from Windows begins with a mark, which is not a part of its first secret.
        lines = [line.strip("\ufeff \t\r\n") for line in standard_input() if line.strip()]
        prints = [digest(line) for line in lines if secret_format.is_well_formed(line)]
        stopped = report_leak(prints, by=operator("Het secret is gevonden waar het niet hoort."))
        return {"read": len(lines), "well_formed": len(prints), "stopped": stopped}

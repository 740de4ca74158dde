"""A third party that must lose its access."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from apicredentials.management.base import PortalCommand, find_seller, operator
from apicredentials.models import ThirdParty, ThirdPartyAuthorization


class Command(PortalCommand):
    help = (
        "Revoke a third party's access for one seller or for all sellers. Takes effect immediately: none of its "
        "tokens works for them any more. Only a new consent by the seller gives access again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("client_id", metavar="CLIENT_ID", help="The Client ID of the third party.")
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--seller", metavar="RETAILER_ID", help="Only the access to this seller.")
        whose.add_argument("--all-sellers", action="store_true", help="The access to every seller.")
        parser.add_argument("--reason", default="", help="Why; the sellers read it in the activity log.")
        parser.add_argument("--dry-run", action="store_true", help="Only say how many there are.")

    def act(self, *, client_id: str, reason: str, dry_run: bool, **options: Any) -> dict[str, Any]:
        """End them one by one, so that each has its own line in its seller's log."""
        party = ThirdParty.objects.filter(client_id=client_id).first()
        if party is None:
            raise CommandError(f"There is no third party {client_id!r}.")
        authorizations = ThirdPartyAuthorization.objects.filter(third_party=party, ended_at__isnull=True)
        if not options["all_sellers"]:
            authorizations = authorizations.filter(seller=find_seller(options["seller"]))
        by = operator(reason)
        found = list(authorizations.select_related("seller", "third_party"))
        for authorization in [] if dry_run else found:
            authorization.revoke(by=by)
        return {"client_id": party.client_id, "revoked": 0 if dry_run else len(found), "found": len(found)}

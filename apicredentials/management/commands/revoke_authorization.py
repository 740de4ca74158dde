"""Revokes the access of a third party."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Actor, Seller
from apicredentials.management.base import PortalCommand
from apicredentials.models import ThirdParty, ThirdPartyAuthorization


class Command(PortalCommand):
    help = (
        "Revoke a third party's access for one seller or for all sellers. Takes effect immediately: none of its "
        "tokens works for them any more. Only a new consent by the seller gives access again."
    )
    reason_required = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("client_id", metavar="CLIENT_ID", help="The Client ID of the third party.")
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--seller", metavar="RETAILER_ID", help="Only the access to this seller.")
        whose.add_argument("--all-sellers", action="store_true", help="The access to every seller.")
        parser.add_argument("--dry-run", action="store_true", help="Only count the authorisations.")

    def act(self, *, client_id: str, seller: str | None, dry_run: bool, by: Actor, **options: Any) -> dict[str, Any]:
        party: ThirdParty = self.find(ThirdParty.objects, client_id=client_id)
        authorizations = ThirdPartyAuthorization.objects.revocable().filter(third_party=party)
        if seller is not None:
            authorizations = authorizations.filter(seller=self.find(Seller.objects, retailer_id=seller))
        found = list(authorizations.select_related("seller", "third_party"))
        for authorization in [] if dry_run else found:
            authorization.revoke(by=by)
        return {"client_id": party.client_id, "revoked": 0 if dry_run else len(found), "found": len(found)}

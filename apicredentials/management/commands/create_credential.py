"""Creates a credential with its first secret."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from accounts.models import Actor, Seller
from apicredentials import names, scopes
from apicredentials.management.base import PortalCommand
from apicredentials.models import ClientCredential


class Command(PortalCommand):
    help = (
        "Create client credentials for a seller and print their secret, which is not stored and cannot be shown "
        "again. Takes effect immediately. The seller's activity log shows that an operator did this."
    )
    reason_required = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--seller", required=True, metavar="RETAILER_ID", help="The seller's number.")
        parser.add_argument("--name", required=True, help="A name that this seller does not use yet.")
        parser.add_argument(
            "--scope", action="append", default=[], help="A right, such as orders:read; may repeat. Default: all."
        )

    @transaction.atomic
    def act(self, *, seller: str, name: str, scope: list[str], by: Actor, **options: Any) -> dict[str, Any]:
        credential = ClientCredential(
            seller=self.find(Seller.objects, retailer_id=seller),
            name=names.clean_name(name),
            scope=scopes.join(scopes.clean(scope or scopes.ALL)),
        )
        credential.create(by=by)
        return {
            "client_id": credential.client_id,
            "client_secret": credential.reveal(by=by),
            "name": credential.name,
            "scopes": credential.rights,
        }

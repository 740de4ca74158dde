"""What client credentials there are."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser

from apicredentials.management.base import PortalCommand, find_seller
from apicredentials.models import ClientCredential, ClientSecret


class Command(PortalCommand):
    help = (
        "List the client credentials of one seller or of all sellers. Changes nothing, and prints no secrets because "
        "none are stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--seller", metavar="RETAILER_ID", help="Only those of this seller.")

    def act(self, *, seller: str | None, **options: Any) -> list[dict[str, Any]]:
        """Return them by seller, the newest first."""
        credentials = ClientCredential.objects.present()
        if seller is not None:
            credentials = credentials.filter(seller=find_seller(seller))
        credentials = credentials.with_details().select_related("seller")
        return [describe(credential) for credential in credentials.order_by("seller__retailer_id", "-pk")]

    def lines(self, data: Any) -> Iterable[str]:
        """Return one line for each."""
        for credential in data:
            used = credential["last_used_at"]
            yield "  ".join(
                [
                    credential["seller"],
                    credential["client_id"],
                    credential["state"],
                    f"last used {used:%Y-%m-%d %H:%M} UTC" if used else "never used",
                    credential["name"],
                ]
            )


def describe(credential: ClientCredential) -> dict[str, Any]:
    """Return what operators may know of a credential."""
    assert credential.seller is not None
    return {
        "client_id": credential.client_id,
        "name": credential.name,
        "seller": credential.seller.retailer_id,
        "state": "paused" if credential.paused_at else "active",
        "scopes": credential.rights,
        "created_at": credential.created,
        "last_used_at": credential.last_used_at,
        "secrets": [describe_secret(secret) for secret in credential.secrets.all()],
    }


def describe_secret(secret: ClientSecret) -> dict[str, Any]:
    """Return what tells one secret from another, and nothing that could be used."""
    return {
        "hint": secret.hint,
        "revealed_at": secret.created_at,
        "ends_at": secret.ends_at,
        "last_used_at": secret.last_used_at,
    }

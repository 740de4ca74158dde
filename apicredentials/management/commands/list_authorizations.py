"""Lists authorisations."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Seller
from apicredentials.management.base import PortalCommand
from apicredentials.models import ThirdParty, ThirdPartyAuthorization
from apicredentials.models.keyset import walk
from apicredentials.models.states import State


class Command(PortalCommand):
    help = "List the authorisations of one seller or party, or of all, with state and cause. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--seller", metavar="RETAILER_ID", help="Only those of this seller.")
        parser.add_argument("--party", metavar="CLIENT_ID", help="Only those of this third party.")
        parser.add_argument("--state", choices=State.values, help="Only those in this state.")

    def act(
        self, *, seller: str | None, party: str | None, state: str | None, **options: Any
    ) -> Iterator[dict[str, Any]]:
        authorizations = ThirdPartyAuthorization.objects.with_parties()
        if seller is not None:
            authorizations = authorizations.filter(seller=self.find(Seller.objects, retailer_id=seller))
        if party is not None:
            authorizations = authorizations.filter(third_party=self.find(ThirdParty.objects, client_id=party))
        if state is not None:
            authorizations = authorizations.in_state(State(state))
        return map(describe, walk(authorizations, "pk"))

    def lines(self, data: dict[str, Any]) -> Iterable[str]:
        state = f"{data['state']} ({data['cause']})" if data["cause"] else data["state"]
        end = f"until {data['expires_at']:%Y-%m-%d}"
        yield "  ".join([data["seller"], data["authorization_id"], state, end, data["party"]])


def describe(authorization: ThirdPartyAuthorization) -> dict[str, Any]:
    return {
        "authorization_id": authorization.uid,
        "party": authorization.third_party.name,
        "client_id": authorization.third_party.client_id,
        "seller": authorization.seller.retailer_id,
        "state": authorization.state,
        "cause": authorization.cause,
        "scopes": authorization.rights,
        "granted_by": authorization.granted_by.email if authorization.granted_by else None,
        "granted_at": authorization.granted_at,
        "expires_at": authorization.expires_at,
        "last_used_at": authorization.last_used_at,
    }

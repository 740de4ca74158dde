"""Lists client credentials."""

import datetime as dt
import re
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Q

from accounts.models import Actor, Seller
from apicredentials.management.base import PortalCommand
from apicredentials.models import ClientCredential, ClientSecret
from apicredentials.models.credential_filters import idle, in_state, never_used, secret_older_than
from apicredentials.models.credentials import IDLE_AFTER
from apicredentials.models.keyset import walk


def period(text: str) -> dt.timedelta:
    """Return a period such as 365d or 24h."""
    match = re.fullmatch(r"([0-9]{1,5})([dh])", text, re.ASCII)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is not a period such as 365d or 24h.")
    return dt.timedelta(**{"days" if match[2] == "d" else "hours": int(match[1])})


class Command(PortalCommand):
    help = (
        "List the client credentials of one seller or of all sellers. Changes nothing, and prints no secrets because "
        "none are stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--seller", metavar="RETAILER_ID", help="Only those of this seller.")
        parser.add_argument(
            "--state", choices=ClientCredential.State.values, help="Only those in this state. Default: all but deleted."
        )
        parser.add_argument(
            "--secret-older-than", type=period, metavar="PERIOD", help="Only those with a live secret older than 365d."
        )
        parser.add_argument(
            "--idle",
            type=period,
            nargs="?",
            const=IDLE_AFTER,
            metavar="PERIOD",
            help="Only those that were used once, but not in this period. Default: 90d.",
        )
        parser.add_argument("--never-used", action="store_true", help="Only those that were never used.")

    def act(self, *, seller: str | None, by: Actor, **options: Any) -> Iterator[dict[str, Any]]:
        wanted = in_state(options["state"]) if options["state"] else Q(deleted_at__isnull=True)
        # True for all, and makes an inner join: with an outer one, PostgreSQL sorts all rows before the first.
        wanted &= Q(seller__retailer_id__gt="")
        if seller is not None:
            wanted &= Q(seller=self.find(Seller.objects, retailer_id=seller))
        if options["secret_older_than"] is not None:
            wanted &= secret_older_than(options["secret_older_than"])
        if options["idle"] is not None:
            wanted &= idle(options["idle"])
        if options["never_used"]:
            wanted &= never_used()
        credentials = ClientCredential.objects.filter(wanted).select_related("seller").prefetch_related("secrets")
        return map(describe, walk(credentials, "seller__retailer_id", "-pk"))

    def lines(self, data: dict[str, Any]) -> Iterable[str]:
        used = data["last_used_at"]
        last_use = f"last used {used:%Y-%m-%d %H:%M} UTC" if used else "never used"
        yield "  ".join([data["seller"], data["client_id"], data["state"], last_use, data["name"]])


def describe(credential: ClientCredential) -> dict[str, Any]:
    assert credential.seller is not None
    return {
        "client_id": credential.client_id,
        "name": credential.name,
        "seller": credential.seller.retailer_id,
        "state": credential.state,
        "scopes": credential.rights,
        "created_at": credential.created,
        "last_used_at": credential.last_used_at,
        "secrets": [describe_secret(secret) for secret in credential.secrets.all()],
    }


def describe_secret(secret: ClientSecret) -> dict[str, Any]:
    return {
        "hint": secret.hint,
        "revealed_at": secret.created_at,
        "ends_at": secret.ends_at,
        "last_used_at": secret.last_used_at,
    }

"""Closes a seller."""

from accounts.models import Actor, Seller
from apicredentials.management.base import SellerCommand
from apicredentials.models import sellers


class Command(SellerCommand):
    help = (
        "Close a seller. Takes effect immediately: nobody can use the Retailer API on behalf of this seller, whether "
        "with client credentials, as a third party or with a token already issued. reopen_seller undoes it. "
        "Idempotent."
    )

    def act_on(self, seller: Seller, *, by: Actor) -> None:
        sellers.close(seller, by=by)

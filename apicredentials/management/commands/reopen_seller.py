"""Reopens a closed seller."""

from accounts.models import Actor, Seller
from apicredentials.management.base import SellerCommand
from apicredentials.models import sellers


class Command(SellerCommand):
    help = (
        "Reopen a closed seller. Takes effect immediately: everything that worked when the seller was closed works "
        "again, unless it has ended since. Idempotent."
    )

    def act_on(self, seller: Seller, *, by: Actor) -> None:
        sellers.reopen(seller, by=by)

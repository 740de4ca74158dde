"""The acts on a seller that its activity log tells of."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials.models.activity import Activity


def close(seller: Seller, *, by: Actor) -> None:
    """Refuse everybody the API on this seller's behalf, until it is reopened. Twice is once."""
    _set(seller, timezone.now(), Activity.Kind.SELLER_CLOSED, by)


def reopen(seller: Seller, *, by: Actor) -> None:
    """Let everything work again that worked when it was closed. Twice is once."""
    _set(seller, None, Activity.Kind.SELLER_REOPENED, by)


def _set(seller: Seller, closed_at: dt.datetime | None, kind: Activity.Kind, by: Actor) -> None:
    with transaction.atomic():
        others = Seller.objects.filter(pk=seller.pk, closed_at__isnull=closed_at is not None)
        if others.update(closed_at=closed_at):
            Activity.record(kind, seller=seller, subject=seller.display_name, by=by)
    seller.refresh_from_db(fields=["closed_at"])

"""Acts on sellers and users, recorded in the activity log."""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from accounts.models import Actor, Seller, User
from apicredentials.models.activity import Activity
from apicredentials.models.authorizations import ThirdPartyAuthorization
from apicredentials.models.kinds import Recipients
from apicredentials.models.locking import lock
from apicredentials.models.states import Cause


def close(seller: Seller, *, by: Actor) -> None:
    """Refuse all use of the API on this seller's behalf until reopen(). Idempotent."""
    _set_closed(seller, timezone.now(), Activity.Kind.SELLER_CLOSED, by)


def reopen(seller: Seller, *, by: Actor) -> None:
    """Undo close(). Credentials and authorisations that have not ended meanwhile work again. Idempotent."""
    _set_closed(seller, None, Activity.Kind.SELLER_REOPENED, by)


def _set_closed(seller: Seller, closed_at: dt.datetime | None, kind: Activity.Kind, by: Actor) -> None:
    with transaction.atomic():
        lock(seller)
        if (seller.closed_at is None) == (closed_at is None):
            return
        seller.closed_at = closed_at
        seller.save(update_fields=["closed_at"])
        Activity.record(kind, seller=seller, subject=seller.display_name, by=by)


def switch_off(user: User, *, by: Actor) -> None:
    """Refuse the user sign-in, and stop the authorisations they consented to, until switch_on(). Idempotent."""
    with transaction.atomic():
        lock(user)
        if not user.is_active:
            return
        stopped = list(ThirdPartyAuthorization.objects.active().filter(granted_by=user).with_parties())
        user.is_active, user.deactivated_at = False, timezone.now()
        user.save(update_fields=["is_active", "deactivated_at"])
        record_for_sellers(Activity.Kind.USER_SWITCHED_OFF, user, by=by, also=[user.email])
        for authorization in stopped:
            authorization.record(Activity.Kind.PARTY_STOPPED, by, cause=Cause.USER_OFF, giver=str(user))


def switch_on(user: User, *, by: Actor) -> None:
    """Undo switch_off(). Consents that a colleague took over stay with that colleague. Idempotent."""
    with transaction.atomic():
        lock(user)
        if user.is_active:
            return
        user.is_active, user.deactivated_at = True, None
        user.save(update_fields=["is_active", "deactivated_at"])
        record_for_sellers(Activity.Kind.USER_SWITCHED_ON, user, by=by, also=[user.email])
        for authorization in ThirdPartyAuthorization.objects.active().filter(granted_by=user).with_parties():
            authorization.record(Activity.Kind.PARTY_REVIVED, by, giver=str(user))


def record_for_sellers(kind: Activity.Kind, user: User, *, by: Actor, also: Iterable[str] = (), **details: str) -> None:
    """Log something about a user for each of their sellers, or for operators only if there is none.

    Mail it to `also` besides the kind's recipients.
    """
    for seller in tuple(user.sellers.all()) or (None,):
        activity = Activity.record(kind, seller=seller, subject=str(user), by=by, **details)
        activity.queue_mail(Recipients.NOBODY, by=by, also=also)

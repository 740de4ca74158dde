"""Conditions on authorisations, for the filters by state."""

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Seller, User
from apicredentials.models.states import REMOVALS, Cause, State
from apicredentials.models.third_parties import ThirdParty

# An authorisation can be renewed until this long after its end; its refresh tokens then work again.
RENEWABLE_AFTER_END = dt.timedelta(days=30)
# Rows of other tables that a condition looks up first.
MOST_KEYS = 500


def in_state(state: State) -> Q:
    """Return the condition for one state; the same rule as `ThirdPartyAuthorization.state`."""
    now = timezone.now()
    ended = Q(ended_at__isnull=False)
    long_over = Q(expires_at__lte=now - RENEWABLE_AFTER_END)
    suspended = Q(third_party__paused_at__isnull=False) | Q(seller__closed_at__isnull=False)
    open_ended = ~ended & ~long_over
    match state:
        case State.REVOKED:
            condition = ended & Q(end_cause__in=REMOVALS)
        case State.EXPIRED:
            over = open_ended & ~suspended & Q(granted_by__is_active=True, expires_at__lte=now)
            condition = (ended & Q(end_cause=Cause.YEAR_OVER)) | (~ended & long_over) | over
        case State.STOPPED:
            stopped = ended & ~Q(end_cause__in=[*REMOVALS, Cause.YEAR_OVER])
            condition = stopped | (open_ended & ~suspended & _giver_is_off())
        case State.SUSPENDED:
            condition = open_ended & _is_suspended()
        case _:
            condition = open_ended & ~suspended & Q(granted_by__is_active=True, expires_at__gt=now)
    return condition


# PostgreSQL uses no index for an OR over several tables, so these conditions look up few keys of other tables first.


def _is_suspended() -> Q:
    """Return the condition that the party or the seller is stopped."""
    parties = ThirdParty.objects.filter(paused_at__isnull=False)
    sellers = _keys(Seller.objects.filter(closed_at__isnull=False))
    is_closed = Q(seller__closed_at__isnull=False) if sellers is None else Q(seller__in=sellers)
    return Q(third_party__in=list(parties.order_by().values_list("pk", flat=True))) | is_closed


def _giver_is_off() -> Q:
    """Return the condition that the user who gave consent cannot sign in."""
    users = _keys(User.objects.filter(is_active=False))
    return Q(granted_by=None) | (Q(granted_by__is_active=False) if users is None else Q(granted_by__in=users))


def _keys(rows: QuerySet[Any]) -> list[int] | None:
    """Return the keys of the rows; None if they are many, and rows that refer to them are common too."""
    keys = list(rows.order_by().values_list("pk", flat=True)[: MOST_KEYS + 1])
    return keys if len(keys) <= MOST_KEYS else None

"""Conditions on credentials, for the filters of the admin and of `list_credentials`."""

import datetime as dt

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from apicredentials.models.client_secrets import ClientSecret
from apicredentials.models.credentials import IDLE_AFTER, ClientCredential

# Clients that a filter looks up before it tests its other conditions.
MOST_KEYS = 10_000


def _secrets() -> QuerySet[ClientSecret]:
    return ClientSecret.objects.filter(client=OuterRef("pk"))


def never_used() -> Q:
    """No secret has ever been used."""
    return _with_newest(Q(last_used_at=None)) & ~used()


def used() -> Q:
    """A secret was used at least once."""
    return Q(Exists(_secrets().filter(last_used_at__isnull=False)))


def used_lately(period: dt.timedelta = IDLE_AFTER) -> Q:
    """A secret was used in this period."""
    return Q(Exists(_secrets().filter(last_used_at__gt=timezone.now() - period)))


def idle(for_at_least: dt.timedelta = IDLE_AFTER) -> Q:
    """Used once, but not lately; the same rule as `is_unused`."""
    old = Q(last_used_at=None) | Q(last_used_at__lte=timezone.now() - for_at_least)
    return _with_newest(old) & used() & ~used_lately(for_at_least)


def _with_newest(condition: Q) -> Q:
    """The newest secret matches, or has an end, or there is none. Reads the secrets once, and returns keys if few do.

    It is redundant, but without it PostgreSQL may test the other conditions for every client.
    """
    matching = ClientSecret.objects.filter(condition, ends_at=None).order_by().values_list("client", flat=True)
    keys = list(matching[: MOST_KEYS + 1])
    if len(keys) > MOST_KEYS:
        return Q()
    return Q(pk__in=keys) | Q(revealed_at=None) | Q(leaked_at__isnull=False)


def secret_older_than(age: dt.timedelta) -> Q:
    """A secret of this age still works."""
    return Q(Exists(ClientSecret.objects.live().filter(client=OuterRef("pk"), created_at__lte=timezone.now() - age)))


def _state_conditions() -> dict[str, Q]:
    """The same rule as `ClientCredential.state`; test_credential_filters compares the two. The first one decides."""
    states = ClientCredential.State
    without_live = Q(~Exists(ClientSecret.objects.live().filter(client=OuterRef("pk"))))
    stopped = Q(paused_at__lte=F("leaked_at")) | without_live
    return {
        states.DELETED: Q(deleted_at__isnull=False),
        states.LEAKED: Q(leaked_at__isnull=False) & stopped,
        states.PAUSED: Q(paused_at__isnull=False),
        states.WITHOUT_SECRET: Q(revealed_at=None),
    }


def in_state(state: str) -> Q:
    """Return the condition for one state. Not a comparison with a CASE, because an index cannot serve that."""
    none_before = Q()
    for code, condition in _state_conditions().items():
        if code == state:
            return none_before & condition
        none_before &= ~condition
    return none_before

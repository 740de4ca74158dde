"""Conditions on credentials, for the filters of the admin and of `list_credentials`."""

import datetime as dt

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from apicredentials.models.client_secrets import ClientSecret
from apicredentials.models.credentials import IDLE_AFTER, NEVER_USED_AFTER, ClientCredential


def _secrets() -> QuerySet[ClientSecret]:
    return ClientSecret.objects.filter(client=OuterRef("pk"))


def never_used() -> Q:
    """No secret has ever been used."""
    return ~used()


def used() -> Q:
    """A secret was used at least once."""
    return Q(Exists(_secrets().filter(last_used_at__isnull=False)))


def idle(for_at_least: dt.timedelta = IDLE_AFTER) -> Q:
    """Used once, but not lately; the same rule as `ClientCredential.is_idle`."""
    return Q(~Exists(_secrets().filter(last_used_at__gt=timezone.now() - for_at_least))) & used()


def secret_older_than(age: dt.timedelta) -> Q:
    """A secret of this age still works."""
    return Q(Exists(ClientSecret.objects.live().filter(client=OuterRef("pk"), created_at__lte=timezone.now() - age)))


def _states() -> dict[str, Q]:
    """Return the condition of each state but "active". The first one that holds decides."""
    states = ClientCredential.State
    without_live = Q(~Exists(ClientSecret.objects.live().filter(client=OuterRef("pk"))))
    return {
        states.DELETED: Q(deleted_at__isnull=False),
        states.LEAKED: Q(leaked_at__isnull=False) & (Q(paused_at__lte=F("leaked_at")) | without_live),
        states.PAUSED: Q(paused_at__isnull=False),
        states.WITHOUT_SECRET: Q(~Exists(_secrets())),
    }


def current_state() -> Case:
    """The same rule as `ClientCredential.state`; test_credential_filters compares the two."""
    cases = [When(condition, then=Value(code)) for code, condition in _states().items()]
    return Case(*cases, default=Value(ClientCredential.State.ACTIVE))


def in_state(state: str) -> Q:
    """The rows whose current_state() is this one; without the CASE, so that PostgreSQL can use indexes."""
    none_before = Q()
    for code, condition in _states().items():
        if code == state:
            return none_before & condition
        none_before &= ~condition
    return none_before


def needs_attention() -> Q:
    """The same rule as `ClientCredential.needs_attention`, for rows annotated with `state_now=current_state()`."""
    is_old = Exists(_secrets().filter(created_at__lte=timezone.now() - NEVER_USED_AFTER))
    is_unused = (Q(is_old) & never_used()) | idle()
    return Q(state_now=ClientCredential.State.LEAKED) | (Q(state_now=ClientCredential.State.ACTIVE) & is_unused)

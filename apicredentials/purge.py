"""What may be thrown away, and how: in small batches, so that no statement holds anybody up."""

import datetime as dt
from collections.abc import Iterator

from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from apicredentials.models import (
    Activity,
    ClientCredential,
    ClientSecret,
    Grant,
    OAuthClient,
    RefreshToken,
    RevokedAccessToken,
)
from apicredentials.models.clients import RESTORE_WINDOW

BATCH_SIZE = 5000

# How long the log is kept.
ACTIVITY_KEPT = dt.timedelta(days=400)
# How long a replaced refresh token is remembered, to tell theft from a token nobody ever had.
REPLACED_TOKENS_KEPT = dt.timedelta(days=30)
# How long what belonged to an ended authorisation stays: it may still be renewed for thirty days.
ENDED_AUTHORIZATIONS_KEPT = dt.timedelta(days=31)


def purgeable(now: dt.datetime) -> dict[str, models.QuerySet[models.Model]]:
    """Return what may go at `now`, by what it is; in an order in which nothing refers to what is gone."""
    ended = Q(grant__authorization__expires_at__lt=now - ENDED_AUTHORIZATIONS_KEPT) | Q(
        grant__authorization__ended_at__lt=now - ENDED_AUTHORIZATIONS_KEPT
    )
    long_deleted = ClientCredential.objects.filter(deleted_at__lt=now - RESTORE_WINDOW)
    querysets: dict[str, models.QuerySet[models.Model]] = {
        "revoked_access_tokens": RevokedAccessToken.objects.filter(expires__lt=now),
        "replaced_refresh_tokens": RefreshToken.objects.filter(revoked__lt=now - REPLACED_TOKENS_KEPT),
        "refresh_tokens": RefreshToken.objects.filter(ended),
        "codes": Grant.objects.filter(expires__lt=now - dt.timedelta(days=1), refresh_tokens__isnull=True),
        "sessions": Session.objects.filter(expire_date__lt=now),
        "activities": Activity.objects.filter(at__lt=now - ACTIVITY_KEPT),
        "secrets": ClientSecret.objects.filter(client__in=long_deleted),
        "credentials": OAuthClient.objects.filter(pk__in=long_deleted),
    }
    return querysets


def purge(*, dry_run: bool = False) -> Iterator[tuple[str, int]]:
    """Throw away what may go, and yield what it was and how many rows."""
    now = timezone.now()
    for what, queryset in purgeable(now).items():
        yield what, queryset.count() if dry_run else delete_in_batches(queryset)


def delete_in_batches(queryset: models.QuerySet[models.Model]) -> int:
    """Delete the rows, each batch in a transaction of its own, without loading them."""
    deleted = 0
    manager = queryset.model._base_manager
    while True:
        with transaction.atomic():
            keys = queryset.order_by().values("pk")[:BATCH_SIZE]
            batch: int = manager.filter(pk__in=keys)._raw_delete(queryset.db)
        deleted += batch
        if batch < BATCH_SIZE:
            return deleted

"""What may be thrown away, and how: in small batches, so that no statement holds anybody up."""

import datetime as dt
from collections.abc import Iterator

from django.contrib.sessions.models import Session
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apicredentials.models import (
    Activity,
    ClientCredential,
    ClientSecret,
    Grant,
    OAuthClient,
    OutgoingMail,
    RefreshToken,
    RevokedAccessToken,
    Usage,
)
from apicredentials.models.clients import RESTORE_WINDOW

# How many rows one statement looks at.
SLICE = 2000

# How long the log is kept, and the mail that repeats it to people by their address.
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
    tokens = RefreshToken.objects.filter(grant=OuterRef("pk"))
    long_deleted = ClientCredential.objects.filter(deleted_at__lt=now - RESTORE_WINDOW)
    querysets: dict[str, models.QuerySet[models.Model]] = {
        "revoked_access_tokens": RevokedAccessToken.objects.filter(expires__lt=now),
        "replaced_refresh_tokens": RefreshToken.objects.filter(revoked__lt=now - REPLACED_TOKENS_KEPT),
        "refresh_tokens": RefreshToken.objects.filter(ended),
        "codes": Grant.objects.filter(~Exists(tokens), expires__lt=now - dt.timedelta(days=1)),
        "sessions": Session.objects.filter(expire_date__lt=now),
        "usage": Usage.objects.filter(day__lt=timezone.localdate(now - ACTIVITY_KEPT)),
        "activities": Activity.objects.filter(at__lt=now - ACTIVITY_KEPT),
        "mails": OutgoingMail.objects.filter(
            Q(sent_at__lt=now - ACTIVITY_KEPT) | Q(given_up_at__lt=now - ACTIVITY_KEPT)
        ),
        "secrets": ClientSecret.objects.filter(client__in=long_deleted),
        "credentials": OAuthClient.objects.filter(pk__in=long_deleted),
    }
    return querysets


def purge(*, dry_run: bool = False) -> Iterator[tuple[str, int]]:
    """Throw away what may go, and yield what it was and how many rows."""
    now = timezone.now()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # What a crash brings back goes the next night: no slice need wait for the disk.
            cursor.execute("SET synchronous_commit = off")
    for what, queryset in purgeable(now).items():
        yield what, queryset.count() if dry_run else delete_in_slices(queryset)


def delete_in_slices(queryset: models.QuerySet[models.Model]) -> int:
    """Delete the rows, without loading them; each statement looks at SLICE rows, and is a transaction of its own.

    A walk along the primary key meets every row once. To ask for the next so many that may go would need an index
    for each question, kept up to date by whoever writes a token, and would wade through what it has just deleted.
    """
    keys = queryset.model._base_manager.using(queryset.db).order_by("pk").values_list("pk", flat=True)
    deleted, start = 0, keys.first()
    while start is not None:
        end = keys.filter(pk__gte=start)[SLICE : SLICE + 1].first()
        within = queryset.filter(pk__gte=start) if end is None else queryset.filter(pk__gte=start, pk__lt=end)
        deleted += within._raw_delete(queryset.db)
        start = end
    return deleted

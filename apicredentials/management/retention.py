"""Retention: the rows that have expired, and their deletion in small batches, so that locks are held only briefly."""

import datetime as dt
from collections.abc import Iterator

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import AddressChange
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

# Rows per statement.
SLICE = 2000

# Mail repeats the log, so it is kept equally long.
ACTIVITY_KEPT = dt.timedelta(days=400)
# A replaced refresh token is kept so that its reuse is recognised as theft.
REPLACED_TOKENS_KEPT = dt.timedelta(days=30)
# Longer than the thirty days in which an expired authorisation can be renewed.
ENDED_AUTHORIZATIONS_KEPT = dt.timedelta(days=31)


def purgeable(now: dt.datetime) -> dict[str, models.QuerySet[models.Model]]:
    """Return the rows that have expired, by kind, in an order that foreign keys allow."""
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
        # Rows of Beveiliging outlive their sessions, and an address change its links.
        "user_sessions": UserSession.objects.filter(
            created_at__lt=now - dt.timedelta(seconds=settings.SESSION_COOKIE_AGE)
        ),
        "address_changes": AddressChange.objects.filter(
            asked_at__lt=now - AddressChange.CONFIRMABLE - AddressChange.UNDOABLE
        ),
        "usage": Usage.objects.filter(day__lt=timezone.localdate(now) - ACTIVITY_KEPT),
        "activities": Activity.objects.filter(at__lt=now - ACTIVITY_KEPT),
        "mails": OutgoingMail.objects.filter(
            Q(sent_at__lt=now - ACTIVITY_KEPT) | Q(given_up_at__lt=now - ACTIVITY_KEPT)
        ),
        "secrets": ClientSecret.objects.filter(client__in=long_deleted),
        "credentials": OAuthClient.objects.filter(pk__in=long_deleted),
    }
    return querysets


def purge(*, dry_run: bool = False) -> Iterator[tuple[str, int]]:
    """Delete what has expired; yield each kind with its number of rows."""
    now = timezone.now()
    for what, queryset in purgeable(now).items():
        yield what, queryset.count() if dry_run else delete_in_slices(queryset)


def delete_in_slices(queryset: models.QuerySet[models.Model]) -> int:
    """Delete the rows without loading them; return how many.

    Walk along the primary key in slices of SLICE rows, each a transaction of its own. Selecting "the next 2000 expired
    rows" instead would need an index per kind, and would scan the dead rows of the slices before it.
    """
    keys = queryset.model._base_manager.using(queryset.db).order_by("pk").values_list("pk", flat=True)
    deleted, start = 0, keys.first()
    while start is not None:
        end = keys.filter(pk__gte=start)[SLICE : SLICE + 1].first()
        within = queryset.filter(pk__gte=start) if end is None else queryset.filter(pk__gte=start, pk__lt=end)
        with transaction.atomic(using=queryset.db):
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    # Do not wait for the disk after each slice: the next run deletes rows that a crash brought back.
                    cursor.execute("SET LOCAL synchronous_commit = off")
            deleted += within._raw_delete(queryset.db)
        start = end
    return deleted

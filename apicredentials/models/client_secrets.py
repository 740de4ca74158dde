"""Client secrets. Only a keyed hash is stored; the plaintext is a return value, never a field."""

import datetime as dt
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Actor
from apicredentials.exceptions import SecretHasEnded
from apicredentials.keys import keyring
from apicredentials.models.activity import Activity
from apicredentials.models.locking import lock
from apicredentials.moments import days_until

# A use is stored at most this often, because the pages show minutes.
LAST_USED_PRECISION = dt.timedelta(minutes=1)

# An old secret whose last use may be unwritten must be unused for this long before it is safe to end.
SILENCE = dt.timedelta(days=1)

# The choices for the end of an old secret after rotation: label and overlap.
OVERLAPS: dict[str, tuple[str, dt.timedelta]] = {
    "0": ("nu", dt.timedelta()),
    "24h": ("over 24 uur", dt.timedelta(hours=24)),
    "7d": ("over 7 dagen", dt.timedelta(days=7)),
    "30d": ("over 30 dagen", dt.timedelta(days=30)),
}


class ClientSecretQuerySet(models.QuerySet["ClientSecret"]):
    """Secrets by state."""

    def live(self, now: dt.datetime | None = None) -> Self:
        """Return the secrets that work at `now`."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now or timezone.now()))


class ClientSecret(models.Model):
    """One secret of a client. The newest has no end; an older one always has."""

    client = models.ForeignKey(
        "apicredentials.OAuthClient", on_delete=models.CASCADE, related_name="secrets", verbose_name="client"
    )
    hash = models.CharField(max_length=120, unique=True, editable=False)
    hint = models.CharField("laatste vier tekens", max_length=4, editable=False)
    created_at = models.DateTimeField("getoond op", default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    ends_at = models.DateTimeField("eindigt op", null=True, blank=True, editable=False)
    first_used_at = models.DateTimeField("eerst gebruikt op", null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField("laatst gebruikt op", null=True, blank=True, editable=False)
    last_used_address = models.GenericIPAddressField("laatst gebruikt vanaf", null=True, blank=True, editable=False)
    last_used_agent = models.CharField("laatst gebruikt met", max_length=200, blank=True, editable=False)

    objects: ClassVar[models.Manager["ClientSecret"]] = ClientSecretQuerySet.as_manager()

    class Meta:
        verbose_name = "client secret"
        verbose_name_plural = "client secrets"
        ordering = ("pk",)
        # Only secrets that were replaced have an end, so most writes do not touch it.
        indexes = (
            models.Index(name="secret_ends", fields=["ends_at"], condition=Q(ends_at__isnull=False)),
            models.Index(name="secret_by_hint", fields=["hint"]),
        )
        constraints = (
            models.UniqueConstraint(
                name="client_has_one_secret_without_end", fields=["client"], condition=Q(ends_at__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return f"rts_…{self.hint}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Note the first secret in the client's row too: there is no index for the rows that another table lacks."""
        is_new = self._state.adding
        super().save(*args, **kwargs)
        if is_new and self.client.revealed_at is None:
            self.client.revealed_at = self.created_at
            self.client.save(update_fields=["revealed_at"])

    @property
    def is_live(self) -> bool:
        """True if it works now."""
        return self.ends_at is None or timezone.now() < self.ends_at

    @property
    def days_left(self) -> int | None:
        """The calendar days from today to the day it ends; None without an end."""
        return None if self.ends_at is None else days_until(self.ends_at)

    @property
    def is_first_used_today(self) -> bool:
        """True if it was first used today, in the portal's time zone."""
        return self.first_used_at is not None and timezone.localdate(self.first_used_at) == timezone.localdate()

    def is_safe_to_end(self, successor: "ClientSecret") -> bool:
        """Return True if the successor has been used, and this secret has not been used since.

        Uses within a minute of a stored one are not stored. If the successor's first use falls in such a minute,
        require a day without any use.
        """
        started_at, used_at = successor.first_used_at, self.last_used_at
        if started_at is None or (used_at is not None and used_at >= started_at):
            return False
        was_written = used_at is None or used_at + LAST_USED_PRECISION <= started_at
        return was_written or timezone.now() - started_at >= SILENCE

    def end_after(self, delay: dt.timedelta, *, by: Actor) -> None:
        """Move the end of this older secret to `delay` from now.

        Raises SecretHasEnded if it has ended, or is the newest one, which has no end.
        """
        with transaction.atomic():
            self.client.lock()
            lock(self)
            if self.ends_at is None or not self.is_live:
                raise SecretHasEnded
            self.ends_at = timezone.now() + delay
            self.save(update_fields=["ends_at"])
            Activity.record(
                Activity.Kind.SECRET_END_CHANGED,
                seller=self.client.seller,
                subject=self.client.name,
                by=by,
                target=self.client.client_id,
                ends_at=self.ends_at.isoformat(),
            )


def hashes_of(fingerprint: str) -> list[str]:
    """Return the stored forms of a secret with this fingerprint: one hash for each key in use.

    Stored is a keyed hash of the fingerprint, so a fingerprint finds the row but does not authenticate.
    """
    return [key.hash(fingerprint) for key in keyring.hash_keys()]


def use_is_due(last_used_at: dt.datetime | None) -> bool:
    """Return True if the last stored use is at least a minute ago."""
    return last_used_at is None or timezone.now() - last_used_at >= LAST_USED_PRECISION


def note_use(pk: int, *, address: str, agent: str) -> None:
    """Write a use of the secret: when, from which address, by which software."""
    now = timezone.now()
    ClientSecret.objects.filter(pk=pk).update(
        first_used_at=Coalesce("first_used_at", now),
        last_used_at=now,
        last_used_address=address or None,
        last_used_agent=agent[:200],
    )

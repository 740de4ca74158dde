"""Client credentials of a seller, from creation to deletion."""

import datetime as dt
from collections.abc import Iterable
from typing import ClassVar, Protocol

from django.db import models, transaction
from django.utils import timezone

from accounts.models import Actor
from apicredentials import names, scopes
from apicredentials.exceptions import CannotRestore, NameTaken, NameTakenMeanwhile, TooMany
from apicredentials.models.activity import Activity
from apicredentials.models.client_secrets import ClientSecret
from apicredentials.models.clients import RESTORE_WINDOW, OAuthClient, ProxyManager
from apicredentials.models.locking import lock

# The page warns about a credential that is never used, or no longer used, for this long.
NEVER_USED_AFTER = dt.timedelta(days=7)
IDLE_AFTER = dt.timedelta(days=90)


class ChangedAt(Protocol):
    """The moments in the row of a credential that decide about its state."""

    @property
    def deleted_at(self) -> dt.datetime | None: ...
    @property
    def paused_at(self) -> dt.datetime | None: ...
    @property
    def leaked_at(self) -> dt.datetime | None: ...


def state_of(row: ChangedAt, *, is_revealed: bool, works: bool) -> "ClientCredential.State":
    """Return the state of a credential. A leak counts until it has a new secret and is resumed.

    `works` is True if at least one of its secrets works.
    """
    if row.deleted_at is not None:
        return ClientCredential.State.DELETED
    is_stopped_by_leak = row.leaked_at and row.paused_at and row.leaked_at >= row.paused_at
    if is_stopped_by_leak or (row.leaked_at and not works):
        return ClientCredential.State.LEAKED
    if row.paused_at is not None:
        return ClientCredential.State.PAUSED
    return ClientCredential.State.ACTIVE if is_revealed else ClientCredential.State.WITHOUT_SECRET


def is_unused(shown_at: dt.datetime | None, used_at: dt.datetime | None) -> bool:
    """Return True if a credential was not used in the last ninety days, or never within a week of its first secret."""
    if used_at is not None:
        return timezone.now() - used_at >= IDLE_AFTER
    return shown_at is not None and timezone.now() - shown_at >= NEVER_USED_AFTER


class ClientCredential(OAuthClient):
    """A seller's own client of the client credentials grant (RFC 6749 §4.4)."""

    MAXIMUM_PER_SELLER = 1000

    class State(models.TextChoices):
        """States as shown to sellers and operators."""

        ACTIVE = "active", "Actief"
        WITHOUT_SECRET = "without_secret", "Nog geen secret"
        PAUSED = "paused", "Gepauzeerd"
        LEAKED = "leaked", "Gelekt"
        DELETED = "deleted", "Verwijderd"

    GRANT_TYPE = OAuthClient.GrantType.CLIENT_CREDENTIALS
    PAUSED = Activity.Kind.CREDENTIAL_PAUSED
    RESUMED = Activity.Kind.CREDENTIAL_RESUMED
    objects: ClassVar[ProxyManager] = ProxyManager()

    class Meta:
        proxy = True
        ordering = ("-created", "-pk")
        verbose_name = "client credentials"
        verbose_name_plural = "client credentials"

    @property
    def state(self) -> State:
        """The state now."""
        return state_of(self, is_revealed=self.is_revealed, works=bool(self.live_secrets))

    @property
    def old_secret(self) -> ClientSecret | None:
        """The older of two live secrets, or None."""
        live = self.live_secrets
        return live[0] if len(live) > 1 else None

    @property
    def old_secret_is_safe_to_end(self) -> bool:
        """True if the software uses the newest secret and no longer the old one."""
        old, newest = self.old_secret, self.newest_secret
        return old is not None and newest is not None and old.is_safe_to_end(newest)

    @property
    def restorable_until(self) -> dt.datetime | None:
        """The time from which the deletion can no longer be undone; None if it cannot be undone at all."""
        if self.deleted_at is None or self.leaked_at is not None:
            return None
        return self.deleted_at + RESTORE_WINDOW

    def create(self, *, by: Actor) -> None:
        """Save this new credential, without a secret. Raises TooMany and NameTaken.

        The seller's row is locked, so that two simultaneous calls cannot both take the last place or the same name.
        """
        with transaction.atomic():
            self._take_place()
            self.created_by = by.user
            self.save(force_insert=True)
            self._log(Activity.Kind.CREDENTIAL_CREATED, by)

    def rename(self, name: str, *, by: Actor) -> None:
        """Change the name. Raises NameTaken."""
        with self._changing("name", "folded_name"):
            lock(self.seller)
            self._require_free_name(name)
            former, self.name = self.name, name
            if former != name:
                self._log(Activity.Kind.CREDENTIAL_RENAMED, by, former_name=former)

    def change_rights(self, rights: Iterable[str], *, by: Actor) -> None:
        """Set exactly these rights. Fewer rights apply at once, to issued tokens too."""
        with self._changing("scope"):
            former, self.scope = self.scope, scopes.join(rights)
            if former != self.scope:
                self._log(Activity.Kind.CREDENTIAL_RIGHTS_CHANGED, by, former_scope=former, scope=self.scope)

    def delete_softly(self, *, by: Actor) -> None:
        """Reject its secrets and every issued token from now on."""
        with self._changing("deleted_at"):
            self.deleted_at = timezone.now()
            self._log(Activity.Kind.CREDENTIAL_DELETED, by)

    def restore(self, *, by: Actor) -> None:
        """Undo the deletion within thirty days. Idempotent.

        Raises CannotRestore, TooMany and NameTakenMeanwhile.
        """
        with transaction.atomic():
            lock(self)
            if self.deleted_at is None:
                return
            if self.restorable_until is None or timezone.now() >= self.restorable_until:
                raise CannotRestore
            try:
                self._take_place()
            except NameTaken as error:
                raise NameTakenMeanwhile from error
            self.deleted_at = None
            self.save(update_fields=["deleted_at"])
            self._log(Activity.Kind.CREDENTIAL_RESTORED, by)

    def _take_place(self) -> None:
        lock(self.seller)
        if ClientCredential.objects.for_seller(self.seller).count() >= self.MAXIMUM_PER_SELLER:
            raise TooMany(maximum=self.MAXIMUM_PER_SELLER)
        self._require_free_name(self.name)

    def _require_free_name(self, name: str) -> None:
        others = ClientCredential.objects.for_seller(self.seller).exclude(pk=self.pk)
        if others.filter(folded_name=names.fold(name)).exists():
            raise NameTaken

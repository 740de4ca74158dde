"""A seller's own credentials, from their making to their end."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials import names, scopes
from apicredentials.exceptions import CannotRestore, NameTaken, NameTakenMeanwhile, TooMany
from apicredentials.models.activity import Activity
from apicredentials.models.client_secrets import ClientSecret
from apicredentials.models.clients import RESTORE_WINDOW, OAuthClient, ProxyManager

# After how long without any use, or without use any more, the page warns.
NEVER_USED_AFTER = dt.timedelta(days=7)
IDLE_AFTER = dt.timedelta(days=90)

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def state_annotations() -> dict[str, Any]:
    """Return `state_now` and `needs_attention_now`: `state` and `needs_attention` of many rows, in the database.

    tests/apicredentials/test_settings_many.py compares them with the properties.
    """
    now = timezone.now()
    secrets = ClientSecret.objects.filter(client=OuterRef("pk"))
    has_live, has_any = Exists(secrets.live(now)), Exists(secrets)
    was_used, was_used_lately = (
        Exists(secrets.filter(last_used_at__gt=since)) for since in (EPOCH, now - IDLE_AFTER)
    )
    is_old = Exists(secrets.filter(created_at__lte=now - NEVER_USED_AFTER))
    is_leaked = Q(leaked_at__isnull=False) & (Q(paused_at__lte=F("leaked_at")) | ~has_live)
    is_unused = (Q(is_old) & ~Q(was_used)) | (Q(was_used) & ~Q(was_used_lately))
    state = Case(
        When(is_leaked, then=Value(ClientCredential.State.LEAKED.value)),
        When(paused_at__isnull=False, then=Value(ClientCredential.State.PAUSED.value)),
        When(has_any, then=Value(ClientCredential.State.ACTIVE.value)),
        default=Value(ClientCredential.State.WITHOUT_SECRET.value),
    )
    attention = Case(
        When(state_now=ClientCredential.State.LEAKED.value, then=True),
        When(Q(state_now=ClientCredential.State.ACTIVE.value) & is_unused, then=True),
        default=False,
        output_field=models.BooleanField(),
    )
    return {"state_now": state, "needs_attention_now": attention}


class ClientCredential(OAuthClient):
    """A seller's own client: it gets tokens for that seller with its id and secret (RFC 6749 §4.4)."""

    MAXIMUM_PER_SELLER = 1000

    class State(models.TextChoices):
        """How it stands, as the seller reads it."""

        ACTIVE = "active", "Actief"
        WITHOUT_SECRET = "without_secret", "Nog geen secret"
        PAUSED = "paused", "Gepauzeerd"
        LEAKED = "leaked", "Gelekt"

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
        """How it stands now; a leak counts until somebody lets it work again."""
        paused_at, leaked_at = self.paused_at, self.leaked_at
        if leaked_at is not None and ((paused_at is not None and paused_at <= leaked_at) or not self.live_secrets):
            return self.State.LEAKED
        if paused_at is not None:
            return self.State.PAUSED
        return self.State.ACTIVE if self.is_revealed else self.State.WITHOUT_SECRET

    @property
    def old_secret(self) -> ClientSecret | None:
        """The older one of two that work, which has an end."""
        live = self.live_secrets
        return live[0] if len(live) > 1 else None

    @property
    def old_secret_is_safe_to_end(self) -> bool:
        """Whether software has moved on to the newest secret."""
        old, newest = self.old_secret, self.newest_secret
        return old is not None and newest is not None and old.is_safe_to_end(newest)

    @property
    def is_never_used(self) -> bool:
        """Whether its first secret was shown a week ago, and nobody has used any."""
        shown_at = min((secret.created_at for secret in self.secrets.all()), default=None)
        return self.last_used is None and shown_at is not None and timezone.now() - shown_at >= NEVER_USED_AFTER

    @property
    def is_idle(self) -> bool:
        """Whether it was in use once, and has not been for ninety days."""
        used_at = self.last_used_at
        return used_at is not None and timezone.now() - used_at >= IDLE_AFTER

    @property
    def needs_attention(self) -> bool:
        """Whether the seller should do something about it."""
        state = self.state
        return state == self.State.LEAKED or (state == self.State.ACTIVE and (self.is_never_used or self.is_idle))

    @property
    def restorable_until(self) -> dt.datetime | None:
        """Until when its deletion can be undone; None when it cannot."""
        if self.deleted_at is None or self.leaked_at is not None:
            return None
        return self.deleted_at + RESTORE_WINDOW

    @property
    def days_to_restore(self) -> int | None:
        """The calendar days from today to the last day on which its deletion can be undone."""
        until = self.restorable_until
        return None if until is None else (timezone.localdate(until) - timezone.localdate()).days

    def create(self, *, by: Actor) -> None:
        """Save this new credential, without a secret yet.

        Raises TooMany and NameTaken. The seller's row is locked, so two at once do not both take the last
        place, or the name.
        """
        with transaction.atomic():
            self._take_place()
            self.created_by = by.user
            self.save(force_insert=True)
            self._log(Activity.Kind.CREDENTIAL_CREATED, by)

    def rename(self, name: str, *, by: Actor) -> None:
        """Give it another name; raises NameTaken."""
        with self._changing("name", "folded_name"):
            self._lock_seller()
            self._require_free_name(name)
            former, self.name = self.name, name
            if former != name:
                self._log(Activity.Kind.CREDENTIAL_RENAMED, by, former_name=former)

    def change_rights(self, rights: Iterable[str], *, by: Actor) -> None:
        """Give it exactly these rights; fewer ones take hold at once, for tokens already issued too."""
        with self._changing("scope"):
            former, self.scope = self.scope, scopes.join(rights)
            if former != self.scope:
                self._log(Activity.Kind.CREDENTIAL_RIGHTS_CHANGED, by, former_scope=former, scope=self.scope)

    def delete_softly(self, *, by: Actor) -> None:
        """End it: its secrets, and every token already made, stop at the next request."""
        with self._changing("deleted_at"):
            self.deleted_at = timezone.now()
            self._log(Activity.Kind.CREDENTIAL_DELETED, by)

    def restore(self, *, by: Actor) -> None:
        """Undo its deletion, within thirty days. Twice is once.

        Raises CannotRestore, TooMany and NameTakenMeanwhile.
        """
        with transaction.atomic():
            OAuthClient.objects.select_for_update(no_key=True).get(pk=self.pk)
            self.refresh_from_db()
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
        self._lock_seller()
        if ClientCredential.objects.for_seller(self.seller).count() >= self.MAXIMUM_PER_SELLER:
            raise TooMany(self.MAXIMUM_PER_SELLER)
        self._require_free_name(self.name)

    def _lock_seller(self) -> None:
        assert self.seller is not None
        Seller.objects.select_for_update(no_key=True).get(pk=self.seller.pk)

    def _require_free_name(self, name: str) -> None:
        others = ClientCredential.objects.for_seller(self.seller).exclude(pk=self.pk)
        if others.filter(folded_name=names.fold(name)).exists():
            raise NameTaken

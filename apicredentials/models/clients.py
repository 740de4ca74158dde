"""OAuth clients: one table, with a proxy each for credentials, third parties and resource servers."""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import AbstractApplication

from accounts.email_addresses import EmailAddressField
from accounts.models import Actor, Seller
from apicredentials import names, redirect_uris, scopes
from apicredentials.exceptions import (
    AlreadyDeleted,
    AlreadyRevealed,
    NeedsNewSecret,
    NotRevealed,
    PartyNameTaken,
    RotatedMeanwhile,
    TooManySecrets,
)
from apicredentials.keys import keyring, secret_format
from apicredentials.keys.hash_keys import digest
from apicredentials.models.activity import Activity
from apicredentials.models.client_secrets import ClientSecret
from apicredentials.models.locking import lock


def new_uid() -> str:
    """Return a lower-case UUID."""
    return str(uuid.uuid4())


# A deletion can be undone for this long.
RESTORE_WINDOW = dt.timedelta(days=30)


def is_restorable() -> Q:
    return Q(deleted_at__gt=timezone.now() - RESTORE_WINDOW, leaked_at__isnull=True)


class ClientQuerySet(models.QuerySet[Any]):
    """Clients by kind and state."""

    def present(self) -> Self:
        """Return the clients that are not deleted."""
        return self.filter(deleted_at__isnull=True)

    def for_seller(self, seller: Seller) -> Self:
        """Return the clients of one seller that are not deleted. Requests reach rows only through this."""
        return self.present().filter(seller=seller)

    def restorable(self) -> Self:
        """Return the clients whose deletion can be undone: within RESTORE_WINDOW, and never after a leak."""
        return self.filter(is_restorable())

    def present_or_restorable(self) -> Self:
        """Return the clients that are not deleted, and those that can be put back."""
        return self.filter(Q(deleted_at__isnull=True) | is_restorable())

    def listed(self) -> Self:
        """Return the third parties that the page of partners lists."""
        return self.present().filter(is_listed=True, paused_at__isnull=True).exclude(start_url="")

    def with_details(self) -> Self:
        """Load everything that the page of a credential shows, in a fixed number of queries."""
        return self.select_related("created_by").prefetch_related("secrets")

    def with_logo(self) -> Self:
        """Join the logo, whose digest is part of its address."""
        return self.select_related("logo").defer("logo__content")


class ProxyManager(models.Manager.from_queryset(ClientQuerySet)):  # type: ignore[misc]
    """Manager of a proxy model: only the rows with its grant type."""

    def get_queryset(self) -> ClientQuerySet:
        queryset: ClientQuerySet = super().get_queryset().filter(authorization_grant_type=self.model.GRANT_TYPE)
        if self.model.GRANT_TYPE == OAuthClient.GrantType.CLIENT_CREDENTIALS:
            return queryset
        return queryset.filter(seller__isnull=True)  # redundant, but there is an index on these few rows


class OAuthClient(AbstractApplication):
    """A client of RFC 6749 §2.

    django-oauth-toolkit's secret column is removed because it authenticates a blank or plaintext value too.
    Secrets are `ClientSecret` rows.
    """

    class GrantType(models.TextChoices):
        CLIENT_CREDENTIALS = AbstractApplication.GRANT_CLIENT_CREDENTIALS, "Client credentials"
        AUTHORIZATION_CODE = AbstractApplication.GRANT_AUTHORIZATION_CODE, "Authorization code"
        NONE = "none", "Geen: introspectie"

    class ClientType(models.TextChoices):
        CONFIDENTIAL = AbstractApplication.CLIENT_CONFIDENTIAL, "Vertrouwelijk: software op een server, met een secret"
        PUBLIC = AbstractApplication.CLIENT_PUBLIC, "Openbaar: een app die geen secret kan bewaren, met PKCE"

    class Level(models.TextChoices):
        """The partner level of a third party, set by the operator."""

        GOLD = "gold", "Goud"
        SILVER = "silver", "Zilver"
        BRONZE = "bronze", "Brons"

    class RefreshTokens(models.TextChoices):
        ROTATING = "rotating", "Wisselend: elke verversing geeft een nieuw token"
        FIXED = "fixed", "Vast: het token blijft gelijk"

    user = None
    client_secret = None  # type: ignore[assignment]
    hash_client_secret = None  # type: ignore[assignment]
    skip_authorization = None  # type: ignore[assignment]
    post_logout_redirect_uris = None  # type: ignore[assignment]
    algorithm = None  # type: ignore[assignment]
    allowed_origins = None  # type: ignore[assignment]
    registration_source = None  # type: ignore[assignment]
    cimd_expires_at = None

    client_id = models.CharField("Client ID", max_length=36, unique=True, default=new_uid, editable=False)
    name = models.CharField("naam", max_length=names.MAXIMUM_LENGTH)
    folded_name = models.CharField(max_length=names.MAXIMUM_FOLDED_LENGTH, editable=False)
    contact_email = EmailAddressField(
        "contact voor verkopers",
        max_length=254,
        blank=True,
        help_text="Wie zij met vragen kunnen mailen. Dit adres staat op de toestemmingspagina.",
    )
    level = models.CharField("partnerniveau", max_length=10, choices=Level, blank=True)
    description = models.CharField(
        "omschrijving",
        max_length=200,
        blank=True,
        help_text="Wat deze partij doet, in één zin. Staat in de partnerlijst.",
    )
    start_url = models.URLField(
        "startadres",
        blank=True,
        help_text="Waar een verkoper bij deze partij begint met koppelen. Koppelen opent dit adres.",
    )
    is_listed = models.BooleanField("in de partnerlijst", default=False)
    redirect_uris = models.TextField("redirect URI's", blank=True)
    client_type = models.CharField("soort client", max_length=32, choices=ClientType, default=ClientType.CONFIDENTIAL)
    authorization_grant_type = models.CharField("soort", max_length=44, choices=GrantType)
    scope = models.TextField("rechten", blank=True)
    seller = models.ForeignKey(
        Seller, on_delete=models.CASCADE, null=True, blank=True, related_name="clients", verbose_name="verkoper"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name="aangemaakt door",
    )
    # When the first secret was created. Set by ClientSecret.save().
    revealed_at = models.DateTimeField("secret getoond op", null=True, blank=True, editable=False)
    paused_at = models.DateTimeField("gepauzeerd op", null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField("verwijderd op", null=True, blank=True, editable=False)
    leaked_at = models.DateTimeField("gelekt op", null=True, blank=True, editable=False)
    refresh_tokens = models.CharField(
        "refresh tokens", max_length=10, choices=RefreshTokens, default=RefreshTokens.ROTATING
    )
    pkce_required = models.BooleanField("PKCE vereist", default=True)

    class Meta:
        verbose_name = "client"
        verbose_name_plural = "clients"
        # Few rows each, and only acts of people change them.
        indexes = (
            models.Index(name="client_paused", fields=["paused_at"], condition=Q(paused_at__isnull=False)),
            models.Index(name="client_deleted", fields=["deleted_at"], condition=Q(deleted_at__isnull=False)),
            models.Index(name="client_leaked", fields=["leaked_at"], condition=Q(leaked_at__isnull=False)),
            models.Index(name="client_unrevealed", fields=["id"], condition=Q(revealed_at__isnull=True)),
            models.Index(name="client_without_seller", fields=["folded_name"], condition=Q(seller__isnull=True)),
        )
        constraints = (
            models.CheckConstraint(
                name="client_has_seller_iff_client_credentials",
                condition=Q(seller__isnull=False, authorization_grant_type=AbstractApplication.GRANT_CLIENT_CREDENTIALS)
                | (Q(seller__isnull=True) & ~Q(authorization_grant_type=AbstractApplication.GRANT_CLIENT_CREDENTIALS)),
            ),
            models.UniqueConstraint(
                name="credential_name_unique_per_seller",
                fields=["seller", "folded_name"],
                condition=Q(seller__isnull=False, deleted_at__isnull=True),
            ),
            models.UniqueConstraint(
                name="client_name_unique_without_seller",
                fields=["folded_name"],
                condition=Q(seller__isnull=True, deleted_at__isnull=True),
            ),
        )

    # The grant type of a proxy's rows; None means all rows.
    GRANT_TYPE: ClassVar[str | None] = None
    # The kinds of activity for pause and resume.
    PAUSED: ClassVar[Activity.Kind] = Activity.Kind.CLIENT_PAUSED
    RESUMED: ClassVar[Activity.Kind] = Activity.Kind.CLIENT_RESUMED

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.GRANT_TYPE and not args:
            kwargs = {"authorization_grant_type": self.GRANT_TYPE, "client_type": self.CLIENT_CONFIDENTIAL} | kwargs
        super().__init__(*args, **kwargs)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the folded name too, in which names are compared."""
        self.folded_name = names.fold(self.name)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Skip django-oauth-toolkit's rules, which concern removed fields."""

    @property
    def rights(self) -> list[str]:
        """The scope names this client may have, with all they include."""
        return scopes.close(self.scope.split())

    @property
    def right_labels(self) -> list[scopes.Label]:
        """The rights as people read them."""
        return scopes.labels(self.rights)

    @property
    def is_public(self) -> bool:
        """True for a public client (RFC 6749 §2.1)."""
        return self.client_type == self.CLIENT_PUBLIC

    def is_usable(self, request: Any) -> bool:
        """Return True if the server accepts requests of this client. Called by django-oauth-toolkit."""
        return self.deleted_at is None and self.paused_at is None

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Return True if `uri` is registered; the port of a loopback address may differ."""
        return redirect_uris.is_registered(uri, self.redirect_uris.split())

    @property
    def newest_secret(self) -> ClientSecret | None:
        """The secret created last, or None."""
        return max(self.secrets.all(), key=lambda secret: secret.pk, default=None)

    @property
    def live_secrets(self) -> list[ClientSecret]:
        """The secrets that work now, oldest first; at most two."""
        return sorted((secret for secret in self.secrets.all() if secret.is_live), key=lambda secret: secret.pk)

    @property
    def last_used(self) -> ClientSecret | None:
        """The secret that was used last, or None."""
        used = [secret for secret in self.secrets.all() if secret.last_used_at]
        return max(used, key=lambda secret: secret.last_used_at, default=None)  # type: ignore[arg-type, return-value]

    @property
    def last_used_at(self) -> dt.datetime | None:
        """When one of its secrets last got a token, or None."""
        used = self.last_used
        return used.last_used_at if used else None

    @property
    def is_revealed(self) -> bool:
        """True if the first secret has been created and shown."""
        return self.newest_secret is not None

    def register(self, *, by: Actor) -> None:
        """Save this new client of no seller, without a secret. Raises ValidationError and PartyNameTaken."""
        self.name = names.clean_name(self.name)
        self.created_by = by.user
        try:
            with transaction.atomic():
                self.save(force_insert=True)
                self._log(Activity.Kind.CLIENT_REGISTERED, by)
        except IntegrityError as error:
            raise PartyNameTaken from error

    def reveal(self, *, by: Actor) -> str:
        """Create the first secret and return it; only its hash is stored.

        Works once: of two simultaneous calls one returns and the other raises AlreadyRevealed.
        """
        with transaction.atomic():
            self.lock()
            if self.secrets.exists():
                raise AlreadyRevealed
            plaintext = self._new_secret(by)
            self._log(Activity.Kind.SECRET_REVEALED, by)
        return plaintext

    def rotate(self, *, overlap: dt.timedelta, by: Actor, replacing: int | None = None) -> str:
        """Create a new secret and return it. The existing ones end after `overlap`.

        `replacing` is the key of the secret that the caller saw as the newest. Raises NotRevealed when there is no
        secret yet, TooManySecrets when two already work and `overlap` is not zero, and RotatedMeanwhile when
        `replacing` is no longer the newest.
        """
        with transaction.atomic():
            self.lock()
            now = timezone.now()
            if not self.secrets.exists():
                raise NotRevealed
            if replacing not in (None, self.secrets.latest("pk").pk):
                raise RotatedMeanwhile
            live = self.secrets.live(now)
            if overlap and live.count() > 1:
                raise TooManySecrets
            # A leaked secret has ended already, so the overlap does not extend it.
            previous_ends_at = now + overlap if live.update(ends_at=now + overlap) else now
            plaintext = self._new_secret(by)
            self._log(Activity.Kind.SECRET_ROTATED, by, previous_ends_at=previous_ends_at.isoformat())
        return plaintext

    def _new_secret(self, by: Actor) -> str:
        """Create a secret and return it. Only its keyed hash is stored."""
        plaintext = secret_format.generate()
        stored = keyring.hash_key().hash(digest(plaintext))
        self.secrets.create(hash=stored, hint=plaintext[-4:], created_by=by.user)
        return plaintext

    def pause(self, *, by: Actor) -> None:
        """Stop issuing tokens and reject existing ones until resume(). Idempotent."""
        with self._changing("paused_at"):
            if self.paused_at is None:
                self.paused_at = timezone.now()
                self._log(self.PAUSED, by)

    def resume(self, *, by: Actor) -> None:
        """Undo pause(). Idempotent. Raises NeedsNewSecret after a leak, until there is a secret that works."""
        with self._changing("paused_at"):
            if self.leaked_at and not self.is_public and not self.secrets.live().exists():
                raise NeedsNewSecret
            if self.paused_at is not None:
                self.paused_at = None
                self._log(self.RESUMED, by)

    @property
    def is_stopped_by_leak(self) -> bool:
        """True if the client is paused and the latest reason is a leaked secret."""
        return bool(self.leaked_at and self.paused_at and self.leaked_at >= self.paused_at)

    def report_leak(self, secret: ClientSecret, *, by: Actor) -> bool:
        """End a live secret that leaked, and pause the client; return False if the secret had ended already."""
        now = timezone.now()
        with transaction.atomic():
            lock(self)
            lock(secret)
            if not secret.is_live:
                return False
            secret.ends_at = now
            secret.save(update_fields=["ends_at"])
            self.leaked_at, self.paused_at = now, self.paused_at or now
            self.save(update_fields=["leaked_at", "paused_at"])
            self._log(Activity.Kind.LEAK_REPORTED, by, hint=secret.hint)
        return True

    def lock(self) -> None:
        """Lock and reload this row; raise AlreadyDeleted when it has been deleted meanwhile."""
        lock(self)
        if self.deleted_at is not None:
            raise AlreadyDeleted

    @contextmanager
    def _changing(self, *fields: str) -> Iterator[None]:
        """Lock the row, run the block, save the named fields."""
        with transaction.atomic():
            self.lock()
            yield
            self.save(update_fields=list(fields))

    def _log(self, kind: Activity.Kind, by: Actor, **details: str) -> None:
        Activity.record(kind, seller=self.seller, subject=self.name, by=by, target=self.client_id, **details)

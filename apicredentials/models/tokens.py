"""Grants and refresh tokens of the code flow, and revoked access tokens. Other access tokens have no row."""

import secrets
from typing import ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import AbstractGrant, AbstractIDToken, AbstractRefreshToken

from accounts.models import Actor
from apicredentials.models.activity import Activity
from apicredentials.models.clients import new_uid
from apicredentials.models.locking import lock
from apicredentials.models.states import Cause


class GrantQuerySet(models.QuerySet["Grant"]):
    """Grants by state."""

    def usable(self) -> Self:
        """Return the grants that give tokens: not revoked, and with a code that was used or can still be used."""
        return self.filter(Q(used_at__isnull=False) | Q(expires__gt=timezone.now()), revoked_at=None)


class Grant(AbstractGrant):
    """The authorization code of one consent, and the chain of tokens issued for it (RFC 6749 §1.3).

    The row stays after the code is used, so that a second use can end the chain (RFC 6749 §4.1.2). Every access
    token names its grant.
    """

    code = None  # type: ignore[assignment]
    nonce = None  # type: ignore[assignment]
    claims = None  # type: ignore[assignment]
    resource = None

    uid = models.CharField(max_length=36, unique=True, default=new_uid, editable=False)
    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    authorization = models.ForeignKey(
        "apicredentials.ThirdPartyAuthorization", on_delete=models.CASCADE, related_name="grants"
    )
    rights = models.TextField(help_text="The rights consented to; `scope` is what the answers say.")
    used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[models.Manager["Grant"]] = GrantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=["expires"], name="grant_expires"),)

    def end(self, cause: Cause, *, by: Actor) -> None:
        """Reject every token of this grant. Idempotent.

        The authorisation stops with the last grant that could give tokens.
        """
        with transaction.atomic():
            if Grant.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now()):
                self.note_end(cause, by=by)

    def note_end(self, cause: Cause, *, by: Actor) -> None:
        """Stop the authorisation if this was its last usable grant; else only record a replay in the log.

        Call it in the transaction that revoked the grant. Grants are locked before their authorisation everywhere.
        """
        lock(self.authorization)
        if not self.authorization.grants.usable().exists():
            self.authorization.stop(cause, by=by)
        elif cause != Cause.ENDED_BY_PARTY:
            self.authorization.record(Activity.Kind(cause), by)


class RefreshToken(AbstractRefreshToken):
    """A refresh token in the chain of a grant (RFC 6749 §6). `revoked` is when its successor replaced it."""

    token = None  # type: ignore[assignment]
    access_token = None
    token_family = None
    resource = None

    token_checksum = models.CharField(max_length=64, unique=True, editable=False)
    grant = models.ForeignKey(
        settings.OAUTH2_PROVIDER_GRANT_MODEL, on_delete=models.CASCADE, related_name="refresh_tokens"
    )

    class Meta:
        unique_together = ()
        indexes = ()


class RevokedAccessToken(models.Model):
    """An access token that its client revoked before it expired (RFC 7009). Issuing one writes no row."""

    jti = models.CharField(max_length=36, unique=True)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"revoked access token {self.jti}"


class IDToken(AbstractIDToken):
    """Never written. Swapped because django-oauth-toolkit needs all five models in one app."""


def new_code() -> str:
    """Return an authorization code of 256 random bits."""
    return secrets.token_urlsafe(32)

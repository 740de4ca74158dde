"""What the code flow leaves behind: the grant and its refresh tokens. Access tokens leave no row."""

import secrets

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from oauth2_provider.models import AbstractGrant, AbstractIDToken, AbstractRefreshToken

from accounts.models import Actor
from apicredentials.models.activity import Activity
from apicredentials.models.clients import new_uid


class Grant(AbstractGrant):
    """One consent's code, and the root of every token made from it (RFC 6749 §1.3).

    The row stays after the code has been used: presented again, the code ends all that came of it
    (RFC 6749 §4.1.2), and every access token names its grant, so that ending one ends them all.
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

    class Meta:
        indexes = (models.Index(fields=["expires"], name="grant_expires"),)

    def end(self, kind: Activity.Kind) -> None:
        """End every token of this grant, because `kind` shows that a copy may be in wrong hands."""
        with transaction.atomic():
            if Grant.objects.filter(pk=self.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()):
                authorization = self.authorization
                Activity.record(
                    kind, seller=authorization.seller, subject=authorization.third_party.name, by=Actor.machine()
                )


class RefreshToken(AbstractRefreshToken):
    """One link of a grant's chain of refresh tokens (RFC 6749 §6). `revoked`: replaced by its successor."""

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
    """An access token that its client revoked before its end (RFC 7009).

    Access tokens are signed statements (RFC 9068) that leave no row when made; a row says only "no more".
    """

    jti = models.CharField(max_length=36, unique=True)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"revoked access token {self.jti}"


class IDToken(AbstractIDToken):
    """Never written: this server speaks no OpenID Connect. Swapped because the other four are."""


def new_code() -> str:
    """Return an authorization code of 256 random bits."""
    return secrets.token_urlsafe(32)

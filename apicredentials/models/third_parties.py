"""Third parties: software of others that asks sellers for access (RFC 6749 §4.1)."""

from typing import Any, ClassVar

from django.db import IntegrityError

from accounts.email_addresses import clean_email_address
from accounts.models import Actor
from apicredentials import redirect_uris
from apicredentials.exceptions import NeedsNewSecret, PartyNameTaken
from apicredentials.models.activity import Activity
from apicredentials.models.clients import OAuthClient, ProxyManager


class ThirdParty(OAuthClient):
    """A client of the authorization code grant."""

    GRANT_TYPE = OAuthClient.GrantType.AUTHORIZATION_CODE
    PAUSED = Activity.Kind.PARTY_SUSPENDED
    RESUMED = Activity.Kind.PARTY_RESUMED
    objects: ClassVar[ProxyManager] = ProxyManager()

    class Meta:
        proxy = True
        ordering = ("folded_name",)
        verbose_name = "derde partij"
        verbose_name_plural = "derde partijen"

    def register(self, *, by: Actor) -> None:
        """Save this new party. Raises ValidationError on contact and redirect URIs too, and PartyNameTaken."""
        if self.contact_email:
            self.contact_email = clean_email_address(self.contact_email)
        self.redirect_uris = redirect_uris.join(self.redirect_uris.split())
        super().register(by=by)

    def change(self, *, by: Actor, **values: Any) -> None:
        """Set these fields. Raises PartyNameTaken.

        Narrower rights apply to issued tokens at once; widening restores them.
        """
        try:
            with self._changing("folded_name", *values):
                former = {name: getattr(self, name) for name in values}
                for name, value in values.items():
                    setattr(self, name, value)
                self._log_change(former, by)
        except IntegrityError as error:
            raise PartyNameTaken from error

    def resume(self, *, by: Actor) -> None:
        """Undo a suspension. Idempotent. Raises NeedsNewSecret while the only secret is the one that leaked."""
        if self.leaked_at and not self.is_public and not self.secrets.live().exists():
            raise NeedsNewSecret
        super().resume(by=by)

    def _log_change(self, former: dict[str, Any], by: Actor) -> None:
        changed = [name for name, value in former.items() if value != getattr(self, name)]
        labels = [str(ThirdParty._meta.get_field(name).verbose_name) for name in changed]  # type: ignore[union-attr]
        if labels:
            super()._log(Activity.Kind.CLIENT_CHANGED, by, changed=", ".join(labels))
        if not set(former.get("scope", "").split()) <= set(self.scope.split()):
            self._log_for_sellers(Activity.Kind.CLIENT_CHANGED, by, changed="rechten")

    def _log(self, kind: Activity.Kind, by: Actor, **details: str) -> None:
        super()._log(kind, by, **details)
        if kind in {self.PAUSED, self.RESUMED}:
            self._log_for_sellers(kind, by)
        elif kind == Activity.Kind.LEAK_REPORTED:
            self._log_for_sellers(Activity.Kind.PARTY_LEAKED, by)

    def _log_for_sellers(self, kind: Activity.Kind, by: Actor, **details: str) -> None:
        """Write a row in the log of every open seller whose consent to this party stands."""
        for authorization in self.authorizations.standing().filter(seller__closed_at=None).select_related("seller"):
            authorization.record(kind, by, **details)

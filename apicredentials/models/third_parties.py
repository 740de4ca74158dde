"""Third parties: software of others that asks sellers for access."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError

from accounts.models import Actor
from apicredentials import redirect_uris
from apicredentials.exceptions import PartyNameTaken
from apicredentials.models.activity import Activity
from apicredentials.models.clients import OAuthClient, ProxyManager

# What the list of partners shows, besides the name and the logo.
PARTNER_FIELDS = frozenset({"level", "description", "start_url", "is_listed"})


class ThirdParty(OAuthClient):
    """Somebody else's software, which asks sellers for access (RFC 6749 §4.1)."""

    GRANT_TYPE = OAuthClient.GrantType.AUTHORIZATION_CODE
    objects: ClassVar[ProxyManager] = ProxyManager()

    class Meta:
        proxy = True
        ordering = ("folded_name",)
        verbose_name = "derde partij"
        verbose_name_plural = "derde partijen"

    def clean(self) -> None:
        """Require that the start address is https, and that a listed party has one."""
        if self.start_url and not self.start_url.startswith("https://"):
            raise ValidationError({"start_url": ValidationError("Begin het startadres met https://.", code="scheme")})
        if self.is_listed and not self.start_url:
            message = "Vul een startadres in, of zet deze partij niet in de partnerlijst."
            raise ValidationError({"start_url": ValidationError(message, code="required")})

    def register(self, *, by: Actor) -> None:
        """Save this new party as above; raises ValidationError on its other fields too."""
        self.clean_fields(exclude={field.name for field in self._meta.fields} - PARTNER_FIELDS)
        self.clean()
        if self.contact_email:
            validate_email(self.contact_email)
        self.redirect_uris = redirect_uris.join(self.redirect_uris.split())
        super().register(by=by)

    def change(self, *, by: Actor, **values: Any) -> None:
        """Give it these values, by the names of their fields; raises NameTaken.

        Narrower rights take hold at once, for tokens already issued too, and come back when they are widened.
        """
        try:
            with self._changing("folded_name", *values):
                former = {name: getattr(self, name) for name in values}
                for name, value in values.items():
                    setattr(self, name, value)
                self._log_change(former, by)
        except IntegrityError as error:
            raise PartyNameTaken from error

    def _log_change(self, former: dict[str, Any], by: Actor) -> None:
        changed = [name for name, value in former.items() if value != getattr(self, name)]
        labels = [str(ThirdParty._meta.get_field(name).verbose_name) for name in changed]  # type: ignore[union-attr]
        if labels:
            self._log(Activity.Kind.CLIENT_CHANGED, by, changed=", ".join(labels))
        if not set(former.get("scope", "").split()) <= set(self.scope.split()):
            self._tell_sellers(Activity.Kind.CLIENT_CHANGED, by, changed="rechten")

    def _log(self, kind: Activity.Kind, by: Actor, **details: str) -> None:
        super()._log(kind, by, **details)
        if kind in {self.PAUSED, self.RESUMED}:
            self._tell_sellers(kind, by)

    def _tell_sellers(self, kind: Activity.Kind, by: Actor, **details: str) -> None:
        """Write in the log of every seller whom it concerns: those who have given it access."""
        for authorization in self.authorizations.active().select_related("seller"):
            Activity.record(kind, seller=authorization.seller, subject=self.name, by=by, **details)

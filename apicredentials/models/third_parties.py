"""Third parties: software of others that asks sellers for access (RFC 6749 §4.1)."""

import datetime as dt
from itertools import batched
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts.email_addresses import clean_email_address
from accounts.models import Actor
from apicredentials import redirect_uris
from apicredentials.exceptions import PartyNameTaken
from apicredentials.models.activity import Activity
from apicredentials.models.clients import OAuthClient, ProxyManager
from apicredentials.models.outgoing_mail import OutgoingMail, addresses_of

# Kinds of activity that the contact address gets a mail about.
MAILS_TO_PARTY = {
    Activity.Kind.PARTY_SUSPENDED: OutgoingMail.Kind.ACCESS_SUSPENDED,
    Activity.Kind.PARTY_RESUMED: OutgoingMail.Kind.ACCESS_RESUMED,
    Activity.Kind.LEAK_REPORTED: OutgoingMail.Kind.ACCESS_SECRET_LEAKED,
}

# Sellers per statement when something concerns all sellers of a party.
SELLERS_AT_ONCE = 500

# Fields shown by the page of partners, besides name and logo.
PARTNER_FIELDS = frozenset({"level", "description", "start_url", "is_listed"})


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

    def clean(self) -> None:
        """Require an https start address (or http on this machine), and one for a listed party."""
        start = urlsplit(self.start_url)
        if self.start_url and start.scheme != "https" and start.hostname not in redirect_uris.LOOPBACK_HOSTS:
            message = "Begin het startadres met https://; http:// mag alleen op localhost."
            raise ValidationError({"start_url": ValidationError(message, code="scheme")})
        if self.is_listed and not self.start_url:
            message = "Vul een startadres in, of zet deze partij niet in de partnerlijst."
            raise ValidationError({"start_url": ValidationError(message, code="required")})

    @property
    def last_used_at(self) -> dt.datetime | None:
        """When it last got a token, or None. The use of a public party, without a secret, is with its consents."""
        if not self.is_public:
            return super().last_used_at
        used_at: dt.datetime | None = self.authorizations.aggregate(used_at=Max("last_used_at"))["used_at"]
        return used_at

    def register(self, *, by: Actor) -> None:
        """Save this new party. Raises ValidationError on its other fields too, and PartyNameTaken."""
        self.clean_fields(exclude={field.name for field in self._meta.fields} - PARTNER_FIELDS)
        self.clean()
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

    def concerned_authorizations(self) -> QuerySet[Any]:
        """Return the consents that only a suspension of this party keeps, or would keep, from giving access."""
        consents = self.authorizations.standing().filter(seller__closed_at=None, granted_by__is_active=True)
        return consents.select_related("seller", "third_party")

    def count_concerned(self) -> tuple[int, int]:
        """Return the numbers of sellers that a suspension concerns, and of mails to them and to the party."""
        sellers = [*self.concerned_authorizations().values_list("seller", flat=True)]
        found = [addresses_of(some) for some in batched(sellers, SELLERS_AT_ONCE)]
        mails = sum(len(addresses) for some in found for addresses in some.values())
        return len(sellers), mails + bool(self.contact_email)

    def _log_change(self, former: dict[str, Any], by: Actor) -> None:
        changed = [name for name, value in former.items() if value != getattr(self, name)]
        labels = [str(ThirdParty._meta.get_field(name).verbose_name) for name in changed]  # type: ignore[union-attr]
        if labels:
            super()._log(Activity.Kind.CLIENT_CHANGED, by, changed=", ".join(labels))
        if not set(former.get("scope", "").split()) <= set(self.scope.split()):
            self._log_for_sellers(Activity.Kind.CLIENT_CHANGED, by, changed="rechten")

    def _log(self, kind: Activity.Kind, by: Actor, **details: str) -> None:
        super()._log(kind, by, **details)
        if kind in MAILS_TO_PARTY:
            self._mail_contact(MAILS_TO_PARTY[kind], by, **details)
        if kind in {self.PAUSED, self.RESUMED}:
            self._log_for_sellers(kind, by)
        elif kind == Activity.Kind.LEAK_REPORTED:
            self._log_for_sellers(Activity.Kind.PARTY_SECRET_LEAKED, by)

    def _mail_contact(self, kind: OutgoingMail.Kind, by: Actor, **details: str) -> None:
        now = timezone.now().isoformat()
        context = {**details, "subject": self.name, "client_id": self.client_id, "reason": by.reason, "at": now}
        mail = OutgoingMail(kind=kind, key=f"party:{self.pk}:{kind}:{now}", context=context)
        mail.queue_for(filter(None, [self.contact_email]))

    def _log_for_sellers(self, kind: Activity.Kind, by: Actor, **details: str) -> None:
        for some in batched(self.concerned_authorizations(), SELLERS_AT_ONCE):
            activities = [
                Activity.draft(
                    kind,
                    by,
                    seller=each.seller,
                    subject=self.name,
                    target=each.uid,
                    details={"expires_at": each.expires_at.isoformat(), **details},
                )
                for each in some
            ]
            Activity.record_all(kind, activities, by=by)

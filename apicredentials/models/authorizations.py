"""The consent of a seller to a third party: one calendar year, whatever is refreshed in between."""

import datetime as dt
from collections.abc import Iterable
from typing import ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, Q, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials import scopes
from apicredentials.exceptions import CannotRenew
from apicredentials.models.activity import Activity
from apicredentials.models.clients import new_uid
from apicredentials.models.outgoing_mail import OutgoingMail, key_of_end
from apicredentials.models.third_parties import ThirdParty

# From how long before its end an authorisation counts as ending soon, and can be renewed.
ENDING_SOON = dt.timedelta(days=60)
# Until how long after its end it can still be renewed, and its refresh tokens come back to life.
RENEWABLE_AFTER_END = dt.timedelta(days=30)


def one_year_after(moment: dt.datetime) -> dt.datetime:
    """Return the same wall-clock moment a calendar year later, in the portal's time zone.

    29 February becomes 28 February. A clock time that the later day skips or has twice is taken as Python
    takes it (PEP 495): the offset before the change.
    """
    local = timezone.localtime(moment)
    try:
        later = local.replace(year=local.year + 1)
    except ValueError:
        later = local.replace(year=local.year + 1, day=28)
    return later.astimezone(dt.UTC)


# What a consent says anew of an authorisation that stands.
RENEWED = ("scope", "granted_by", "granted_at", "expires_at")


class ThirdPartyAuthorizationQuerySet(models.QuerySet["ThirdPartyAuthorization"]):
    """Which authorisations there are."""

    def for_seller(self, seller: Seller) -> Self:
        """Those of one seller: the only way from a request to a row."""
        return self.filter(seller=seller)

    def active(self) -> Self:
        """Those that give access now."""
        return self.filter(ended_at__isnull=True, expires_at__gt=timezone.now())

    def with_details(self) -> Self:
        """With everything the settings page shows: current ones first, then history, what ended last first."""
        renewable = Q(ended_at=None, expires_at__gt=timezone.now() - RENEWABLE_AFTER_END)
        past_since = Case(When(renewable, then=None), default=Coalesce("ended_at", "expires_at"))
        return (
            self.select_related("third_party__logo", "granted_by")
            .defer("third_party__logo__content")
            .order_by(past_since.desc(nulls_first=True), "third_party__folded_name")
        )

    def consent(
        self, *, seller: Seller, third_party: ThirdParty, rights: Iterable[str], by: Actor
    ) -> "ThirdPartyAuthorization":
        """Write down that `seller` gives `third_party` exactly `rights`, for a year from now.

        A consent that is still running is replaced, so that tokens already out obey the new one. One past
        its end stays as history, and its tokens stay dead. The seller's row is locked: two consents at
        once make one authorisation. Its own row is too, and whatever ended it meanwhile has ended it.
        """
        now = timezone.now()
        with transaction.atomic():
            # no_key: rows of the log that refer to the seller need not wait, and so cannot make a circle with it.
            Seller.objects.select_for_update(no_key=True).get(pk=seller.pk)
            present = self.filter(seller=seller, third_party=third_party, ended_at__isnull=True)
            current = present.select_for_update(no_key=True).first()
            if current and not current.is_active:
                current.ended_at = current.expires_at
                current.save(update_fields=["ended_at"])
                current = None
            authorization = current or ThirdPartyAuthorization(seller=seller, third_party=third_party)
            authorization.scope = scopes.join(rights)
            authorization.granted_by = by.user
            authorization.granted_at = now
            authorization.expires_at = one_year_after(now)
            authorization.save(update_fields=RENEWED if current else None)
            OutgoingMail.objects.withdraw(key_of_end(authorization.uid))
            Activity.record(
                Activity.Kind.PARTY_AUTHORIZED,
                seller=seller,
                subject=third_party.name,
                by=by,
                scope=authorization.scope,
                expires_at=authorization.expires_at.isoformat(),
            )
        return authorization


class ThirdPartyAuthorization(models.Model):
    """What one third party may do for one seller, and until when."""

    uid = models.CharField(max_length=36, unique=True, default=new_uid, editable=False)
    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="authorizations", verbose_name="verkoper")
    third_party = models.ForeignKey(
        "apicredentials.ThirdParty",
        on_delete=models.CASCADE,
        related_name="authorizations",
        verbose_name="derde partij",
    )
    scope = models.TextField("rechten")
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name="gegeven door",
    )
    granted_at = models.DateTimeField("gegeven op")
    expires_at = models.DateTimeField("verloopt op", db_index=True)
    ended_at = models.DateTimeField("beëindigd op", null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField("laatst gebruikt op", null=True, blank=True, editable=False)

    objects: ClassVar[models.Manager["ThirdPartyAuthorization"]] = ThirdPartyAuthorizationQuerySet.as_manager()

    class Meta:
        verbose_name = "autorisatie"
        verbose_name_plural = "autorisaties"
        ordering = ("-granted_at",)
        constraints = (
            models.UniqueConstraint(
                name="one_current_authorization",
                fields=["seller", "third_party"],
                condition=Q(ended_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.third_party} – {self.seller}"

    @property
    def rights(self) -> list[str]:
        """The scope names granted, with all they include, as far as the party may have them now."""
        return scopes.close(set(self.scope.split()) & set(self.third_party.scope.split()))

    @property
    def right_labels(self) -> list[scopes.Label]:
        """The rights as people read them, each once: "Lezen en beheren" says "Lezen" too."""
        return [scopes.label(scope) for scope in scopes.highest(self.rights)]

    @property
    def is_active(self) -> bool:
        """Whether it gives access now."""
        return self.ended_at is None and timezone.now() < self.expires_at

    @property
    def is_expired(self) -> bool:
        """Whether its year ran out; a consent given later leaves it so."""
        return timezone.now() >= self.expires_at and (self.ended_at is None or self.ended_at >= self.expires_at)

    @property
    def is_revoked(self) -> bool:
        """Whether it was removed before its year was over."""
        return self.ended_at is not None and self.ended_at < self.expires_at

    @property
    def is_current(self) -> bool:
        """Whether anything can still be done about it: it gives access, or can be renewed."""
        return self.is_active or self.is_renewable

    @property
    def is_ending_soon(self) -> bool:
        """Whether it still gives access, but for 60 days at most."""
        return self.is_active and self.expires_at - timezone.now() <= ENDING_SOON

    @property
    def is_renewable(self) -> bool:
        """Whether the seller can renew it here, without a trip to the party."""
        now = timezone.now()
        return self.ended_at is None and self.expires_at - ENDING_SOON <= now < self.expires_at + RENEWABLE_AFTER_END

    @property
    def days_left(self) -> int:
        """The calendar days from today to the last day, in the portal's time zone."""
        return (timezone.localdate(self.expires_at) - timezone.localdate()).days

    @property
    def state(self) -> str:
        """The state's code (protocol.md, "States and causes")."""
        if self.is_revoked:
            return "revoked"
        if self.is_expired:
            return "expired"
        return "suspended" if self.third_party.paused_at else "active"

    @property
    def cause(self) -> str:
        """The code of what caused the state; '' when active."""
        causes = {"revoked": "removed_by_seller", "expired": "year_over", "suspended": "suspended"}
        return causes.get(self.state, "")

    @property
    def state_label(self) -> str:
        """The state as the seller reads it."""
        labels = {"expired": "Verlopen", "revoked": "Ingetrokken", "suspended": "Stilgezet door ons"}
        return labels.get(self.state, "Verloopt binnenkort" if self.is_ending_soon else "Actief")

    @property
    def state_since(self) -> dt.datetime | None:
        """When the state began; None when active."""
        since = {"revoked": self.ended_at, "expired": self.expires_at, "suspended": self.third_party.paused_at}
        return since.get(self.state)

    @property
    def cause_sentence(self) -> str:
        """Who or what caused the state."""
        sentences = {
            "revoked": "De toestemming is ingetrokken.",
            "expired": "De toestemming is verlopen: een toestemming geldt een jaar.",
            "suspended": f"Wij hebben {self.third_party.name} voor alle verkopers stilgezet.",
        }
        return sentences.get(self.state, "")

    @property
    def remedy(self) -> str:
        """What the seller can do now."""
        if self.is_renewable and self.state != "suspended":
            return "verleng de toestemming. Daarna werkt de koppeling meteen weer." if self.state == "expired" else ""
        remedies = {
            "revoked": "koppel opnieuw als je deze partij weer wilt gebruiken.",
            "expired": "koppel opnieuw als je deze partij weer wilt gebruiken.",
            "suspended": "je hoeft niets te doen. We mailen je zodra het weer werkt; je toestemming blijft staan.",
        }
        return remedies.get(self.state, "")

    @property
    def can_be_taken_over(self) -> bool:
        """Whether a colleague can take this consent over from somebody who left."""
        return False

    def renew(self, *, by: Actor) -> None:
        """Start a new year today, with the same rights; raises CannotRenew.

        Who renews answers for it from now on, in place of who once consented.
        """
        with transaction.atomic():
            ThirdPartyAuthorization.objects.select_for_update(no_key=True).get(pk=self.pk)
            self.refresh_from_db()
            if not self.is_renewable:
                raise CannotRenew
            now = timezone.now()
            self.granted_by, self.granted_at = by.user, now
            self.expires_at = one_year_after(now)
            self.save(update_fields=["granted_by", "granted_at", "expires_at"])
            OutgoingMail.objects.withdraw(key_of_end(self.uid))
            Activity.record(
                Activity.Kind.PARTY_RENEWED,
                seller=self.seller,
                subject=self.third_party.name,
                by=by,
                expires_at=self.expires_at.isoformat(),
            )

    def revoke(self, *, by: Actor) -> None:
        """End it: from now on no token of this party works for this seller. A second time does nothing."""
        with transaction.atomic():
            ended = ThirdPartyAuthorization.objects.filter(pk=self.pk, ended_at__isnull=True).update(
                ended_at=timezone.now()
            )
            if ended:
                OutgoingMail.objects.withdraw(key_of_end(self.uid))
                Activity.record(Activity.Kind.PARTY_REVOKED, seller=self.seller, subject=self.third_party.name, by=by)
        self.refresh_from_db()

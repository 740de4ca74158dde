"""Authorisations: the consent of a seller to a third party, for one calendar year."""

import datetime as dt
from collections.abc import Iterable
from typing import ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Actor, Seller, User
from apicredentials import scopes
from apicredentials.exceptions import CannotNarrow, CannotRenew, CannotTakeOver
from apicredentials.models.activity import Activity
from apicredentials.models.authorization_filters import RENEWABLE_AFTER_END, in_state
from apicredentials.models.clients import new_uid
from apicredentials.models.locking import lock
from apicredentials.models.outgoing_mail import OutgoingMail, key_of_end
from apicredentials.models.states import GIVER_GONE, Cause, State, cause_choices
from apicredentials.models.third_parties import ThirdParty
from apicredentials.moments import days_until, moment, one_year_after

# From this long before its end, an authorisation counts as ending soon and can be renewed.
ENDING_SOON = dt.timedelta(days=60)

# Kinds of activity that the party's contact address gets a mail about.
MAILS_TO_PARTY = {
    Activity.Kind.PARTY_AUTHORIZED: OutgoingMail.Kind.ACCESS_AUTHORIZED,
    Activity.Kind.PARTY_REVOKED: OutgoingMail.Kind.ACCESS_REMOVED,
}


class ThirdPartyAuthorizationQuerySet(models.QuerySet["ThirdPartyAuthorization"]):
    """Authorisations by state; each filter agrees with `ThirdPartyAuthorization.state`."""

    def for_seller(self, seller: Seller) -> Self:
        """Return the authorisations of one seller. Requests reach rows only through this."""
        return self.filter(seller=seller)

    def given_by(self, user: User, *, seller: Seller) -> Self:
        """Return those that this member gave consent to and that have not ended."""
        return self.for_seller(seller).filter(granted_by=user, ended_at=None)

    def standing(self) -> Self:
        """Return those neither ended nor past their year. They may be suspended."""
        return self.filter(ended_at=None, expires_at__gt=timezone.now())

    def revocable(self) -> Self:
        """Return those that give access or could again, as `ThirdPartyAuthorization.is_revocable`."""
        can_be_taken_over = Q(end_cause__in=GIVER_GONE, expires_at__gt=timezone.now() - RENEWABLE_AFTER_END)
        return self.filter(Q(ended_at=None) | can_be_taken_over)

    def active(self) -> Self:
        """Return those that give access now."""
        return self.standing().filter(
            seller__closed_at=None,
            third_party__paused_at=None,
            third_party__deleted_at=None,
            granted_by__is_active=True,
        )

    def in_state(self, state: State) -> Self:
        """Return those with this `state`."""
        return self.filter(in_state(state))

    def with_parties(self) -> Self:
        """Join the rows that `state` and the texts about it need."""
        return self.select_related("third_party", "seller", "granted_by")

    def with_details(self) -> Self:
        """Load everything the pages show."""
        return self.with_parties().select_related("third_party__logo").defer("third_party__logo__content")

    def present_first(self) -> list["ThirdPartyAuthorization"]:
        """Return a seller's rows: current ones first, then history, the latest end first.

        A seller has few. Sorting them costs less than the CASE in SQL.
        """
        return sorted(
            self.with_details(), key=lambda each: (each.is_current, each.ended_at or each.expires_at), reverse=True
        )

    def consent(
        self, *, seller: Seller, third_party: ThirdParty, rights: Iterable[str], by: Actor
    ) -> "ThirdPartyAuthorization":
        """Record that `seller` gives `third_party` exactly `rights`, for a year from now.

        A consent still in force is replaced, so that the new rights apply to tokens already issued. One past its end
        stays as history and its tokens stay invalid. The seller's row is locked, so that two simultaneous consents
        create one authorisation.
        """
        now = timezone.now()
        with transaction.atomic():
            lock(seller)
            present = self.filter(seller=seller, third_party=third_party, ended_at=None)
            current = present.select_for_update(no_key=True).first()
            if current and current.expires_at <= now:
                current.note_end(Cause.YEAR_OVER, ended_at=current.expires_at)
                current = None
            authorization = current or ThirdPartyAuthorization(seller=seller, third_party=third_party)
            authorization.scope = scopes.join(rights)
            authorization.granted_by, authorization.granted_at = by.user, now
            authorization.expires_at = one_year_after(now)
            authorization.save()
            OutgoingMail.objects.withdraw(key_of_end(authorization.uid))
            authorization.record(
                Activity.Kind.PARTY_AUTHORIZED,
                by,
                scope=authorization.scope,
                expires_at=authorization.expires_at.isoformat(),
            )
        return authorization

    def stop_for_member(self, user: User, *, seller: Seller, by: Actor) -> None:
        """Stop the authorisations consented to by a member who left. A colleague can take each one over."""
        for authorization in self.given_by(user, seller=seller).with_parties():
            authorization.stop(Cause.MEMBER_LEFT, by=by)


class ThirdPartyAuthorization(models.Model):
    """The rights that one seller gave one third party, and until when."""

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
    end_cause = models.CharField("beëindigd omdat", max_length=30, choices=cause_choices, blank=True, editable=False)
    ended_by = models.CharField("beëindigd door", max_length=254, blank=True, editable=False)
    last_used_at = models.DateTimeField("laatst gebruikt op", null=True, blank=True, editable=False)
    # The end and the step of the last notice that was queued, for `mail.notices`. A new end makes all steps due again.
    noticed_end = models.DateTimeField(null=True, editable=False)
    noticed_step = models.PositiveSmallIntegerField(null=True, editable=False)

    objects: ClassVar[models.Manager["ThirdPartyAuthorization"]] = ThirdPartyAuthorizationQuerySet.as_manager()

    class Meta:
        verbose_name = "autorisatie"
        verbose_name_plural = "autorisaties"
        ordering = ("-granted_at",)
        indexes = (models.Index(name="authorization_ended", fields=["end_cause"], condition=Q(ended_at__isnull=False)),)
        constraints = (
            models.UniqueConstraint(
                name="one_current_authorization",
                fields=["seller", "third_party"],
                condition=Q(ended_at__isnull=True),
            ),
            models.CheckConstraint(
                name="authorization_end_has_cause",
                condition=Q(ended_at__isnull=True, end_cause="") | (Q(ended_at__isnull=False) & ~Q(end_cause="")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.third_party} – {self.seller}"

    # ---- Rights -----------------------------------------------------------------------------------------------

    @property
    def rights(self) -> list[str]:
        """The granted scope names and all that they include, limited to those the party may have now."""
        return scopes.close(set(self.scope.split()) & set(self.third_party.scope.split()))

    @property
    def right_labels(self) -> list[scopes.Label]:
        """The rights as people read them."""
        return scopes.labels(self.rights)

    # ---- State ------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The state on every page, in every command and in `GET /authorizations`.

        `oauth/sql/` decides the same in SQL; a test compares the two in every reachable state.
        """
        match self.cause:
            case None:
                return State.ACTIVE
            case Cause.YEAR_OVER:
                return State.EXPIRED
            case Cause.REMOVED_BY_SELLER | Cause.REMOVED_BY_OPERATOR:
                return State.REVOKED
            case Cause.SUSPENDED | Cause.SECRET_LEAKED | Cause.SELLER_CLOSED:
                return State.SUSPENDED
        return State.STOPPED

    @property
    def cause(self) -> Cause | None:
        """The reason why it gives no access; None while it gives access.

        During the renewal window a suspension takes precedence over the end of the year.
        """
        now = timezone.now()
        if self.end_cause:
            return Cause(self.end_cause)
        if self.expires_at <= now - RENEWABLE_AFTER_END:
            return Cause.YEAR_OVER
        if self.third_party.paused_at:
            return Cause.SECRET_LEAKED if self.third_party.is_stopped_by_leak else Cause.SUSPENDED
        if self.seller.closed_at:
            return Cause.SELLER_CLOSED
        if self.granted_by is None or not self.granted_by.is_active:
            return Cause.USER_OFF
        return Cause.YEAR_OVER if self.expires_at <= now else None

    @property
    def state_since(self) -> dt.datetime | None:
        """The time since when it has been in this state; None while it is active."""
        match self.cause:
            case None:
                return None
            case Cause.SUSPENDED:
                return self.third_party.paused_at
            case Cause.SECRET_LEAKED:
                return self.third_party.leaked_at
            case Cause.SELLER_CLOSED:
                return self.seller.closed_at
            case Cause.USER_OFF if not self.ended_at:
                return self.granted_by.deactivated_at if self.granted_by else None
        return self.ended_at or self.expires_at

    @property
    def state_label(self) -> str:
        """The state as a seller reads it."""
        return "Verloopt binnenkort" if self.is_ending_soon else self.state.label

    @property
    def cause_sentence(self) -> str:
        """The cause of the state and its time, in Dutch; empty while it is active."""
        return self._fill(self.cause.sentence) if self.cause else ""

    @property
    def remedy(self) -> str:
        """The next step for the seller, in Dutch; empty while it is active."""
        if self.state == State.EXPIRED and self.is_renewable:
            return "Kies Verlengen. Dan werkt alles weer; de partij hoeft niets te doen."
        if self.cause in GIVER_GONE and not self.can_be_taken_over:
            return self._fill(Cause.YEAR_OVER.remedy)
        return self._fill(self.cause.remedy) if self.cause else ""

    def _fill(self, text: str) -> str:
        return text.format(
            party=self.third_party.name,
            giver=self.granted_by or "Een oud-medewerker",
            by=self.ended_by or "een medewerker",
            since=moment(self.state_since) if self.state_since else "een onbekend moment",
        )

    @property
    def is_active(self) -> bool:
        """True if it gives access now."""
        return self.state == State.ACTIVE

    @property
    def is_current(self) -> bool:
        """True if pages list it among the current connections instead of in the history."""
        return not self.end_cause and self.expires_at > timezone.now() - RENEWABLE_AFTER_END

    @property
    def is_revocable(self) -> bool:
        """True if it has not ended, or could give access again because a colleague can take it over."""
        return not self.end_cause or self.can_be_taken_over

    @property
    def is_ending_soon(self) -> bool:
        """True if it gives access for at most 60 more days."""
        return self.is_active and self.expires_at - timezone.now() <= ENDING_SOON

    @property
    def is_renewable(self) -> bool:
        """True if the seller can renew it in the portal, without a new consent through the party."""
        return self.is_current and self.expires_at - ENDING_SOON <= timezone.now()

    @property
    def can_be_taken_over(self) -> bool:
        """True if the person who gave consent left and a colleague can become responsible for it."""
        return self.cause in GIVER_GONE and self.expires_at > timezone.now() - RENEWABLE_AFTER_END

    @property
    def days_left(self) -> int:
        """The calendar days from today to the last day, in the portal's time zone."""
        return days_until(self.expires_at)

    # ---- Acts -------------------------------------------------------------------------------------------------

    def record(self, kind: Activity.Kind, by: Actor, **details: str) -> None:
        """Write a row in the seller's log, and queue the mails to the seller and, for some kinds, to the party."""
        activity = Activity.record(
            kind, seller=self.seller, subject=self.third_party.name, by=by, target=self.uid, **details
        )
        if kind in MAILS_TO_PARTY:
            self.mail_party(MAILS_TO_PARTY[kind], f"party:{activity.pk}")

    def mail_party(self, kind: OutgoingMail.Kind, key: str) -> None:
        """Queue a mail about this authorisation to the party's contact address, if it has one."""
        OutgoingMail.objects.bulk_create(self.mails_to_party(kind, key), ignore_conflicts=True)

    def mails_to_party(self, kind: OutgoingMail.Kind, key: str) -> list[OutgoingMail]:
        """Return the unsaved mail to the party's contact address; empty without one."""
        context = {
            "seller": self.seller.display_name,
            "retailer_id": self.seller.retailer_id,
            "subject": self.third_party.name,
            "client_id": self.third_party.client_id,
            "authorization": self.uid,
            "scope": self.scope,
            "expires_at": self.expires_at.isoformat(),
            "at": timezone.now().isoformat(),
        }
        mail = OutgoingMail(kind=kind, key=key, context=context, seller=self.seller)
        return mail.copies_for(filter(None, [self.third_party.contact_email]))

    def renew(self, *, by: Actor) -> None:
        """Start a new year today with the same rights. Raises CannotRenew.

        The person who renews becomes responsible for it, instead of the person who gave consent.
        """
        with transaction.atomic():
            lock(self)
            if not self.is_renewable:
                raise CannotRenew
            self.granted_by, self.granted_at = by.user or self.granted_by, timezone.now()
            self.expires_at = one_year_after(self.granted_at)
            self.save(update_fields=["granted_by", "granted_at", "expires_at"])
            OutgoingMail.objects.withdraw(key_of_end(self.uid))
            self.record(Activity.Kind.PARTY_RENEWED, by, expires_at=self.expires_at.isoformat())

    def take_over(self, *, by: Actor) -> None:
        """Make `by` responsible instead of a colleague who left; keep the end date. Raises CannotTakeOver."""
        with transaction.atomic():
            lock(self.seller)
            lock(self)
            others = ThirdPartyAuthorization.objects.filter(
                seller=self.seller, third_party=self.third_party, ended_at=None
            )
            if not self.can_be_taken_over or others.exclude(pk=self.pk).exists():
                raise CannotTakeOver
            former = str(self.granted_by or "")
            self.granted_by = by.user
            self.ended_at, self.end_cause, self.ended_by = None, "", ""
            self.noticed_end = None  # the notices that waited were withdrawn
            self.save(update_fields=["granted_by", "ended_at", "end_cause", "ended_by", "noticed_end"])
            self.record(Activity.Kind.PARTY_TAKEN_OVER, by, former_giver=former, expires_at=self.expires_at.isoformat())

    def narrow(self, rights: Iterable[str], *, by: Actor) -> None:
        """Reduce the party's rights to these, for issued tokens too. Raises CannotNarrow."""
        with transaction.atomic():
            lock(self)
            former, kept = self.scope, scopes.close(rights)
            if not self.is_active or not kept or not set(kept) <= set(former.split()):
                raise CannotNarrow
            self.scope = scopes.join(kept)
            if self.scope != former:
                self.save(update_fields=["scope"])
                self.record(Activity.Kind.PARTY_NARROWED, by, former_scope=former, scope=self.scope)

    def revoke(self, *, by: Actor) -> None:
        """Reject every token of this party for this seller from now on. Idempotent."""
        cause = Cause.REMOVED_BY_OPERATOR if by.is_operator else Cause.REMOVED_BY_SELLER
        with transaction.atomic():
            lock(self)
            if self.is_revocable:
                self.note_end(cause, ended_by=by.name)
                self.record(Activity.Kind.PARTY_REVOKED, by)

    def stop(self, cause: Cause, *, by: Actor) -> None:
        """End it for a reason other than removal by the seller. Idempotent.

        If its last tokens end after the person who gave consent left, nobody can take it over any more.
        """
        with transaction.atomic():
            lock(self)
            if self.ended_at is None or (self.is_revocable and cause not in GIVER_GONE):
                self.note_end(cause, ended_by=by.name)
                self.record(Activity.Kind.PARTY_STOPPED, by, cause=cause, giver=str(self.granted_by or ""))

    def note_end(self, cause: Cause, *, ended_at: dt.datetime | None = None, ended_by: str = "") -> None:
        """Save cause, time and actor of an end, and withdraw the unsent expiry notices."""
        self.ended_at = ended_at or timezone.now()
        self.end_cause, self.ended_by = cause, ended_by[:254]
        self.save(update_fields=["ended_at", "end_cause", "ended_by"])
        OutgoingMail.objects.withdraw(key_of_end(self.uid))

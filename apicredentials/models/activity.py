"""The activity log: who did what, and when. Each row is written in the transaction of the act."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Self, TypeAlias

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials import scopes
from apicredentials.models import kinds
from apicredentials.models.kinds import Group, Recipients
from apicredentials.models.outgoing_mail import (
    OutgoingMail,
    addresses_of,
    context_for,
    owners_of,
    recipients_of,
    unique_addresses,
)
from apicredentials.models.states import Cause
from apicredentials.moments import moment

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_CURSOR = re.compile(r"([0-9]{1,17})-([0-9]{1,18})")


class ActivityQuerySet(models.QuerySet["Activity"]):
    def for_seller(self, seller: Seller) -> Self:
        """Return the rows of one seller, newest first. Requests reach rows only through this."""
        return self.filter(seller=seller)

    def about(self, what: str) -> Self:
        """Return the rows of one kind, or of one `Group` of kinds."""
        return self.filter(kind__in=kinds.Kind.grouped().get(Group(what)) if what in set(Group) else [what])

    def before(self, cursor: str) -> Self:
        """Return the rows older than the row with this `cursor`; all rows if the cursor is malformed.

        Keyset paging: the index finds the position, so a deep page costs no more than the first.
        """
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            return self
        at = _EPOCH + dt.timedelta(microseconds=int(match[1]))
        return self.filter(at__lte=at).exclude(at=at, pk__gte=int(match[2]))


class Activity(models.Model):
    """One act. Triggers in the database reject changes to a row, and its deletion within 400 days.

    Sellers and users with a row here can therefore not be deleted. Sellers are closed and users switched off instead.
    """

    Kind: TypeAlias = kinds.Kind  # noqa: UP040 - `type` makes an alias without attributes

    seller = models.ForeignKey(
        Seller, on_delete=models.PROTECT, null=True, related_name="activities", verbose_name="verkoper"
    )
    at = models.DateTimeField("wanneer", default=timezone.now, editable=False)
    kind = models.CharField("wat", max_length=40, choices=kinds.choices)
    subject = models.CharField("waarover", max_length=200, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="gebruiker"
    )
    actor_name = models.CharField("wie", max_length=254)
    address = models.GenericIPAddressField("vanaf adres", null=True, blank=True)
    reason = models.CharField("reden", max_length=500, blank=True)
    # The Client ID of a credential or party, or the id of an authorisation; None on rows from before this column.
    target = models.UUIDField("betreft", null=True, editable=False)
    details = models.JSONField("bijzonderheden", default=dict, blank=True)

    objects: ClassVar[models.Manager["Activity"]] = ActivityQuerySet.as_manager()

    class Meta:
        verbose_name = "activiteit"
        verbose_name_plural = "activiteiten"
        ordering = ("-at", "-pk")
        indexes = (
            models.Index(fields=["seller", "-at", "-id"], name="activity_by_seller"),
            # For operators: the whole log, and all rows of one kind.
            models.Index(fields=["-at", "-id"], name="activity_by_time"),
            models.Index(fields=["kind", "-at", "-id"], name="activity_by_kind"),
            models.Index(fields=["target", "-at"], name="activity_by_target", condition=Q(target__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"

    @property
    def cursor(self) -> str:
        """The position of this row in the log, for `before`."""
        return f"{(self.at - _EPOCH) // dt.timedelta(microseconds=1)}-{self.pk}"

    @property
    def day(self) -> dt.date:
        """The day of the act, in the portal's time zone."""
        return timezone.localdate(self.at)

    @property
    def explanation(self) -> str:
        """The details as Dutch sentences; empty when there is nothing to add."""
        told = {name: value for name, value in self.details.items() if value}
        if self.kind in {self.Kind.CREDENTIAL_RIGHTS_CHANGED, self.Kind.PARTY_NARROWED}:
            return _difference(told.get("former_scope", ""), told.get("scope", ""))
        return " ".join(tell(told[name]) for name, tell in SENTENCES.items() if name in told)

    @property
    def full_explanation(self) -> str:
        """The explanation, followed by the consequence for the seller, such as "Deze partij heeft toegang."."""
        return " ".join(filter(None, [self.explanation, kinds.Kind(self.kind).consequence]))

    @classmethod
    def record(
        cls,
        kind: kinds.Kind,
        *,
        seller: Seller | None,
        subject: str,
        by: Actor,
        target: str | None = None,
        **details: str,
    ) -> "Activity":
        """Write a row and queue its mail. Call it inside the transaction of the act.

        `details` are short texts for the mail or the log page, such as a former name or an end date.
        """
        activity = cls.draft(kind, by, seller=seller, subject=subject[:200], target=target, details=details)
        activity.save()
        activity.queue_mail(kind.recipients, by=by)
        return activity

    @classmethod
    def record_all(cls, kind: kinds.Kind, activities: Sequence["Activity"], *, by: Actor) -> None:
        """Write rows of one kind, one per seller, and queue their mail, as `record` does, in a few statements."""
        cls.objects.bulk_create(activities)
        if kind.recipients == Recipients.OWNERS_AND_CONTACT:
            by_seller = {each.seller_id: each for each in activities if each.seller_id}
            mails = [
                mail
                for seller, addresses in addresses_of(by_seller).items()
                for mail in by_seller[seller].mail(f"activity:{by_seller[seller].pk}", by=by).copies_for(addresses)
            ]
            OutgoingMail.objects.bulk_create(mails, ignore_conflicts=True)

    @classmethod
    def draft(cls, kind: kinds.Kind, by: Actor, **columns: Any) -> "Activity":
        """Return an unsaved row."""
        return cls(kind=kind, user=by.user, actor_name=by.name, address=by.address, reason=by.reason, **columns)

    def queue_mail(self, recipients: Recipients, *, by: Actor, also: Iterable[str] = ()) -> None:
        """Queue the mail about this act, once per address: to its recipients, and to `also`."""
        addresses: list[str] = []
        if self.seller and recipients != Recipients.NOBODY:
            addresses = owners_of(self.seller) if recipients == Recipients.OWNERS else recipients_of(self.seller)
        self.mail(f"activity:{self.pk}", by=by).queue_for(unique_addresses([*addresses, *also]))

    def mail(self, key: str, *, by: Actor) -> OutgoingMail:
        """Return the unsaved mail about this act, without a recipient."""
        context = context_for(self.seller, by=by, **self.details, subject=self.subject) | {"at": self.at.isoformat()}
        return OutgoingMail(kind=self.kind, key=key, context=context, seller=self.seller)


# ---- Sentences about the details ----------------------------------------------------------------------------


def _moment(text: str) -> str:
    return moment(dt.datetime.fromisoformat(text))


def _rights(scope: str) -> str:
    return "alle" if set(scope.split()) == set(scopes.ALL) else ", ".join(map(str, scopes.labels(scope.split())))


def _difference(former: str, present: str) -> str:
    """Describe the changed rights, one "resource: new level (was: old level)." per resource."""
    was, now = _levels(former), _levels(present)
    changed = [each for each in scopes.RESOURCES if was.get(each.name) != now.get(each.name)]
    return " ".join(
        f"{each.label}: {now.get(each.name, 'geen')} (was: {was.get(each.name, 'geen')})." for each in changed
    )


def _levels(scope: str) -> dict[str, str]:
    return {label.resource.name: label.level for label in scopes.labels(scope.split())}


# Keyed by the name of a detail. Other details are not shown.
SENTENCES: dict[str, Callable[[str], str]] = {
    "role": "Rol: {}.".format,
    "former_role": "Was: {}.".format,
    "factor": "Het gaat om: {}.".format,
    "taken_over": "Overgenomen: {}.".format,
    "stopped": "Gestopt: {}.".format,
    "former_name": "Heette eerst '{}'.".format,
    "changed": "Gewijzigd: {}.".format,
    "cause": lambda code: f"Oorzaak: {Cause(code).label}.",
    "giver": "Toestemming gegeven door {}.".format,
    "former_giver": "Toestemming eerst gegeven door {}.".format,
    "hint": "Het gaat om het secret …{}.".format,
    "previous_ends_at": lambda text: f"Einde van het oude secret: {_moment(text)}.",
    "ends_at": lambda text: f"Einde van het oude secret: {_moment(text)}.",
    "ended_at": lambda text: f"Het werkte tot {_moment(text)}.",
    "scope": lambda text: f"Rechten: {_rights(text)}.",
    "expires_at": lambda text: f"Einddatum: {_moment(text)}.",
}

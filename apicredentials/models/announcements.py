"""Announcements: service messages to all confirmed technical contacts, or to the sellers of one third party."""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import MD5, Coalesce, Lower
from django.utils import timezone

from accounts.models import Actor, Membership, Seller
from apicredentials.exceptions import AlreadySent, WordsChanged
from apicredentials.keys import secret_format
from apicredentials.models.activity import Activity
from apicredentials.models.authorizations import ThirdPartyAuthorization
from apicredentials.models.contacts import TechnicalContact
from apicredentials.models.keyset import walk
from apicredentials.models.outgoing_mail import OutgoingMail
from apicredentials.models.third_parties import ThirdParty

MAXIMUM_SUBJECT = 100
MAXIMUM_TEXT = 10_000
# Mails per transaction, which takes a fraction of a second.
BATCH_SIZE = 500


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def with_waiting(self) -> Self:
        """Annotate `has_waiting`: whether mails of the announcement are still to be queued or sent."""
        unsent = OutgoingMail.objects.waiting().filter(announcement=OuterRef("pk"))
        return self.annotate(has_waiting=Q(queued_at=None) | Q(Exists(unsent)))

    def unqueued(self) -> Self:
        """Return the sent announcements of which some recipients may not be in the outbox yet."""
        return self.filter(sent_at__isnull=False, queued_at=None)


@dataclass(frozen=True)
class Progress:
    """Numbers of an announcement's mails; `stuck` is part of `waiting`."""

    waiting: int
    stuck: int
    sent: int
    given_up: int

    @property
    def total(self) -> int:
        return self.waiting + self.sent + self.given_up


class Announcement(models.Model):
    """A service message. A draft can be changed; a sent one cannot, because people have read it."""

    subject = models.CharField(
        "onderwerp", max_length=MAXIMUM_SUBJECT, help_text="Eén regel. Noem wat er gebeurt, en wanneer."
    )
    text = models.TextField(
        "tekst",
        max_length=MAXIMUM_TEXT,
        help_text="Gewone tekst, met een lege regel tussen alinea's. Aanhef, groet en de reden waarom iemand de mail "
        "krijgt, zet de portal erbij. Adressen met https:// worden een link.",
    )
    third_party = models.ForeignKey(
        ThirdParty,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="alleen voor verkopers met",
        help_text="Leeg: aan elk technisch contact. Kies je een partij, dan gaat de mail aan de eigenaren en het "
        "technisch contact van elke verkoper die deze partij nu toegang geeft.",
    )
    created_at = models.DateTimeField("gemaakt", default=timezone.now, editable=False)
    updated_at = models.DateTimeField("gewijzigd", auto_now=True)
    sent_at = models.DateTimeField("verstuurd", null=True, editable=False)
    # When the mails for all recipients were in the outbox.
    queued_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[models.Manager["Announcement"]] = AnnouncementQuerySet.as_manager()

    class Meta:
        verbose_name = "mededeling"
        verbose_name_plural = "mededelingen"
        ordering = ("-created_at", "-pk")
        permissions = (("send_announcement", "Mag een mededeling versturen"),)
        constraints = (
            # A hash of the text, because the text itself is too long for an index.
            models.UniqueConstraint(
                "subject",
                MD5("text"),
                Coalesce("third_party", 0),
                name="announcement_words_once",
                violation_error_code="unique",
                violation_error_message="Er is al een mededeling met precies deze woorden.",
            ),
        )

    def __str__(self) -> str:
        return self.subject

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save a draft; raises AlreadySent, and WordsChanged when it was deleted."""
        with transaction.atomic():
            if self.pk:
                self._locked_draft()
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete a draft; raises AlreadySent, and WordsChanged when it was deleted before."""
        with transaction.atomic():
            self._locked_draft()
            return super().delete(*args, **kwargs)

    @property
    def is_draft(self) -> bool:
        return self.sent_at is None

    @property
    def words(self) -> dict[str, str]:
        """The facts shared by all mails of this announcement."""
        party = self.third_party.name if self.third_party else ""
        return {"subject": self.subject, "text": self.text, "party": party}

    def clean(self) -> None:
        """Normalise the words; raise ValidationError when they cannot be mailed."""
        errors: dict[str, ValidationError] = {}
        # Empty fields are reported by the form already.
        for name in (name for name in CLEAN if getattr(self, name)):
            try:
                setattr(self, name, CLEAN[name](getattr(self, name)))
            except ValidationError as error:
                errors[name] = error
        if errors:
            raise ValidationError(errors)

    def _locked_draft(self) -> "Announcement":
        """Lock this row and return it as it is now; raises AlreadySent, and WordsChanged when it is gone."""
        row = Announcement.objects.select_for_update(no_key=True).filter(pk=self.pk).first()
        if row is None:
            raise WordsChanged
        if not row.is_draft:
            raise AlreadySent
        return row

    def send(self, *, by: Actor, seen: dt.datetime) -> None:
        """Fix the words and the moment; `queue` writes the mails.

        `seen` is the `updated_at` of the version that the operator read. Raises AlreadySent, and WordsChanged if the
        announcement was changed since.
        """
        with transaction.atomic():
            if self._locked_draft().updated_at != seen:
                raise WordsChanged
            self.refresh_from_db()
            self.sent_at = timezone.now()
            Announcement.objects.filter(pk=self.pk).update(sent_at=self.sent_at)
            Activity.record(Activity.Kind.ANNOUNCEMENT_SENT, seller=None, subject=self.subject, by=by)

    def queue(self) -> None:
        """Queue a mail for each recipient of a sent announcement, once per address, in short transactions.

        Idempotent: after an interruption, and beside another process, addresses that have a mail are skipped.
        """
        if self.is_draft or self.queued_at:
            return
        for recipients in batched(self.recipients(), BATCH_SIZE):
            # In one order, so that two processes wait for each other instead of deadlocking.
            ordered = sorted(recipients, key=lambda recipient: recipient[0].lower())
            mails = [self.mail_to(address, seller) for address, seller in ordered]
            OutgoingMail.objects.bulk_create(mails, ignore_conflicts=True)
        self.queued_at = timezone.now()
        Announcement.objects.filter(pk=self.pk).update(queued_at=self.queued_at)

    def mail_to(self, address: str, seller: Seller) -> OutgoingMail:
        """Return the unsaved mail to one address."""
        return OutgoingMail(
            kind=OutgoingMail.Kind.ANNOUNCEMENT,
            key=f"announcement:{self.pk}",
            announcement=self,
            recipient=address,
            seller=seller,
            context={"seller": seller.display_name, "retailer_id": seller.retailer_id},
        )

    def sellers(self) -> models.QuerySet[Seller]:
        """Return the open sellers that this announcement is for."""
        sellers = Seller.objects.filter(closed_at=None)
        if self.third_party is None:
            return sellers
        # Also of a suspended party: these sellers are the ones that want to know.
        authorizations = ThirdPartyAuthorization.objects.standing().filter(third_party=self.third_party)
        return sellers.filter(pk__in=authorizations.values("seller"))

    def contacts(self) -> models.QuerySet[TechnicalContact]:
        """Return the technical contacts of its sellers that were confirmed when it was sent; now, for a draft."""
        confirmed = TechnicalContact.objects.filter(confirmed_at__lte=self.sent_at or timezone.now())
        return confirmed.filter(seller__in=self.sellers())

    def owners(self) -> models.QuerySet[Membership]:
        """Return the owners of its sellers, if it is about one third party."""
        if self.third_party is None:
            return Membership.objects.none()
        return Membership.objects.filter(role=Membership.Role.OWNER, user__is_active=True, seller__in=self.sellers())

    def recipients(self) -> Iterator[tuple[str, Seller]]:
        """Yield each address with its seller; an address may occur more than once."""
        for contact in walk(self.contacts().select_related("seller"), "pk"):
            yield contact.email, contact.seller
        for owner in walk(self.owners().select_related("seller", "user"), "pk"):
            yield owner.user.email, owner.seller

    def count_addresses(self) -> int:
        """Count the addresses of the recipients."""
        # distinct(), because union() with an empty queryset returns the other one as it is.
        contacts = self.contacts().values(at=Lower("email")).distinct()
        return contacts.union(self.owners().values(at=Lower("user__email"))).count()

    def count_mails(self) -> Progress:
        """Count the mails in the outbox."""
        waiting = Q(sent_at=None, given_up_at=None)
        counts = OutgoingMail.objects.filter(announcement=self).aggregate(
            waiting=Count("pk", filter=waiting),
            stuck=Count("pk", filter=waiting & ~Q(last_error="")),
            sent=Count("sent_at"),
            given_up=Count("given_up_at"),
        )
        return Progress(**counts)

    def progress(self) -> Progress:
        """Count the mails; until all are in the outbox, the addresses without one count as waiting.

        Reads all recipients, which takes a second for 200,000.
        """
        if self.is_draft:
            return Progress(waiting=self.count_addresses(), stuck=0, sent=0, given_up=0)
        progress = self.count_mails()
        if self.queued_at is None:
            unsent = self.count_addresses() - progress.sent - progress.given_up
            progress = replace(progress, waiting=max(progress.waiting, unsent))
        return progress


# ---- Words --------------------------------------------------------------------------------------------------


def clean_subject(subject: str) -> str:
    """Return `subject` trimmed and in NFC; raise ValidationError when it is not one readable line."""
    subject = unicodedata.normalize("NFC", subject.strip())
    if not subject:
        raise ValidationError("Vul een onderwerp in.", code="required")
    if len(subject) > MAXIMUM_SUBJECT:
        raise ValidationError(f"Maak het onderwerp korter: hoogstens {MAXIMUM_SUBJECT} tekens.", code="max_length")
    _refuse_unmailable(subject)
    return subject


def clean_text(text: str) -> str:
    """Return `text` in NFC, with one empty line between paragraphs; raise ValidationError when it cannot be mailed."""
    lines = [" ".join(line.split()) for line in unicodedata.normalize("NFC", text).splitlines()]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not text:
        raise ValidationError("Vul een tekst in.", code="required")
    if len(text) > MAXIMUM_TEXT:
        raise ValidationError(f"Maak de tekst korter: hoogstens {MAXIMUM_TEXT} tekens.", code="max_length")
    _refuse_unmailable(text.replace("\n", " "))
    if re.search(r"http://", text, re.IGNORECASE):
        raise ValidationError("Gebruik adressen die met https:// beginnen.", code="insecure_link")
    return text


def _refuse_unmailable(text: str) -> None:
    if not text.isprintable():
        raise ValidationError(
            "Hierin staat een onzichtbaar teken of een regeleinde. Typ het opnieuw, zonder te plakken.",
            code="invisible",
        )
    if secret_format.PATTERN.search(text):
        raise ValidationError("Hierin staat een client secret. Haal het weg.", code="secret")


CLEAN: dict[str, Callable[[str], str]] = {"subject": clean_subject, "text": clean_text}

"""What the marketplace tells all technical contacts: written, read over, sent to each of them once, and then fixed.

Sending is two steps, so that nobody waits for a hundred thousand mails and no transaction holds them all. `send`
settles the words and the moment; `queue_next` writes the mails of the next contacts in the outbox, and may be called
by anybody, at any time, until there are none left. The outbox holds one mail for each announcement and seller, and
one for each announcement and address: whoever repeats a step, the database lets nothing through twice.
"""

import datetime as dt
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import Actor
from apicredentials.exceptions import AlreadySent, WordsChanged
from apicredentials.keys import secret_format
from apicredentials.models import outgoing_mail
from apicredentials.models.activity import Activity
from apicredentials.models.contacts import TechnicalContact
from apicredentials.models.outgoing_mail import OutgoingMail

MAXIMUM_SUBJECT = 100
MAXIMUM_TEXT = 10_000
# How many contacts get their mail queued in one transaction.
BATCH_SIZE = 500


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    """Which announcements there are."""

    def drafts(self) -> Self:
        """Those that nobody has sent."""
        return self.filter(started_at=None)

    def unfinished(self) -> Self:
        """Those that were sent while not every contact's mail is in the outbox yet."""
        return self.filter(started_at__isnull=False, queued_at=None)

    def with_waiting(self) -> Self:
        """Say of each in `has_waiting` whether a mail of it is still to leave."""
        return self.annotate(has_waiting=Exists(OutgoingMail.objects.waiting().filter(announcement=OuterRef("pk"))))


@dataclass(frozen=True)
class Progress:
    """What became of an announcement's mails, and how many addresses have none yet; `stuck` are some of `waiting`."""

    to_queue: int
    waiting: int
    stuck: int
    sent: int
    given_up: int

    @property
    def total(self) -> int:
        """How many addresses it is for."""
        return self.to_queue + self.waiting + self.sent + self.given_up

    @property
    def due(self) -> int:
        """How many mails are still to leave, now or later."""
        return self.to_queue + self.waiting


class Announcement(models.Model):
    """A service message. A draft may change; once sent, it is what people have read and stays as it is."""

    subject = models.CharField(
        "onderwerp", max_length=MAXIMUM_SUBJECT, help_text="Eén regel. Noem wat er gebeurt, en wanneer."
    )
    text = models.TextField(
        "tekst",
        max_length=MAXIMUM_TEXT,
        help_text="Gewone tekst, met een lege regel tussen alinea’s. Aanhef, groet en de reden waarom iemand de mail "
        "krijgt, zet de portal erbij. Adressen met https:// worden een link.",
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField("gemaakt", default=timezone.now, editable=False)
    started_at = models.DateTimeField("verstuurd", null=True, editable=False)
    queued_at = models.DateTimeField("helemaal klaargezet", null=True, editable=False)
    # The last contact whose turn has come, in the order of their keys.
    last_contact = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar[models.Manager["Announcement"]] = AnnouncementQuerySet.as_manager()

    class Meta:
        verbose_name = "mededeling"
        verbose_name_plural = "mededelingen"
        ordering = ("-created_at", "-pk")
        permissions = (("send_announcement", "Mag een mededeling versturen"),)
        constraints = (
            models.CheckConstraint(
                name="announcement_is_sent_before_queued", condition=Q(queued_at=None) | Q(started_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return self.subject

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep these words, with their digest; raises AlreadySent when people have others already, and WordsChanged."""
        with transaction.atomic():
            if self.pk:
                self._locked_draft()
            self.digest = digest_of(self.subject, self.text)
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Throw a draft away; raises AlreadySent, and WordsChanged when somebody was first."""
        with transaction.atomic():
            self._locked_draft()
            return super().delete(*args, **kwargs)

    @property
    def is_draft(self) -> bool:
        """Whether it may still change."""
        return self.started_at is None

    @property
    def words(self) -> dict[str, str]:
        """What its mails are made from, besides to whom they go."""
        return {"subject": self.subject, "text": self.text}

    # ---- Writing ------------------------------------------------------------------------------------------

    def clean(self) -> None:
        """Tidy the words; refuse what cannot be mailed, and words that were written before.

        What is missing is for a form to say, which does so before it asks here.
        """
        self.clean_words([name for name in CLEAN if getattr(self, name)])
        if Announcement.objects.filter(digest=self.digest).exclude(pk=self.pk).exists():
            raise ValidationError("Er is al een mededeling met precies deze woorden.", code="unique")

    def clean_words(self, names: Iterable[str] = ("subject", "text")) -> None:
        """Tidy the words, or raise ValidationError with codes."""
        errors: dict[str, ValidationError] = {}
        for name in names:
            try:
                setattr(self, name, CLEAN[name](getattr(self, name)))
            except ValidationError as error:
                errors[name] = error
        if errors:
            raise ValidationError(errors)
        self.digest = digest_of(self.subject, self.text)

    @classmethod
    def with_words(cls, subject: str, text: str) -> "Announcement":
        """Return the announcement that says this, saved or not yet: said twice, it is one. Raises ValidationError."""
        new = cls(subject=subject, text=text)
        new.clean_words()
        return Announcement.objects.filter(digest=new.digest).first() or new

    @classmethod
    def keep(cls, new: "Announcement") -> "Announcement":
        """Return this announcement saved; of several with the same words at once there is one."""
        return cls.objects.get_or_create(digest=new.digest, defaults=new.words)[0]

    def _locked(self) -> "Announcement":
        """Wait for this row and return it as it is now; raises WordsChanged when it is no longer there."""
        row = Announcement.objects.select_for_update(no_key=True).filter(pk=self.pk).first()
        if row is None:
            raise WordsChanged
        return row

    def _locked_draft(self) -> "Announcement":
        row = self._locked()
        if not row.is_draft:
            raise AlreadySent
        return row

    # ---- Sending ------------------------------------------------------------------------------------------

    def send(self, *, by: Actor, seen: str) -> None:
        """Settle these words, and that they are for every contact that is confirmed now.

        `seen` is the digest of the words that somebody read before. Raises AlreadySent and WordsChanged.
        """
        with transaction.atomic():
            if self._locked_draft().digest != seen:
                raise WordsChanged
            self.refresh_from_db()
            self._note(started_at=timezone.now())
            Activity.record(Activity.Kind.ANNOUNCEMENT_SENT, seller=None, subject=self.subject, by=by)

    def queue_next(self, *, at_once: bool = False) -> bool:
        """Write the mails of the next contacts, in a transaction of their own; False when there were none left.

        `at_once` is as soon as the mailer allows; otherwise with all that is due.
        """
        with transaction.atomic():
            self._locked()
            self.refresh_from_db()
            if self.started_at is None or self.queued_at is not None:
                return False
            contacts = list(self.contacts_left().select_related("seller").order_by("pk")[:BATCH_SIZE])
            OutgoingMail.objects.bulk_create([self.mail_to(contact) for contact in contacts], ignore_conflicts=True)
            self._note(last_contact=contacts[-1].pk if contacts else self.last_contact)
            if len(contacts) < BATCH_SIZE:
                self._note(queued_at=timezone.now())
            if at_once:
                transaction.on_commit(lambda: outgoing_mail.after_commit(self.key), robust=True)
        return True

    def _note(self, **changes: dt.datetime | int) -> None:
        for name, value in changes.items():
            setattr(self, name, value)
        Announcement.objects.filter(pk=self.pk).update(**changes)

    @property
    def key(self) -> str:
        """What the outbox calls it."""
        return f"announcement:{self.pk}"

    def mail_to(self, contact: TechnicalContact) -> OutgoingMail:
        """Return the mail to one contact, unsaved."""
        seller = contact.seller
        return OutgoingMail(
            kind=OutgoingMail.Kind.ANNOUNCEMENT,
            key=self.key,
            announcement=self,
            recipient=contact.email,
            seller=seller,
            context={"seller": seller.display_name, "retailer_id": seller.retailer_id},
        )

    def contacts_left(self) -> models.QuerySet[TechnicalContact]:
        """Whose turn is to come: of those confirmed when it was sent (a draft: now), whose seller is open."""
        return TechnicalContact.objects.filter(
            confirmed_at__lte=self.started_at or timezone.now(), seller__closed_at=None, pk__gt=self.last_contact
        )

    def addresses_left(self) -> int:
        """How many addresses are still to get a mail in the outbox: some are the contact of several sellers."""
        if self.queued_at is not None:
            return 0
        theirs = OutgoingMail.objects.annotate(address=Lower("recipient")).filter(
            key=self.key, address=Lower(OuterRef("email"))
        )
        left = self.contacts_left().filter(~Exists(theirs))
        return left.aggregate(addresses=Count(Lower("email"), distinct=True))["addresses"] or 0

    def progress(self) -> Progress:
        """Return how far it is, in two queries."""
        waiting = Q(sent_at=None, given_up_at=None)
        counts = OutgoingMail.objects.filter(key=self.key).aggregate(
            waiting=Count("pk", filter=waiting),
            stuck=Count("pk", filter=waiting & ~Q(last_error="")),
            sent=Count("sent_at"),
            given_up=Count("given_up_at"),
        )
        return Progress(to_queue=self.addresses_left(), **counts)


def queue_announcements() -> None:
    """Write what is left of the mails of every announcement that was sent."""
    for announcement in Announcement.objects.unfinished().order_by("pk"):
        while announcement.queue_next():
            pass


# ---- Words ----------------------------------------------------------------------------------------------------


def digest_of(subject: str, text: str) -> str:
    """Return what no other words have."""
    return hashlib.sha256(f"{subject}\n{text}".encode()).hexdigest()


def clean_subject(subject: str) -> str:
    """Return `subject` trimmed and in NFC; raise ValidationError when it is not one line that can be read."""
    subject = unicodedata.normalize("NFC", subject.strip())
    if not subject:
        raise ValidationError("Vul een onderwerp in.", code="required")
    if len(subject) > MAXIMUM_SUBJECT:
        raise ValidationError(f"Maak het onderwerp korter: hoogstens {MAXIMUM_SUBJECT} tekens.", code="max_length")
    _refuse_what_must_not_be_mailed(subject)
    return subject


def clean_text(text: str) -> str:
    """Return `text` in NFC, with one empty line between paragraphs; raise ValidationError when it cannot be mailed."""
    lines = [" ".join(line.split()) for line in unicodedata.normalize("NFC", text).splitlines()]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not text:
        raise ValidationError("Vul een tekst in.", code="required")
    if len(text) > MAXIMUM_TEXT:
        raise ValidationError(f"Maak de tekst korter: hoogstens {MAXIMUM_TEXT} tekens.", code="max_length")
    _refuse_what_must_not_be_mailed(text.replace("\n", " "))
    if re.search(r"http://", text, re.IGNORECASE):
        raise ValidationError("Gebruik adressen die met https:// beginnen.", code="insecure_link")
    return text


def _refuse_what_must_not_be_mailed(text: str) -> None:
    if not text.isprintable():
        raise ValidationError(
            "Hierin staat een onzichtbaar teken of een regeleinde. Typ het opnieuw, zonder te plakken.",
            code="invisible",
        )
    if secret_format.PATTERN.search(text):
        raise ValidationError("Hierin staat een client secret. Haal het weg.", code="secret")


CLEAN: dict[str, Callable[[str], str]] = {"subject": clean_subject, "text": clean_text}

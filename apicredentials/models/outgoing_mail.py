"""The outbox: one row per recipient, written in the transaction of the act and sent by `send_notices`."""

import datetime as dt
import re
import uuid
from collections.abc import Iterable
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import ClassVar, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Actor, Membership, Seller

# The pauses before the next attempt after a failure; about five days in all.
PAUSES = (
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=15),
    dt.timedelta(hours=1),
    dt.timedelta(hours=4),
    *[dt.timedelta(hours=12)] * 9,
)
# How long a claimed mail is reserved for its sender. Longer than any attempt takes, so an expired lease means that the
# sender died.
LEASE = dt.timedelta(minutes=10)


def new_message_id() -> str:
    """Return a unique Message-ID (RFC 5322 §3.6.4)."""
    return f"<{uuid.uuid4().hex}@{urlsplit(settings.ISSUER_URL).hostname}>"


class OutgoingMailQuerySet(models.QuerySet["OutgoingMail"]):
    def waiting(self) -> Self:
        """Return the mails that are still to be sent, now or later."""
        return self.filter(sent_at__isnull=True, given_up_at__isnull=True)

    def due(self) -> Self:
        """Return the mails to send now."""
        return self.waiting().filter(due_at__lte=timezone.now())

    def stuck(self) -> Self:
        """Return the mails that failed at least once and have not been sent, given up or not."""
        return self.filter(sent_at__isnull=True).exclude(last_error="")

    def claim(self) -> "OutgoingMail | None":
        """Reserve one due mail for this sender until LEASE is over; None when nothing is due.

        Mail is sent outside any transaction, because an open one would keep SQLite's other writers waiting for the
        mail server. A claim is therefore committed on its own and counts as an attempt, so that a mail that crashes
        its sender is not retried first. Announcements come last: news of a leak must not wait for thousands of mails.

        Ordered as the indexes are, and without joins: otherwise PostgreSQL may read all that is due for each mail.
        """
        due = self.due().order_by("due_at")
        while mail := due.filter(announcement=None).first() or due.first():
            if mail.take():
                return mail
        return None

    def withdraw(self, occasion: str) -> None:
        """Delete the unsent mails whose key begins with `occasion`, because their news is no longer true."""
        self.filter(sent_at__isnull=True, key__startswith=occasion).delete()

    def try_again(self) -> int:
        """Make the stuck mails due now and reset their attempts."""
        return self.stuck().update(due_at=timezone.now(), attempts=0, given_up_at=None)


class OutgoingMail(models.Model):
    """A mail to one address. It holds the facts; `apicredentials.mail` makes the texts when it is sent."""

    class Kind(models.TextChoices):
        """Mails that do not belong to a row in the log; the others have the kind of their activity."""

        CONTACT_CONFIRMATION = "contact_confirmation", "Adres bevestigen"
        CONTACT_REMINDER = "contact_reminder", "Adres nog niet bevestigd"
        CONTACT_UNCONFIRMED = "contact_unconfirmed", "Adres nog niet bevestigd, aan de eigenaar"
        CONTACT_REPLACED = "contact_replaced", "Technisch contact gewijzigd, aan het oude adres"
        AUTHORIZATION_ENDS = "authorization_ends", "Autorisatie verloopt binnenkort"
        ANNOUNCEMENT = "announcement", "Mededeling"
        INVITATION = "invitation", "Uitnodiging"
        OWN_PASSWORD = "own_password", "Wachtwoord gewijzigd, aan de gebruiker"
        OWN_FACTOR_ADDED = "own_factor_added", "Tweede stap ingesteld, aan de gebruiker"
        OWN_FACTOR_REMOVED = "own_factor_removed", "Tweede stap verwijderd, aan de gebruiker"
        OWN_RECOVERY_CODE = "own_recovery_code", "Herstelcode gebruikt, aan de gebruiker"
        OWN_RECOVERY_CODES = "own_recovery_codes", "Nieuwe herstelcodes, aan de gebruiker"
        OWN_NEW_DEVICE = "own_new_device", "Ingelogd op een nieuw apparaat, aan de gebruiker"
        ADDRESS_CONFIRMATION = "address_confirmation", "Nieuw e-mailadres bevestigen"
        ADDRESS_IN_USE = "address_in_use", "Nieuw e-mailadres is al in gebruik"
        ADDRESS_REPLACED = "address_replaced", "E-mailadres gewijzigd, aan het oude adres"
        ACCESS_AUTHORIZED = "access_authorized", "Toegang gekregen, aan de partij"
        ACCESS_ENDS = "access_ends", "Toegang verloopt binnenkort, aan de partij"
        ACCESS_ENDED = "access_ended", "Toegang verlopen, aan de partij"
        ACCESS_REMOVED = "access_removed", "Toegang verwijderd, aan de partij"
        ACCESS_SECRET_LEAKED = "access_secret_leaked", "Client secret gelekt, aan de partij"
        ACCESS_SUSPENDED = "access_suspended", "Stilgezet, aan de partij"
        ACCESS_RESUMED = "access_resumed", "Hervat, aan de partij"

    kind = models.CharField("soort", max_length=40)
    key = models.CharField("aanleiding", max_length=320, editable=False)
    recipient = models.EmailField("aan", max_length=254)
    context = models.JSONField("gegevens", default=dict, editable=False)
    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, null=True, related_name="+", verbose_name="verkoper")
    announcement = models.ForeignKey(
        "Announcement",
        on_delete=models.PROTECT,
        null=True,
        related_name="mails",
        verbose_name="mededeling",
        editable=False,
        db_index=False,
    )
    # Set once: if a mail is ever sent twice, the reader's software recognises it as one message.
    message_id = models.CharField("Message-ID", max_length=320, default=new_message_id, editable=False)
    created_at = models.DateTimeField("aangemaakt", default=timezone.now, editable=False)
    due_at = models.DateTimeField("versturen vanaf", default=timezone.now, editable=False)
    attempts = models.PositiveSmallIntegerField("pogingen", default=0, editable=False)
    sent_at = models.DateTimeField("verstuurd", null=True, editable=False)
    given_up_at = models.DateTimeField("opgegeven", null=True, editable=False)
    last_error = models.CharField("laatste fout", max_length=200, blank=True, editable=False)

    objects: ClassVar[models.Manager["OutgoingMail"]] = OutgoingMailQuerySet.as_manager()

    class Meta:
        verbose_name = "uitgaande mail"
        verbose_name_plural = "uitgaande mail"
        ordering = ("-created_at", "-pk")
        indexes = (
            models.Index(
                name="mail_waiting", fields=["due_at"], condition=Q(sent_at__isnull=True, given_up_at__isnull=True)
            ),
            # Mails that leave before announcements: without it, a search for one passes all mails of announcements.
            models.Index(
                name="mail_urgent",
                fields=["due_at"],
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True, announcement__isnull=True),
            ),
            # Covers only a few rows, so writes stay cheap. Without it, counting them scans millions of rows.
            models.Index(name="mail_stuck", fields=["due_at"], condition=Q(sent_at__isnull=True) & ~Q(last_error="")),
            models.Index(name="mail_by_time", fields=["-created_at", "-id"]),
            models.Index(name="mail_given_up", fields=["-created_at", "-id"], condition=Q(given_up_at__isnull=False)),
            models.Index(name="mail_of_announcement", fields=["announcement"], condition=Q(announcement__isnull=False)),
            models.Index(
                name="mail_waiting_of_announcement",
                fields=["announcement", "due_at"],
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True),
            ),
        )
        constraints = (
            models.UniqueConstraint("key", Lower("recipient"), name="mail_once_per_address"),
            models.CheckConstraint(
                name="mail_is_sent_or_given_up", condition=Q(sent_at__isnull=True) | Q(given_up_at__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return f"mail van {date_format(timezone.localtime(self.created_at), 'j F Y H:i')}"

    @property
    def facts(self) -> dict[str, str]:
        """The facts for the texts; the words of an announcement are stored once, with the announcement."""
        facts: dict[str, str] = self.context
        return facts | self.announcement.words if self.announcement else facts

    def queue_for(self, recipients: Iterable[str]) -> None:
        """Write a copy of this unsaved mail for each recipient, in the transaction of the act.

        `key` names the occasion. Queueing it again is harmless: each address gets it once.
        """
        OutgoingMail.objects.bulk_create(self.copies_for(recipients), ignore_conflicts=True)

    def copies_for(self, recipients: Iterable[str]) -> list["OutgoingMail"]:
        """Return an unsaved copy of this unsaved mail for each recipient."""
        return [
            OutgoingMail(kind=self.kind, key=self.key, context=self.context, seller=self.seller, recipient=recipient)
            for recipient in recipients
        ]

    def take(self) -> bool:
        """Claim this mail; True for exactly one of several concurrent senders.

        The number of attempts tells whether another one has claimed it. With the conditions of due(), PostgreSQL may
        read the index of all that wait instead of the primary key.
        """
        with transaction.atomic(durable=True):
            unclaimed = OutgoingMail.objects.filter(pk=self.pk, attempts=self.attempts)
            taken = unclaimed.update(attempts=F("attempts") + 1, due_at=timezone.now() + LEASE)
        self.attempts += taken
        return bool(taken)

    def note_sent(self) -> None:
        """Record that the mail server accepted it."""
        OutgoingMail.objects.filter(pk=self.pk).update(sent_at=timezone.now(), given_up_at=None, last_error="")

    def note_failure(self, error: BaseException) -> None:
        """Record why it was not sent, and schedule the next attempt or give up."""
        now = timezone.now()
        changes: dict[str, object] = {"last_error": describe(error)}
        if self.attempts > len(PAUSES):
            changes["given_up_at"] = now
        else:
            changes["due_at"] = now + PAUSES[self.attempts - 1]
        # No effect when the lease has expired and another sender has claimed the mail.
        OutgoingMail.objects.filter(pk=self.pk, attempts=self.attempts).update(**changes)


def describe(error: BaseException) -> str:
    """Return the class of the error and the server's codes, without the message, which may contain the address."""
    answer: tuple[int, bytes | str] | None = None
    if isinstance(error, SMTPRecipientsRefused):
        answer = next(iter(error.recipients.values()), None)
    elif isinstance(error, SMTPResponseException):
        answer = error.smtp_code, error.smtp_error
    if answer is None:
        return type(error).__name__
    code, words = answer
    enhanced = re.match(
        r"[245]\.\d{1,3}\.\d{1,3}(?!\S)", words if isinstance(words, str) else words.decode("ascii", "replace")
    )
    return " ".join(filter(None, [type(error).__name__, str(code), enhanced[0] if enhanced else ""]))


def key_of_end(authorization: str) -> str:
    """Return the prefix of the keys of all end notices of the authorisation with this uid."""
    return f"ends:{authorization}:"


# ---- Recipients and facts ---------------------------------------------------------------------------------


def owners_of(seller: Seller) -> list[str]:
    """Return the addresses of the owners who can sign in."""
    return addresses_of([seller.pk], with_contact=False)[seller.pk]


def recipients_of(seller: Seller) -> list[str]:
    """Return the addresses of the owners and the technical contact, each once."""
    return addresses_of([seller.pk])[seller.pk]


def addresses_of(sellers: Iterable[int], *, with_contact: bool = True) -> dict[int, list[str]]:
    """Return, by the key of the seller, the addresses of its owners and its technical contact, each once."""
    found: dict[int, list[str]] = {pk: [] for pk in sellers}
    owners = Membership.objects.filter(seller__in=found, role=Membership.Role.OWNER, user__is_active=True)
    for pk, address in owners.order_by("user").values_list("seller", "user__email"):
        found[pk].append(address)
    if with_contact:
        contacts = Seller.objects.filter(pk__in=found, technical_contact__isnull=False)
        for pk, address in contacts.values_list("pk", "technical_contact__email"):
            found[pk].append(address)
    return {pk: unique_addresses(addresses) for pk, addresses in found.items()}


def unique_addresses(addresses: Iterable[str], *, but: Iterable[str] = ()) -> list[str]:
    """Return the addresses without repetitions and without those in `but`, ignoring case."""
    seen = {address.casefold() for address in but}
    once = []
    for address in addresses:
        if address.casefold() not in seen:
            seen.add(address.casefold())
            once.append(address)
    return once


def context_for(seller: Seller | None, *, by: Actor, **details: str) -> dict[str, str]:
    """Return the facts for a mail, about this seller if there is one: plain texts as they are now, never a secret."""
    return {
        **details,
        "seller": seller.display_name if seller else "",
        "retailer_id": seller.retailer_id if seller else "",
        "who": by.name,
        "address": by.address or "",
        "reason": by.reason,
        "is_operator": "yes" if by.is_operator else "",
        "at": timezone.now().isoformat(),
    }

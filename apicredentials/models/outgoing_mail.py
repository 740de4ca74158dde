"""Mail that has yet to leave, or has left: a row for each recipient, written in the transaction of the act."""

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterable
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import ClassVar, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Actor, Membership, Seller, User

# After a failure, how long until the next attempt; about five days in all.
PAUSES = (
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=15),
    dt.timedelta(hours=1),
    dt.timedelta(hours=4),
    *[dt.timedelta(hours=12)] * 9,
)
# How long a sender has a mail to itself. Longer than an attempt can take: when it is over, the sender has died.
LEASE = dt.timedelta(minutes=10)


def leave_to_later(key: str) -> None:
    """Leave what was queued under `key` to whoever sends what is due."""


# What happens to mail right after the commit of what it tells. Models know neither texts nor mailers, so it is
# for `apicredentials.apps` to say.
after_commit: Callable[[str], None] = leave_to_later


def new_message_id() -> str:
    """Return an identifier of a message, unlike any other (RFC 5322 §3.6.4)."""
    return f"<{uuid.uuid4().hex}@{urlsplit(settings.ISSUER_URL).hostname}>"


class OutgoingMailQuerySet(models.QuerySet["OutgoingMail"]):
    """Which mails there are."""

    def waiting(self) -> Self:
        """Those that are still to be sent, now or later."""
        return self.filter(sent_at__isnull=True, given_up_at__isnull=True)

    def due(self) -> Self:
        """Those to be sent now."""
        return self.waiting().filter(due_at__lte=timezone.now())

    def stuck(self) -> Self:
        """Those that could not be sent so far, and those that were given up."""
        return self.filter(sent_at__isnull=True).exclude(last_error="")

    def claim(self) -> "OutgoingMail | None":
        """Take one that is due, which no other sender gets before LEASE is over; None when none is left.

        The mail leaves outside any transaction: one that is open meanwhile keeps SQLite's other writers
        waiting for a mail server. So a claim is a commit of its own, and counts as an attempt: a mail that
        brings its sender down is not the first thing the next sender tries. News of a leak does not wait for
        the thousands of mails of an announcement: those come last.
        """
        due = self.due().order_by("due_at", "pk").select_related("announcement")
        while mail := due.filter(announcement=None).first() or due.first():
            if mail.take():
                return mail
        return None

    def withdraw(self, occasion: str) -> None:
        """Take back what has not left yet under keys that begin with `occasion`: it is no longer so."""
        self.filter(sent_at__isnull=True, key__startswith=occasion).delete()

    def try_again(self) -> int:
        """Make those that are stuck due now, with all their attempts before them."""
        return self.stuck().update(due_at=timezone.now(), attempts=0, given_up_at=None)


class OutgoingMail(models.Model):
    """A mail to one address. The texts are made when it is sent; here is what they are made from."""

    class Kind(models.TextChoices):
        """What no act of the log tells of; an act's mail has the act's kind."""

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
    # Fixed from the start: should a mail ever leave twice, the reader's software sees one message.
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
            models.Index(
                name="mail_waiting_of_announcement",
                fields=["announcement", "due_at"],
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True),
            ),
        )
        constraints = (
            models.UniqueConstraint("key", Lower("recipient"), name="mail_once_per_address"),
            # A seller has one contact, who may get another address while an announcement is being sent.
            models.UniqueConstraint(fields=["announcement", "seller"], name="mail_once_per_announcement_and_contact"),
            models.CheckConstraint(
                name="mail_is_sent_or_given_up", condition=Q(sent_at__isnull=True) | Q(given_up_at__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return f"mail van {date_format(timezone.localtime(self.created_at), 'j F Y H:i')}"

    @property
    def facts(self) -> dict[str, str]:
        """What its texts are made from; the words of an announcement are kept once, with the announcement."""
        facts: dict[str, str] = self.context
        return facts | self.announcement.words if self.announcement else facts

    def queue_for(self, recipients: Iterable[str], *, at_once: bool = True) -> None:
        """Write a mail like this unsaved one for each recipient, to leave after the commit.

        `key` names the occasion: whatever is queued under it twice, by whomever, each address gets it once.
        `at_once` is as soon as the mailer allows; otherwise with all that is due.
        """
        OutgoingMail.objects.bulk_create(
            [
                OutgoingMail(
                    kind=self.kind, key=self.key, context=self.context, seller=self.seller, recipient=recipient
                )
                for recipient in recipients
            ],
            ignore_conflicts=True,
        )
        if at_once:
            transaction.on_commit(lambda: after_commit(self.key), robust=True)

    def take(self) -> bool:
        """Whether this sender may send it: of several at once the database lets one."""
        with transaction.atomic(durable=True):
            taken = (
                OutgoingMail.objects.due()
                .filter(pk=self.pk, attempts=self.attempts)
                .update(attempts=F("attempts") + 1, due_at=timezone.now() + LEASE)
            )
        self.attempts += taken
        return bool(taken)

    def note_sent(self) -> None:
        """Note that the mail server has taken charge of it."""
        OutgoingMail.objects.filter(pk=self.pk).update(sent_at=timezone.now(), given_up_at=None, last_error="")

    def note_failure(self, error: BaseException) -> None:
        """Note why it did not leave, and when to try again, if ever."""
        now = timezone.now()
        changes: dict[str, object] = {"last_error": describe(error)}
        if self.attempts > len(PAUSES):
            changes["given_up_at"] = now
        else:
            changes["due_at"] = now + PAUSES[self.attempts - 1]
        # Unless the lease was over first, and the mail somebody else's.
        OutgoingMail.objects.waiting().filter(pk=self.pk, attempts=self.attempts).update(**changes)


def describe(error: BaseException) -> str:
    """Return what kind of error it is, and the server's code for it: its words may repeat the address."""
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
    """Return how the keys of all notices begin that the authorisation with this uid is about to end."""
    return f"ends:{authorization}:"


# ---- To whom, and what about ------------------------------------------------------------------------------


def owners_of(seller: Seller) -> list[str]:
    """Return the addresses of the owners who can sign in."""
    owners = User.objects.filter(memberships__seller=seller, memberships__role=Membership.Role.OWNER, is_active=True)
    return list(owners.order_by("pk").values_list("email", flat=True))


def contact_of(seller: Seller) -> list[str]:
    """Return the address of the technical contact, confirmed or not, if there is one."""
    contacts = Seller.objects.filter(pk=seller.pk, technical_contact__isnull=False)
    return list(contacts.values_list("technical_contact__email", flat=True))


def unique_addresses(addresses: Iterable[str], *, but: Iterable[str] = ()) -> list[str]:
    """Return the addresses without repetitions, and without those in `but`; case does not count."""
    seen = {address.casefold() for address in but}
    once = []
    for address in addresses:
        if address.casefold() not in seen:
            seen.add(address.casefold())
            once.append(address)
    return once


def context_for(seller: Seller, *, by: Actor, **details: str) -> dict[str, str]:
    """Return what a mail about this seller is made from: plain texts, as they are now, and never a secret."""
    return {
        **details,
        "seller": seller.display_name,
        "retailer_id": seller.retailer_id,
        "who": by.name,
        "address": by.address or "",
        "reason": by.reason,
        "is_operator": "yes" if by.reason or by.user is None else "",
        "at": timezone.now().isoformat(),
    }

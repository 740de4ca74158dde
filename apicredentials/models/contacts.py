"""Technical contacts: the address that the marketplace mails when a seller's connection fails."""

import datetime as dt
from collections.abc import Iterable
from typing import Self
from unicodedata import category

from django.core import signing
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from phonenumber_field.modelfields import PhoneNumberField
from phonenumber_field.phonenumber import PhoneNumber

from accounts.email_addresses import EmailAddressField
from accounts.models import Actor, Seller
from apicredentials.exceptions import AlreadyConfirmed, LinkExpired, LinkInvalid, LinkSuperseded, TooSoon
from apicredentials.models.activity import Activity
from apicredentials.models.locking import lock
from apicredentials.models.outgoing_mail import OutgoingMail, context_for, owners_of, unique_addresses

LINK_LIFETIME = dt.timedelta(days=7)
# Minimum time between two confirmation mails to the same address.
ASKING_INTERVAL = dt.timedelta(minutes=1)

# Unicode categories accepted in a telephone number: digits, spaces, dashes, brackets, invisible characters.
DIGITS_AND_SEPARATORS = {"Nd", "Zs", "Pd", "Ps", "Pe", "Cf"}

_SALT = "apicredentials.contact"
_ASKING = (OutgoingMail.Kind.CONTACT_CONFIRMATION, OutgoingMail.Kind.CONTACT_REMINDER)


def refuse_lost_characters(number: PhoneNumber) -> None:
    """Refuse an extension and other characters that E.164 would silently drop."""
    typed = number.raw_input or ""
    if not all(each in "+./" or category(each) in DIGITS_AND_SEPARATORS for each in typed):
        raise ValidationError(
            "Vul alleen het telefoonnummer in, zonder toestelnummer of andere tekst, zoals 020 123 45 67.",
            code="extension",
        )


class TechnicalContact(models.Model):
    """The technical contact of a seller; there is at most one."""

    seller = models.OneToOneField(
        Seller, on_delete=models.CASCADE, related_name="technical_contact", verbose_name="verkoper"
    )
    name = models.CharField("naam", max_length=100)
    email = EmailAddressField("e-mailadres", max_length=254)
    phone_number = PhoneNumberField("telefoonnummer", blank=True, validators=[refuse_lost_characters])
    confirmed_at = models.DateTimeField("adres bevestigd op", null=True, blank=True, editable=False)
    updated_at = models.DateTimeField("gewijzigd op", auto_now=True)

    class Meta:
        verbose_name = "technisch contact"
        verbose_name_plural = "technische contacten"

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    @classmethod
    def for_token(cls, token: str) -> Self:
        """Return the contact for the token of a confirmation link.

        Raises LinkInvalid, LinkExpired, and LinkSuperseded when the contact has another address now.
        """
        try:
            pk, email = signing.loads(token, salt=_SALT, max_age=LINK_LIFETIME)
        except signing.SignatureExpired as error:
            raise LinkExpired from error
        except signing.BadSignature as error:
            raise LinkInvalid from error
        contact = cls.objects.select_related("seller").filter(pk=pk, email__iexact=email).first()
        if contact is None:
            raise LinkSuperseded
        return contact

    @property
    def is_confirmed(self) -> bool:
        """True if the address was confirmed with the mailed link, or by an operator."""
        return self.confirmed_at is not None

    def record(self, *, by: Actor) -> None:
        """Save this contact. Mail a confirmation link to a new address, and a notice to the replaced one.

        The seller's row is locked so that two simultaneous first contacts make one.
        """
        with transaction.atomic():
            lock(self.seller)
            former = TechnicalContact.objects.filter(seller=self.seller).first()
            self.pk = former.pk if former else None
            self.confirmed_at = former.confirmed_at if former and self._is_same_address(former.email) else None
            self.save()
            changed = self._changes_since(former) if former else ""
            # No address in the log, because rows cannot be changed or removed on request.
            Activity.record(Activity.Kind.CONTACT_SAVED, seller=self.seller, subject=self.name, by=by, changed=changed)
            if former and changed:
                self._tell_of_change(former, changed, by)
            if former is None or not self._is_same_address(former.email):
                self._ask(by)

    def ask_again(self, *, by: Actor) -> None:
        """Mail a new link; raises AlreadyConfirmed, and TooSoon within a minute of the last one."""
        with transaction.atomic():
            lock(self.seller)
            self.refresh_from_db()
            if self.is_confirmed:
                raise AlreadyConfirmed
            if not self._ask(by):
                raise TooSoon

    def confirm(self, *, by: Actor | None = None) -> None:
        """Record that mail reaches this address. Without `by`, an operator confirms it. Idempotent."""
        with transaction.atomic():
            lock(self.seller)
            unconfirmed = TechnicalContact.objects.filter(pk=self.pk, email=self.email, confirmed_at__isnull=True)
            if unconfirmed.update(confirmed_at=timezone.now()):
                Activity.record(
                    Activity.Kind.CONTACT_CONFIRMED, seller=self.seller, subject=self.name, by=by or Actor()
                )
            self._withdraw(self.email)
        self.refresh_from_db()

    def reminders(self, key: str, owners: Iterable[str]) -> list[OutgoingMail]:
        """Return an unsaved reminder, and a notice to each of the owners."""
        context = context_for(self.seller, by=Actor.machine(), name=self.name, email=self.email, contact=str(self.pk))
        warning = self._mail(OutgoingMail.Kind.CONTACT_UNCONFIRMED, key, context)
        return [
            *self._mail(OutgoingMail.Kind.CONTACT_REMINDER, key, context).copies_for([self.email]),
            *warning.copies_for(unique_addresses(owners, but=[self.email])),
        ]

    def _mail(self, kind: str, key: str, context: dict[str, str]) -> OutgoingMail:
        return OutgoingMail(kind=kind, key=key, context=context, seller=self.seller)

    def _is_same_address(self, address: str) -> bool:
        return self.email.casefold() == address.casefold()

    def _changes_since(self, former: "TechnicalContact") -> str:
        fields = {"name": "naam", "email": "e-mailadres", "phone_number": "telefoonnummer"}
        return ", ".join(label for field, label in fields.items() if getattr(self, field) != getattr(former, field))

    def _tell_of_change(self, former: "TechnicalContact", changed: str, by: Actor) -> None:
        key = f"contact-change:{self.pk}:{timezone.now().isoformat()}"
        context = context_for(self.seller, by=by, name=self.name, email=self.email, changed=changed)
        told = owners = owners_of(self.seller)
        if self._is_same_address(former.email):
            told = unique_addresses([*owners, self.email])
        else:  # The new address gets the confirmation link instead.
            self._withdraw(former.email)
            replaced = unique_addresses([former.email], but=owners)
            self._mail(OutgoingMail.Kind.CONTACT_REPLACED, key, context).queue_for(replaced)
            context |= {"former_email": former.email}
        self._mail(Activity.Kind.CONTACT_SAVED, key, context).queue_for(told)

    def _ask(self, by: Actor) -> bool:
        """Queue a mail with the link; False if one was queued within the last minute, which still works."""
        now = timezone.now()
        asked = OutgoingMail.objects.filter(seller=self.seller, kind__in=_ASKING, recipient__iexact=self.email)
        if asked.filter(created_at__gt=now - ASKING_INTERVAL).exists():
            return False
        key = f"contact-confirmation:{self.pk}:{now.isoformat()}"
        context = context_for(self.seller, by=by, name=self.name, email=self.email, contact=str(self.pk))
        self._mail(OutgoingMail.Kind.CONTACT_CONFIRMATION, key, context).queue_for([self.email])
        return True

    def _withdraw(self, address: str) -> None:
        """Delete the unsent confirmation mails to an address that is confirmed or replaced."""
        asked = OutgoingMail.objects.waiting().filter(seller=self.seller, kind__in=_ASKING)
        asked.filter(recipient__iexact=address).delete()


def confirmation_token(pk: int, email: str) -> str:
    """Return the token of a confirmation link. It is valid for LINK_LIFETIME, for this contact and address."""
    return signing.dumps([pk, email], salt=_SALT)

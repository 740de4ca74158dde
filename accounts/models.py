"""Users, sellers, memberships with a role, and the actor of an act."""

import datetime as dt
import secrets
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.email_addresses import EmailAddressField, account_address, clean_email_address
from accounts.links import new_nonce


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user; without a password, they must reset it by mail first. Raises ValidationError."""
        user = self.model(email=clean_email_address(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an operator with every right in the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=account_address(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in with an e-mail address."""

    email = EmailAddressField("e-mailadres", max_length=254, unique=True)
    name = models.CharField("naam", max_length=100, blank=True)
    is_staff = models.BooleanField("operator", default=False, help_text="Mag in het beheer.")
    is_active = models.BooleanField("actief", default=True, help_text="Uit: kan niet meer inloggen.")
    deactivated_at = models.DateTimeField("uitgeschakeld op", null=True, blank=True, editable=False)
    created_at = models.DateTimeField("aangemaakt", default=timezone.now, editable=False)
    password_changed_at = models.DateTimeField("wachtwoord gewijzigd", null=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "gebruiker"
        verbose_name_plural = "gebruikers"
        constraints = (
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message="Er is al een gebruiker met dit e-mailadres.",
            ),
        )

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the address in lower case, because sign-in looks it up in lower case."""
        self.email = self.email.lower()
        super().save(*args, **kwargs)

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password and normalize_password(raw_password))
        self.password_changed_at = timezone.now()

    def check_password(self, raw_password: str | None) -> bool:
        """Return whether this is the password; hashes from before passwords were normalized still match."""
        return any(super(User, self).check_password(spelling) for spelling in password_spellings(raw_password or ""))

    def get_full_name(self) -> str:
        """Return the name that other members of the seller see."""
        return str(self)

    @property
    def initials(self) -> str:
        """The first letters of the first and the last word of the name."""
        first, *others = self.get_full_name().upper().split() or [""]
        return first[:1] + (others[-1][0] if others else "")


def normalize_password(password: str) -> str:
    """Return the form that is hashed: equal for passwords that look equal (NIST SP 800-63B §3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def password_spellings(password: str) -> list[str]:
    """Return the forms to compare with a stored hash: normalized, and as typed if that differs."""
    return list(dict.fromkeys([normalize_password(password), password]))


def new_retailer_id() -> str:
    """Return an unused seller number of seven digits.

    Random, because sequential numbers would show outsiders how many sellers there are.
    """
    while True:
        number = str(secrets.randbelow(9_000_000) + 1_000_000)
        if not Seller.objects.filter(retailer_id=number).exists():
            return number


class Seller(models.Model):
    """An organisation on whose behalf the Retailer API is used."""

    retailer_id = models.CharField(
        "verkopersnummer", max_length=10, unique=True, default=new_retailer_id, editable=False
    )
    display_name = models.CharField("winkelnaam", max_length=100)
    company_name = models.CharField("bedrijfsnaam", max_length=200, blank=True)
    vat_number = models.CharField("btw-nummer", max_length=20, blank=True)
    kvk_number = models.CharField("KvK-nummer", max_length=8, blank=True)
    registration_date = models.DateField("ingeschreven op", default=timezone.localdate)
    closed_at = models.DateTimeField("gesloten op", null=True, blank=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="sellers")

    class Meta:
        verbose_name = "verkoper"
        verbose_name_plural = "verkopers"
        ordering = ("display_name", "pk")

    def __str__(self) -> str:
        return f"{self.display_name} ({self.retailer_id})"

    def open(self, *, owner: User) -> None:
        """Save this new seller, with its owner."""
        with transaction.atomic():
            self.save(force_insert=True)
            Membership.objects.create(seller=self, user=owner, role=Membership.Role.OWNER)

    @property
    def is_open(self) -> bool:
        """Return whether anyone may use the API on this seller's behalf."""
        return self.closed_at is None


class Capability(StrEnum):
    """The rights of a role; looking and one's own account pages are open to every role."""

    API = "api"  # client credentials and third parties
    CONTACT = "contact"  # the technical contact
    MEMBERS = "members"


class Membership(models.Model):
    """The role of a user at a seller."""

    class Role(models.TextChoices):
        OWNER = "owner", "Eigenaar"
        ADMINISTRATOR = "administrator", "Beheerder"
        TECHNICAL = "technical", "Technisch"
        READ_ONLY = "read_only", "Alleen lezen"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name="gebruiker"
    )
    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="memberships", verbose_name="verkoper")
    role = models.CharField("rol", max_length=20, choices=Role, default=Role.OWNER)

    class Meta:
        verbose_name = "lidmaatschap"
        verbose_name_plural = "lidmaatschappen"
        constraints = (models.UniqueConstraint(fields=["user", "seller"], name="membership_unique"),)

    def __str__(self) -> str:
        return f"{self.user} – {self.seller} ({self.get_role_display()})"

    def can(self, capability: Capability) -> bool:
        return capability in CAPABILITIES[self.Role(self.role)]

    @property
    def can_write(self) -> bool:
        """Return whether this member may change client credentials and third parties."""
        return self.can(Capability.API)

    @property
    def can_change_contact(self) -> bool:
        return self.can(Capability.CONTACT)

    @property
    def can_manage_members(self) -> bool:
        return self.can(Capability.MEMBERS)


CAPABILITIES = {
    Membership.Role.OWNER: {Capability.API, Capability.CONTACT, Capability.MEMBERS},
    Membership.Role.ADMINISTRATOR: {Capability.API, Capability.CONTACT},
    Membership.Role.TECHNICAL: {Capability.API},
    Membership.Role.READ_ONLY: set[Capability](),
}
ROLE_DESCRIPTIONS = {
    Membership.Role.OWNER: "Alles, ook medewerkers. Er is er altijd minstens één.",
    Membership.Role.ADMINISTRATOR: "Alles, behalve medewerkers.",
    Membership.Role.TECHNICAL: "Client credentials en partijen, niet het technisch contact.",
    Membership.Role.READ_ONLY: "Kijken, niets wijzigen.",
}


class Invitation(models.Model):
    """An open invitation; accepting or withdrawing it deletes the row."""

    LIFETIME = dt.timedelta(days=7)

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="invitations", verbose_name="verkoper")
    email = EmailAddressField("e-mailadres", max_length=254)
    role = models.CharField("rol", max_length=20, choices=Membership.Role)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    sent_at = models.DateTimeField("verstuurd op", default=timezone.now)
    # Part of the signed token in the mail: sending again replaces it, so that only the last link works.
    nonce = models.CharField(max_length=32, default=new_nonce, editable=False)

    class Meta:
        verbose_name = "uitnodiging"
        verbose_name_plural = "uitnodigingen"
        ordering = ("-sent_at", "-pk")
        constraints = (models.UniqueConstraint(fields=["seller", "email"], name="invitation_unique"),)

    def __str__(self) -> str:
        return f"{self.email} – {self.seller} ({self.get_role_display()})"

    @property
    def expires_at(self) -> dt.datetime:
        return self.sent_at + self.LIFETIME

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


class AddressChange(models.Model):
    """A new address of a user: asked for, then confirmed by a link, then possibly undone by another link."""

    CONFIRMABLE = dt.timedelta(hours=24)
    UNDOABLE = dt.timedelta(days=7)

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="address_changes")
    former_email = models.EmailField(max_length=254)
    email = models.EmailField(max_length=254)
    asked_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True)
    nonce = models.CharField(max_length=32, default=new_nonce, editable=False)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.user}: {self.former_email} → {self.email}"

    @classmethod
    def confirmable(cls) -> models.QuerySet[Self]:
        return cls.objects.filter(confirmed_at=None, asked_at__gt=timezone.now() - cls.CONFIRMABLE)

    @classmethod
    def undoable(cls) -> models.QuerySet[Self]:
        return cls.objects.filter(confirmed_at__gt=timezone.now() - cls.UNDOABLE)


@dataclass(frozen=True)
class Actor:
    """The person in the browser, or the operator in the admin or at a terminal, who does something.

    An operator gives a `reason`, which the seller reads in the activity log.
    """

    user: User | None = None
    address: str | None = None
    reason: str = ""
    stand_in: str = "Operator van de marktplaats"

    @classmethod
    def machine(cls) -> "Actor":
        """Return the portal itself, for acts that no person decided on."""
        return cls(stand_in="Automatisch")

    @property
    def is_operator(self) -> bool:
        """Return whether an operator acts: at a terminal, or in the admin with a reason."""
        return bool(self.reason) or self.user is None

    @property
    def name(self) -> str:
        """The name in the activity log."""
        return str(self.user) if self.user else self.stand_in

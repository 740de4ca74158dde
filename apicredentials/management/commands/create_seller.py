"""Creates a seller with its owner."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from accounts.email_addresses import account_address
from accounts.models import Actor, Seller, User
from apicredentials import names
from apicredentials.management.base import PortalCommand, standard_input
from apicredentials.models import TechnicalContact


class Command(PortalCommand):
    help = (
        "Create a seller with its owner. Takes effect immediately. If the e-mail address belongs to an existing "
        "user, that user becomes the owner of this seller too. A new owner without --password-stdin sets a password "
        "with 'Wachtwoord vergeten?'."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", required=True, help="The name of the shop.")
        parser.add_argument("--email", required=True, help="The address with which the owner signs in.")
        parser.add_argument("--password-stdin", action="store_true", help="Read the owner's password from stdin.")
        parser.add_argument("--contact-name", help="Save this technical contact, as confirmed.")
        parser.add_argument("--contact-email", help="The address of the technical contact.")

    def act(self, *, name: str, email: str, password_stdin: bool, by: Actor, **options: Any) -> dict[str, str]:
        contact_name, contact_email = options["contact_name"], options["contact_email"]
        if (contact_name is None) != (contact_email is None):
            raise CommandError("--contact-name and --contact-email go together.")
        # Read before the transaction, which blocks all other writers on SQLite.
        password = read_password() if password_stdin else None
        with transaction.atomic():
            seller = Seller(display_name=names.clean_name(name))
            owner = existing_owner(email, password) or new_owner(email, password)
            seller.open(owner=owner)
            if contact_name is not None and contact_email is not None:
                save_contact(seller, contact_name, contact_email, by=by)
        return {"retailer_id": seller.retailer_id, "name": seller.display_name, "email": owner.email}


def read_password() -> str:
    """Return standard input without the end of the line."""
    password = standard_input().read().rstrip("\r\n")
    try:
        password.encode()
    except UnicodeEncodeError as error:
        raise CommandError("The password on standard input is not valid UTF-8.") from error
    return password


def existing_owner(email: str, password: str | None) -> User | None:
    """Return the active user with that address, if any; refuse to change their password."""
    owner = User.objects.filter(email=account_address(email)).first()
    if owner is not None and not owner.is_active:
        raise CommandError(f"{email} is switched off and cannot own a seller.")
    if owner is not None and password is not None:
        raise CommandError(f"{email} has a password already; leave out --password-stdin.")
    return owner


def new_owner(email: str, password: str | None) -> User:
    """Create a user. Without a password the owner resets it by mail."""
    owner = User(email=email)
    owner.full_clean(exclude=["password"])
    if password is not None:
        validate_password(password, owner)
    return User.objects.create_user(email, password)


def save_contact(seller: Seller, name: str, email: str, *, by: Actor) -> None:
    """Save a technical contact with a confirmed address."""
    contact = TechnicalContact(seller=seller, name=names.clean_name(name), email=email)
    contact.full_clean()
    contact.record(by=by)
    contact.confirm()

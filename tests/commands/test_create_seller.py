"""`create_seller`: a seller with its owner."""

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Membership, Seller, User
from apicredentials.models import Activity, TechnicalContact
from tests.commands.conftest import Manage
from tests.factories import UserFactory
from tests.logged import listening
from tests.people import is_signed_in, sign_in

pytestmark = pytest.mark.django_db

COMMAND = ("create_seller", "--name", "Appels", "--email", "eigenaar@appels.example")
CONTACT = ("--contact-name", "Sanne", "--contact-email", "techniek@appels.example")
PASSWORD = "vier-peren-en-een-appel"


def owner() -> User:
    return User.objects.get(email="eigenaar@appels.example")


def test_creates_an_open_seller_with_an_owner(manage: Manage) -> None:
    answer = manage(*COMMAND, "--json").json
    seller = Seller.objects.get()
    assert answer == {"retailer_id": seller.retailer_id, "name": "Appels", "email": "eigenaar@appels.example"}
    assert seller.display_name == "Appels"
    assert seller.is_open
    assert [(each.user.email, each.role) for each in seller.memberships.all()] == [
        ("eigenaar@appels.example", Membership.Role.OWNER)
    ]


def test_without_json_prints_lines(manage: Manage) -> None:
    done = manage(*COMMAND)
    assert done.out.splitlines() == [
        f"retailer_id: {Seller.objects.get().retailer_id}",
        "name: Appels",
        "email: eigenaar@appels.example",
    ]


def test_creates_no_technical_contact_by_default(manage: Manage) -> None:
    manage(*COMMAND)
    assert not TechnicalContact.objects.exists()


def test_error_names_the_invalid_field(manage: Manage) -> None:
    assert manage("create_seller", "--name", "Appels", "--email", "").complaint.startswith("email: ")


# ---- The owner's password ---------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_owner_signs_in_with_the_password_from_standard_input(manage: Manage, end: str) -> None:
    assert manage(*COMMAND, "--password-stdin", stdin=PASSWORD + end).status == 0
    browser = Client()
    sign_in(browser, owner(), PASSWORD)
    assert is_signed_in(browser)


def test_password_is_never_printed_or_logged(manage: Manage) -> None:
    with listening(everything=True) as log:
        done = manage(*COMMAND, "--password-stdin", stdin=PASSWORD)
    assert PASSWORD not in done.out + done.err + log.getvalue()


def test_owner_without_a_password_can_reset_it_by_mail(manage: Manage) -> None:
    manage(*COMMAND)
    assert not owner().has_usable_password()
    Client().post("/wachtwoord/vergeten/", {"email": owner().email})
    assert [message.to for message in mail.outbox] == [[owner().email]]


@pytest.mark.parametrize("password", ["", "kort", "password1234", "eigenaar@appels.example"])
def test_weak_password_is_refused_and_nothing_is_created(manage: Manage, password: str) -> None:
    assert manage(*COMMAND, "--password-stdin", stdin=password).complaint
    assert not User.objects.exists()
    assert not Seller.objects.exists()


# ---- Existing users ---------------------------------------------------------------------------------------


def test_existing_user_becomes_owner_of_the_new_seller(manage: Manage) -> None:
    user = UserFactory(email="eigenaar@appels.example")
    answer = manage("create_seller", "--name", "Peren", "--email", "Eigenaar@Appels.example", "--json").json
    assert answer["email"] == user.email
    assert user.sellers.get().display_name == "Peren"
    assert User.objects.count() == 1


def test_password_of_an_existing_user_is_not_changed(manage: Manage) -> None:
    before = UserFactory(email="eigenaar@appels.example").password
    complaint = manage(*COMMAND, "--password-stdin", stdin=PASSWORD).complaint
    assert complaint == "eigenaar@appels.example has a password already; leave out --password-stdin."
    assert owner().password == before
    assert not Seller.objects.exists()


def test_deactivated_owner_is_refused(manage: Manage) -> None:
    UserFactory(email="eigenaar@appels.example", is_active=False)
    assert "switched off" in manage(*COMMAND).complaint
    assert not Seller.objects.exists()


# ---- The technical contact --------------------------------------------------------------------------------


def test_contact_is_saved_as_confirmed_and_logged(manage: Manage) -> None:
    manage(*COMMAND, *CONTACT)
    contact = Seller.objects.get().technical_contact
    assert (contact.name, contact.email) == ("Sanne", "techniek@appels.example")
    assert contact.confirmed_at is not None
    saved = Activity.objects.get(kind=Activity.Kind.CONTACT_SAVED)
    assert saved.actor_name == "Operator van de marktplaats"


@pytest.mark.parametrize("half", [CONTACT[:2], CONTACT[2:]])
def test_incomplete_contact_is_refused(manage: Manage, half: tuple[str, ...]) -> None:
    assert manage(*COMMAND, *half).complaint == "--contact-name and --contact-email go together."
    assert not Seller.objects.exists()


@pytest.mark.parametrize(
    "contact", [("Sanne", "geen adres"), ("San\u200bne", "techniek@appels.example"), ("", "a@b.nl")]
)
def test_invalid_contact_is_refused_and_nothing_is_created(manage: Manage, contact: tuple[str, str]) -> None:
    name, email = contact
    assert manage(*COMMAND, "--contact-name", name, "--contact-email", email).complaint
    assert not User.objects.exists()
    assert not Seller.objects.exists()


# ---- Invalid input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", " ", "Ap\u202epels", "a" * 101])
def test_invalid_name_is_refused(manage: Manage, name: str) -> None:
    assert manage("create_seller", "--name", name, "--email", "a@appels.example").complaint
    assert not Seller.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize("email", ["", "appels", "a@b", f"{'a' * 250}@appels.example"])
def test_invalid_address_is_refused(manage: Manage, email: str) -> None:
    assert manage("create_seller", "--name", "Appels", "--email", email).complaint
    assert not Seller.objects.exists()


def test_missing_argument_is_named_in_one_line(manage: Manage) -> None:
    complaint = manage("create_seller", "--name", "Appels").complaint
    assert "--email" in complaint

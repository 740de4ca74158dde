"""E-mail addresses: what is stored, what is refused, and which account an address finds."""

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.email_addresses import account_address, clean_email_address
from accounts.models import User
from apicredentials.models import TechnicalContact, ThirdParty
from tests.commands.conftest import Manage, manage  # noqa: F401
from tests.factories import PASSWORD, SellerFactory, UserFactory
from tests.people import codes, sign_in, signed_in

INVISIBLE = ["\u200b", "\u200d", "\ufeff", "\u202e", "\u00ad", "\u2800", "\u3164", "\ufe0f", "\x00", "\x7f"]

ACCEPTED = {
    "info@dezwaan.example": "info@dezwaan.example",
    " Info@DeZwaan.Example ": "Info@dezwaan.example",
    "info@faß.example": "info@xn--fa-hia.example",
    "info@βόλος.example": "info@xn--nxasmm1c.example",
    "info@bücher.example": "info@xn--bcher-kva.example",
    "info@xn--bcher-kva.example": "info@xn--bcher-kva.example",
    "info@dezwaan。example": "info@dezwaan.example",
    "\uff49nfo@de\uff5awaan.example": "info@dezwaan.example",
    "o'neill+api.{x}@winkel.example": "o'neill+api.{x}@winkel.example",
}
REFUSED = {
    "info@localhost": "invalid",
    "info@bureau": "invalid",
    "info@bureau.localhost": "invalid",
    "info@localhost.localdomain": "invalid",
    "info@[127.0.0.1]": "invalid",
    "info@[IPv6:::1]": "invalid",
    "info@127.0.0.1": "invalid",
    "info@0x7f000001": "invalid",
    "info@winkel.example.": "invalid",
    "info@winkel..example": "invalid",
    "info@-winkel.example": "invalid",
    "info@xn--a.example": "invalid",
    "info@winkel_.example": "invalid",
    "info@💩.example": "invalid",
    "info@a@winkel.example": "invalid",
    ".info@winkel.example": "invalid",
    "\u0131nfo@winkel.example": "invalid",
    "renée@winkel.example": "invalid",
    '"info"@winkel.example': "invalid",
    "info": "invalid",
    "": "invalid",
    f"{'i' * 65}@winkel.example": "max_length",
    f"info@{'b' * 60}.{'b' * 60}.{'b' * 60}.{'b' * 60}.example": "max_length",
}


@pytest.mark.parametrize(("typed", "stored"), ACCEPTED.items())
def test_address_is_stored_in_one_spelling(typed: str, stored: str) -> None:
    assert clean_email_address(typed) == clean_email_address(stored) == stored


@pytest.mark.parametrize(("typed", "code"), REFUSED.items())
def test_invalid_addresses_are_refused(typed: str, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        clean_email_address(typed)
    assert caught.value.code == code


@pytest.mark.parametrize("character", INVISIBLE)
def test_invisible_characters_are_refused_and_do_not_hide_an_account(character: str) -> None:
    for typed in (
        f"info@winkel.example{character}",
        f"in{character}fo@winkel.example",
        f"info@win{character}kel.example",
    ):
        with pytest.raises(ValidationError) as caught:
            clean_email_address(typed)
        assert caught.value.code == "invisible"
        assert account_address(typed) == "info@winkel.example"


# ---- Where addresses are entered --------------------------------------------------------------------------


BAD = {"info@winkel.example\u200b": "invisible", "info@localhost": "invalid", "info@[127.0.0.1]": "invalid"}
GERMAN, STORED_GERMAN = "info@faß.example", "info@xn--fa-hia.example"


@pytest.mark.django_db
@pytest.mark.parametrize(("address", "code"), BAD.items())
def test_technical_contact_form_refuses_invalid_addresses(address: str, code: str) -> None:
    client = signed_in(SellerFactory().members.get())
    answer = client.post("/instellingen/api/contact/", {"name": "Sanne", "email": address})
    assert codes(answer.context["contact_form"]) == {"email": [code]}


@pytest.mark.django_db
def test_technical_contact_form_stores_domain_in_ascii() -> None:
    client = signed_in(SellerFactory().members.get())
    client.post("/instellingen/api/contact/", {"name": "Sanne", "email": GERMAN})
    assert TechnicalContact.objects.get().email == STORED_GERMAN


@pytest.mark.django_db
@pytest.mark.parametrize("address", BAD)
def test_commands_refuse_invalid_addresses(manage: Manage, address: str) -> None:  # noqa: F811
    assert manage("create_seller", "--name", "A", "--email", address).complaint.startswith("email: ")
    contact = ("--contact-name", "Sanne", "--contact-email", address)
    assert manage("create_seller", "--name", "A", "--email", "a@winkel.example", *contact).complaint
    party = ("register_third_party", "--name", "P", "--redirect-uri", "https://partij.example/")
    assert manage(*party, "--contact-email", address).complaint
    with pytest.raises((CommandError, ValidationError)):
        call_command("createsuperuser", "--noinput", "--email", address)
    assert not User.objects.exists()
    assert not ThirdParty.objects.exists()


@pytest.mark.django_db
def test_commands_store_domain_in_ascii(manage: Manage) -> None:  # noqa: F811
    manage("create_seller", "--name", "A", "--email", GERMAN, "--contact-name", "Sanne", "--contact-email", GERMAN)
    party = ("register_third_party", "--name", "P", "--redirect-uri", "https://partij.example/")
    manage(*party, "--contact-email", GERMAN)
    stored = {User.objects.get().email, TechnicalContact.objects.get().email, ThirdParty.objects.get().contact_email}
    assert stored == {STORED_GERMAN}


@pytest.mark.django_db
def test_seller_for_a_known_address_gets_the_existing_user_as_owner(manage: Manage) -> None:  # noqa: F811
    manage("create_seller", "--name", "A", "--email", GERMAN)
    manage("create_seller", "--name", "B", "--email", "INFO@FAß.example\u200b")
    assert User.objects.get().sellers.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(("address", "code"), BAD.items())
def test_admin_refuses_invalid_addresses(address: str, code: str) -> None:
    client = signed_in(get_user_model().objects.create_superuser("beheer@portaal.example", PASSWORD))
    answer = client.post("/beheer/accounts/user/add/", {"email": address})
    assert codes(answer.context["adminform"].form) == {"email": [code]}
    party = client.post("/beheer/apicredentials/thirdparty/add/", {"name": "P", "contact_email": address})
    assert codes(party.context["adminform"].form)["contact_email"] == [code]


# ---- Which account an address finds -----------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("typed", [GERMAN, "INFO@FAß.example", "\ufeffinfo@faß.example\u200b", STORED_GERMAN])
def test_other_spellings_of_the_address_sign_in_and_reset_the_password(client: Client, typed: str) -> None:
    user = UserFactory(email=GERMAN)
    assert sign_in(client, typed).status_code == 302
    Client().post("/wachtwoord/vergeten/", {"email": typed})
    assert [message.to for message in mail.outbox] == [[user.email]]


@pytest.mark.django_db
def test_another_domain_does_not_find_the_account(client: Client) -> None:
    UserFactory(email=GERMAN)
    assert sign_in(client, "info@fass.example").status_code == 200


@pytest.mark.django_db
def test_account_from_before_these_rules_still_signs_in(client: Client) -> None:
    user = UserFactory()
    User.objects.filter(pk=user.pk).update(email="beheer@localhost")
    assert sign_in(client, "Beheer@localhost").status_code == 302

"""Mijn gegevens: the name, and a new address that is confirmed by one link and undone by another."""

import datetime as dt
import re
from collections.abc import Iterator

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import AddressChange, User
from apicredentials.models import Activity, OutgoingMail
from tests.accounts.factors import SECURITY
from tests.factories import PASSWORD, SellerFactory, UserFactory
from tests.inventory import tables
from tests.mailbox import send_due_mail
from tests.people import is_signed_in, says, sign_in, signed_in, without_token

pytestmark = pytest.mark.django_db

PROFILE = f"{SECURITY}gegevens/"
OLD, NEW = "sanne@winkel.example", "sanne@nieuw.example"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


@pytest.fixture
def user() -> User:
    return SellerFactory(owner__user__email=OLD, owner__user__name="Sanne").members.get()


@pytest.fixture
def browser(user: User) -> Client:
    return signed_in(user)


def ask(browser: Client, email: str = NEW) -> None:
    answer = browser.post(PROFILE, {"name": "Sanne", "email": email})
    assert answer["Location"] == SECURITY


def link_to(recipient: str, page: str) -> str:
    """Return the last link to this page that was mailed to this address."""
    bodies = [str(message.body) for message in send_due_mail() if message.to == [recipient]]
    found: list[str] = re.findall(rf"http://testserver(/adres/{page}/\S+)", "\n".join(bodies))
    return found[-1]


def follow(address: str, client: Client | None = None) -> Client:
    """Open a link and press its button; return the browser."""
    client = client or Client()
    path, _, token = address.partition("?token=")
    before = tables()
    assert client.get(address).status_code == 200
    assert tables() == before
    client.post(path, {"token": token.replace("%3A", ":")})
    return client


def address_of(user: User) -> str:
    user.refresh_from_db()
    return user.email


def test_name_changes_at_once(browser: Client, user: User) -> None:
    browser.post(PROFILE, {"name": "  Sanne de Vries ", "email": OLD})
    user.refresh_from_db()
    assert (user.name, user.email) == ("Sanne de Vries", OLD)
    assert not AddressChange.objects.exists()


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": "San\u202ene"}, {"email": "x"}, {"email": "a@localhost"}])
def test_invalid_name_or_address_is_refused(browser: Client, user: User, fields: dict[str, str]) -> None:
    answer = browser.post(PROFILE, {"name": "Sanne", "email": NEW} | fields)
    assert answer.status_code == 422
    assert address_of(user) == OLD


def test_old_address_signs_in_until_the_new_one_is_confirmed(browser: Client, user: User) -> None:
    ask(browser)
    assert address_of(user) == OLD
    assert f"{NEW} is nog niet bevestigd." in says(browser.get(SECURITY))
    follow(link_to(NEW, "bevestigen"))
    assert address_of(user) == NEW
    assert sign_in(Client(), OLD).status_code == 200
    assert sign_in(Client(), NEW).status_code == 302
    Client().post("/wachtwoord/vergeten/", {"email": OLD})
    assert [message.subject for message in mail.outbox if message.subject == "Kies een nieuw wachtwoord"] == []


def test_confirmation_link_works_once_and_for_a_day(browser: Client, user: User, clock: time_machine.Traveller) -> None:
    ask(browser)
    address = link_to(NEW, "bevestigen")
    clock.shift(dt.timedelta(hours=24))
    assert Client().get(address).status_code == 410
    clock.shift(-dt.timedelta(seconds=1))
    follow(address)
    assert Client().get(address).status_code == 410
    assert address_of(user) == NEW


def test_second_new_address_ends_the_first_link(browser: Client, user: User) -> None:
    ask(browser, "eerste@nieuw.example")
    first = link_to("eerste@nieuw.example", "bevestigen")
    ask(browser)
    assert Client().get(first).status_code == 410


@pytest.mark.parametrize("token", ["", "x", "WzEsIngiXQ:1:x", "\0", "é" * 300])
def test_forged_link_is_refused(user: User, token: str) -> None:
    for page in ("bevestigen", "terugdraaien"):
        assert Client().get(f"/adres/{page}/", {"token": token}).status_code == 410
        assert Client().post(f"/adres/{page}/", {"token": token}).status_code == 410


@pytest.mark.parametrize("page", ["bevestigen", "terugdraaien"])
def test_forged_links_are_throttled(page: str) -> None:
    answers = [Client().get(f"/adres/{page}/", {"token": str(number)}).status_code for number in range(31)]
    assert answers == [*[410] * 30, 429]


def test_confirmation_link_does_not_undo(browser: Client, user: User) -> None:
    ask(browser)
    confirming = link_to(NEW, "bevestigen")
    follow(confirming)
    assert Client().get(confirming.replace("bevestigen", "terugdraaien")).status_code == 410


def test_page_is_the_same_for_a_free_and_a_taken_address(browser: Client, user: User) -> None:
    taken = UserFactory(email="bezet@nieuw.example")
    pages = []
    for email in (taken.email, "vrij_@nieuw.example"):
        ask(browser, email)
        pages.append(without_token(browser.get(SECURITY)).replace(email, "X"))
    assert pages[0] == pages[1]
    kinds = dict(OutgoingMail.objects.values_list("recipient", "kind"))
    assert kinds[taken.email] == "address_in_use"
    assert kinds["vrij_@nieuw.example"] == "address_confirmation"


def test_address_taken_meanwhile_is_refused(browser: Client, user: User) -> None:
    ask(browser)
    address = link_to(NEW, "bevestigen")
    UserFactory(email=NEW)
    follow(address)
    assert address_of(user) == OLD


def test_old_address_gets_one_mail_with_an_undo_link(browser: Client, user: User) -> None:
    ask(browser)
    follow(link_to(NEW, "bevestigen"))
    assert OutgoingMail.objects.filter(recipient=OLD, kind="address_replaced").count() == 1
    undo = link_to(OLD, "terugdraaien")
    thief = browser
    assert is_signed_in(thief)
    rescuer = follow(undo)
    assert address_of(user) == OLD
    assert not is_signed_in(thief)
    assert sign_in(Client(), OLD, PASSWORD).status_code == 200
    assert Client().get(undo).status_code == 410
    assert not EmailAddress.objects.filter(email=NEW).exists()
    assert rescuer


def test_undo_asks_for_a_new_password(browser: Client, user: User) -> None:
    ask(browser)
    follow(link_to(NEW, "bevestigen"))
    path, _, token = link_to(OLD, "terugdraaien").partition("?token=")
    client = Client()
    page = client.post(path, {"token": token.replace("%3A", ":")}, follow=True)
    assert "Nieuw wachtwoord kiezen" in says(page)
    assert f"Je logt weer in met {OLD}. Kies nog een nieuw wachtwoord." in says(page)
    new = "een-heel-ander-wachtwoord"
    client.post(page.redirect_chain[-1][0], {"password1": new, "password2": new})
    assert sign_in(Client(), OLD, new).status_code == 302


def test_undo_removes_passkeys_added_after_the_change(
    browser: Client, user: User, clock: time_machine.Traveller
) -> None:
    """A passkey signs in without the new password, and the mail about it went to the new address."""
    own = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Telefoon"})
    clock.shift(60)
    ask(browser)
    follow(link_to(NEW, "bevestigen"))
    Authenticator.objects.create(user=user, type="webauthn", data={"name": "Dief"})
    follow(link_to(OLD, "terugdraaien"))
    assert [*Authenticator.objects.values_list("pk", flat=True)] == [own.pk]
    assert OutgoingMail.objects.get(kind="own_factor_removed").recipient == OLD
    told = " ".join(str(message.body) for message in send_due_mail())
    assert "Inloggen kan niet meer met: wat is toegevoegd na het wijzigen van je e-mailadres." in told
    assert "logt weer in met het vorige e-mailadres" in told
    assert "Dit is gedaan door de marktplaats." not in told


def test_undo_link_works_for_seven_days(browser: Client, user: User, clock: time_machine.Traveller) -> None:
    ask(browser)
    follow(link_to(NEW, "bevestigen"))
    undo = link_to(OLD, "terugdraaien")
    clock.shift(dt.timedelta(days=7))
    assert Client().get(undo).status_code == 410
    clock.shift(-dt.timedelta(seconds=1))
    assert Client().get(undo).status_code == 200


def test_first_address_can_be_restored_after_two_changes(browser: Client, user: User) -> None:
    ask(browser)
    follow(link_to(NEW, "bevestigen"))
    first_undo = link_to(OLD, "terugdraaien")
    ask(browser, "derde@nieuw.example")
    follow(link_to("derde@nieuw.example", "bevestigen"))
    second_undo = link_to(NEW, "terugdraaien")
    follow(first_undo)
    assert address_of(user) == OLD
    assert Client().get(second_undo).status_code == 410


def test_sellers_log_has_the_change_without_addresses(browser: Client, user: User) -> None:
    ask(browser)
    follow(link_to(NEW, "bevestigen"))
    activity = Activity.objects.get(kind=Activity.Kind.ADDRESS_CHANGED)
    assert activity.subject == "Sanne"
    assert "@" not in f"{activity.subject}{activity.details}"


def test_tokens_are_not_stored_and_not_in_subjects(browser: Client, user: User) -> None:
    ask(browser)
    token = link_to(NEW, "bevestigen").partition("?token=")[2].replace("%3A", ":")
    assert token not in str(tables())
    assert all(token not in message.subject for message in mail.outbox)


@pytest.mark.parametrize(
    ("name", "initials"), [("Fatima el Amrani", "FA"), ("Sanne", "S"), ("", "K"), (" ", ""), ("éva ßen", "ÉS")]
)
def test_initials_are_of_the_first_and_the_last_word(name: str, initials: str) -> None:
    assert UserFactory.build(name=name, email="kassa@winkel.example").initials == initials

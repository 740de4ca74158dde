"""The address of the technical contact: confirmation links, changes and reminders."""

import datetime as dt
import re
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials.exceptions import AlreadyConfirmed, LinkExpired, LinkInvalid, LinkSuperseded, TooSoon
from apicredentials.models import Activity, OutgoingMail, TechnicalContact
from apicredentials.models.contacts import LINK_LIFETIME, confirmation_token
from tests.factories import MembershipFactory, SellerFactory
from tests.mail.conftest import CONTACT, OWNER
from tests.mailbox import send_due_mail
from tests.people import says, signed_in

NEW = "nieuw@winkel.example"
RESEND = "/instellingen/api/contact/opnieuw/"
CONFIRM = "/instellingen/api/contact/bevestigen/"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def empty(db: None) -> Seller:
    """A seller without a technical contact."""
    return SellerFactory(display_name="Peren")


def save(seller: Seller, email: str = CONTACT, name: str = "Sanne de Vries", phone: str = "") -> TechnicalContact:
    contact = TechnicalContact.objects.filter(seller=seller).first() or TechnicalContact(seller=seller)
    contact.name, contact.email, contact.phone_number = name, email, phone
    contact.record(by=Actor(user=seller.members.first(), address="203.0.113.7"))
    return contact


def outbox() -> list[tuple[str, str]]:
    """Return the kind and recipient of each queued mail, and empty the outbox."""
    rows = list(OutgoingMail.objects.order_by("kind", "pk").values_list("kind", "recipient"))
    OutgoingMail.objects.all().delete()
    return rows


def link_in(body: object) -> str:
    found = re.search(r"http://testserver(\S+bevestigen/\?token=\S+)", str(body))
    assert found, body
    return found[1]


# ---- The whole way ----------------------------------------------------------------------------------------


def test_a_contact_confirms_by_the_link_it_was_mailed(empty: Seller, client: Client) -> None:
    owner = signed_in(empty.members.get())
    owner.post("/instellingen/api/contact/", {"name": "Sanne", "email": CONTACT, "phone_number": ""})
    [message] = send_due_mail()
    assert message.to == [CONTACT]
    assert "Nog niet bevestigd." in says(owner.get("/instellingen/api/"))

    link = link_in(message.body)
    page = client.get(link)  # signed out
    assert page.status_code == HTTPStatus.OK
    assert "Peren" in says(page)
    assert CONTACT in says(page)
    assert not TechnicalContact.objects.get().is_confirmed, "software that checks links opens them too"

    token = page.context["token"]
    assert token[:12] not in str(OutgoingMail.objects.values()), "the outbox stores no token"
    answer = client.post(CONFIRM, {"token": token})
    assert answer.status_code == HTTPStatus.FOUND
    assert urlsplit(answer["Location"]).path == CONFIRM
    assert "E-mailadres bevestigd" in says(client.get(answer["Location"]))
    assert TechnicalContact.objects.get().is_confirmed
    assert "Nog niet bevestigd." not in says(owner.get("/instellingen/api/"))
    activity = Activity.objects.get(kind=Activity.Kind.CONTACT_CONFIRMED)
    assert (activity.actor_name, activity.address) == ("Ontvanger van de mail", "127.0.0.1")


def test_csrf_is_enforced_on_the_page_that_confirms(empty: Seller) -> None:
    contact = save(empty)
    client = Client(enforce_csrf_checks=True)
    token = confirmation_token(contact.pk, CONTACT)
    page = client.get(CONFIRM, {"token": token})
    assert client.post(CONFIRM, {"token": token}).status_code == HTTPStatus.FORBIDDEN
    data = {"token": token, "csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    assert 'name="csrfmiddlewaretoken"' in page.content.decode()
    assert client.post(CONFIRM, data).status_code == HTTPStatus.FOUND


def test_confirming_twice_is_confirming_once(empty: Seller, client: Client) -> None:
    contact = save(empty)
    token = confirmation_token(contact.pk, CONTACT)
    first = [client.post(CONFIRM, {"token": token}) for _ in range(2)]
    assert [answer.status_code for answer in first] == [HTTPStatus.FOUND] * 2
    confirmed_at = TechnicalContact.objects.get().confirmed_at
    client.post(CONFIRM, {"token": token})
    assert TechnicalContact.objects.get().confirmed_at == confirmed_at
    assert Activity.objects.filter(kind=Activity.Kind.CONTACT_CONFIRMED).count() == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_mean_nothing(db: None, client: Client, method: str) -> None:
    assert client.generic(method, CONFIRM).status_code == HTTPStatus.METHOD_NOT_ALLOWED


# ---- Links that do not work -------------------------------------------------------------------------------


def test_a_link_works_for_seven_days(empty: Seller, client: Client, clock: time_machine.Traveller) -> None:
    token = confirmation_token(save(empty).pk, CONTACT)
    clock.shift(LINK_LIFETIME)
    assert TechnicalContact.for_token(token)
    clock.shift(1)
    with pytest.raises(LinkExpired):
        TechnicalContact.for_token(token)
    for page in (client.get(CONFIRM, {"token": token}), client.post(CONFIRM, {"token": token})):
        assert page.status_code == HTTPStatus.GONE
        assert "Deze link is verlopen. Vraag" in says(page)
    assert not TechnicalContact.objects.get().is_confirmed


def test_a_link_is_for_one_address_of_one_contact(empty: Seller, seller: Seller) -> None:
    contact = save(empty)
    token = confirmation_token(contact.pk, CONTACT)
    save(empty, NEW)
    with pytest.raises(LinkSuperseded):
        TechnicalContact.for_token(token)
    assert TechnicalContact.for_token(confirmation_token(contact.pk, NEW)).seller == empty
    contact.delete()
    with pytest.raises(LinkSuperseded):
        TechnicalContact.for_token(confirmation_token(contact.pk, NEW))


@pytest.mark.parametrize("token", ["", "x", "W10:1:x", "\x00", "é\u202e", "a" * 5000, "::", "W10:1xVdLy:AAAA"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_no_link_of_ours_says_what_to_do(db: None, client: Client, token: str, method: str) -> None:
    with pytest.raises(LinkInvalid):
        TechnicalContact.for_token(token)
    page = getattr(client, method)(CONFIRM, {"token": token})
    assert page.status_code == HTTPStatus.GONE
    assert "Open de link in de mail, of kopieer hem helemaal." in says(page)


# ---- Saving -----------------------------------------------------------------------------------------------


def test_a_first_contact_is_asked_to_confirm_and_nobody_else_is_bothered(empty: Seller) -> None:
    save(empty)
    assert outbox() == [("contact_confirmation", CONTACT)]


def test_a_new_address_is_asked_and_the_old_one_and_the_owner_are_told(seller: Seller) -> None:
    contact = save(seller, NEW)
    assert not contact.is_confirmed
    by_recipient = {message.to[0]: message for message in send_due_mail()}
    assert by_recipient.keys() == {NEW, OWNER, CONTACT}
    assert "Bevestig je e-mailadres" in by_recipient[NEW].subject
    assert f"Vorig adres: {CONTACT}" in by_recipient[OWNER].body
    assert NEW in by_recipient[OWNER].body
    assert "Je bent niet meer het technisch contact" in by_recipient[CONTACT].subject
    assert NEW not in by_recipient[CONTACT].body, "the new address is not for the old one to know"
    for message in by_recipient.values():
        assert "Vanaf adres: 203.0.113.7" in message.body


def test_an_old_address_that_is_the_owners_is_told_once(seller: Seller) -> None:
    save(seller, OWNER)
    outbox()
    save(seller, NEW)
    assert outbox() == [("contact_confirmation", NEW), ("contact_saved", OWNER)]


def test_another_name_or_number_is_told_and_needs_no_confirmation(seller: Seller) -> None:
    contact = save(seller, name="Joris", phone="+31201234567")
    assert contact.is_confirmed
    told = OutgoingMail.objects.get(recipient=OWNER)
    assert told.context["changed"] == "naam, telefoonnummer"
    assert outbox() == [("contact_saved", OWNER), ("contact_saved", CONTACT)]


def test_the_same_address_in_other_capitals_needs_no_confirmation(seller: Seller) -> None:
    assert save(seller, CONTACT.upper()).is_confirmed
    assert outbox() == [("contact_saved", OWNER), ("contact_saved", CONTACT.upper())]


def test_saving_what_is_there_already_is_not_mailed(seller: Seller) -> None:
    save(seller)
    assert outbox() == []


def test_saving_an_old_page_does_not_undo_a_confirmation(empty: Seller) -> None:
    stale = save(empty)
    TechnicalContact.objects.get().confirm()
    stale.name = "Joris"
    stale.record(by=Actor())
    assert TechnicalContact.objects.get().is_confirmed


def test_the_log_keeps_no_address(seller: Seller) -> None:
    save(seller, NEW)
    kept = str(list(Activity.objects.values()))
    assert NEW not in kept
    assert CONTACT not in kept


def test_an_operator_who_answers_for_an_address_has_it_confirmed_without_mail(empty: Seller) -> None:
    save(empty).confirm()
    assert outbox() == []
    assert Activity.objects.get(kind=Activity.Kind.CONTACT_CONFIRMED).actor_name == "Operator van de marktplaats"


def test_a_replaced_address_is_not_asked_any_more(empty: Seller) -> None:
    save(empty)
    save(empty, NEW)
    assert ("contact_confirmation", CONTACT) not in outbox()


def test_two_first_contacts_at_once_make_one(empty: Seller) -> None:
    forms = [TechnicalContact(seller=empty, name=name, email=CONTACT) for name in ("Sanne", "Joris")]
    for contact in forms:
        contact.record(by=Actor())
    assert TechnicalContact.objects.get().name == "Joris"


# ---- Once more --------------------------------------------------------------------------------------------


def test_the_link_can_be_sent_again_once_a_minute(empty: Seller, clock: time_machine.Traveller) -> None:
    owner = signed_in(empty.members.get())
    save(empty)
    too_soon = owner.post(RESEND, follow=True)
    assert "Wacht een minuut" in says(too_soon)
    assert outbox() == [("contact_confirmation", CONTACT)]
    clock.shift(MINUTE)
    assert f"Er is een nieuwe mail op weg naar {CONTACT}." in says(owner.post(RESEND, follow=True))
    with pytest.raises(TooSoon):
        TechnicalContact.objects.get().ask_again(by=Actor())
    assert outbox() == [("contact_confirmation", CONTACT)]


def test_changing_the_address_to_and_fro_does_not_mail_it_more_often(empty: Seller) -> None:
    save(empty)
    OutgoingMail.objects.update(sent_at=timezone.now())
    for _ in range(3):
        save(empty, NEW)
        save(empty)
    assert OutgoingMail.objects.filter(kind="contact_confirmation", recipient=CONTACT).count() == 1


def test_a_confirmed_address_is_not_asked_again(seller: Seller) -> None:
    with pytest.raises(AlreadyConfirmed):
        seller.technical_contact.ask_again(by=Actor())
    assert "intussen bevestigd" in says(signed_in(seller.members.get()).post(RESEND, follow=True))
    assert outbox() == []


def test_without_a_contact_there_is_nobody_to_ask(empty: Seller) -> None:
    assert signed_in(empty.members.get()).post(RESEND).status_code == HTTPStatus.NOT_FOUND


def test_who_may_only_read_sees_the_mark_and_no_button(empty: Seller) -> None:
    save(empty)
    reader = signed_in(MembershipFactory(seller=empty, role="read_only").user)
    page = reader.get("/instellingen/api/")
    assert "Nog niet bevestigd." in says(page)
    assert "Opnieuw versturen" not in says(page)
    assert reader.post(RESEND).status_code == HTTPStatus.FORBIDDEN

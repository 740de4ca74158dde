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


# ---- Confirmation -----------------------------------------------------------------------------------------


def test_contact_confirms_with_the_mailed_link(empty: Seller, client: Client) -> None:
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


def test_confirmation_requires_a_csrf_token(empty: Seller) -> None:
    contact = save(empty)
    client = Client(enforce_csrf_checks=True)
    token = confirmation_token(contact.pk, CONTACT)
    page = client.get(CONFIRM, {"token": token})
    assert client.post(CONFIRM, {"token": token}).status_code == HTTPStatus.FORBIDDEN
    data = {"token": token, "csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    assert 'name="csrfmiddlewaretoken"' in page.content.decode()
    assert client.post(CONFIRM, data).status_code == HTTPStatus.FOUND


def test_confirming_is_idempotent(empty: Seller, client: Client) -> None:
    contact = save(empty)
    token = confirmation_token(contact.pk, CONTACT)
    first = [client.post(CONFIRM, {"token": token}) for _ in range(2)]
    assert [answer.status_code for answer in first] == [HTTPStatus.FOUND] * 2
    confirmed_at = TechnicalContact.objects.get().confirmed_at
    client.post(CONFIRM, {"token": token})
    assert TechnicalContact.objects.get().confirmed_at == confirmed_at
    assert Activity.objects.filter(kind=Activity.Kind.CONTACT_CONFIRMED).count() == 1


def test_other_methods_are_not_allowed(db: None, client: Client) -> None:
    for method in ("PUT", "DELETE", "OPTIONS"):
        assert client.generic(method, CONFIRM).status_code == HTTPStatus.METHOD_NOT_ALLOWED


# ---- Invalid links ----------------------------------------------------------------------------------------


def test_link_works_for_seven_days(empty: Seller, client: Client, clock: time_machine.Traveller) -> None:
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


def test_link_is_bound_to_contact_and_address(empty: Seller, seller: Seller) -> None:
    contact = save(empty)
    token = confirmation_token(contact.pk, CONTACT)
    save(empty, NEW)
    with pytest.raises(LinkSuperseded):
        TechnicalContact.for_token(token)
    assert TechnicalContact.for_token(confirmation_token(contact.pk, NEW)).seller == empty
    contact.delete()
    with pytest.raises(LinkSuperseded):
        TechnicalContact.for_token(confirmation_token(contact.pk, NEW))


def test_malformed_link_gets_a_page_with_advice(db: None, client: Client) -> None:
    for token in ("", "x", "W10:1:x", "\x00", "é\u202e", "a" * 5000, "::", "W10:1xVdLy:AAAA"):
        with pytest.raises(LinkInvalid):
            TechnicalContact.for_token(token)
        for page in (client.get(CONFIRM, {"token": token}), client.post(CONFIRM, {"token": token})):
            assert page.status_code == HTTPStatus.GONE
            assert "Open de link in de mail, of kopieer hem helemaal." in says(page)


# ---- Saving -----------------------------------------------------------------------------------------------


def test_first_contact_gets_only_a_confirmation_mail(empty: Seller) -> None:
    save(empty)
    assert outbox() == [("contact_confirmation", CONTACT)]


def test_changed_address_is_mailed_to_new_address_old_address_and_owner(seller: Seller) -> None:
    contact = save(seller, NEW)
    assert not contact.is_confirmed
    by_recipient = {message.to[0]: message for message in send_due_mail()}
    assert by_recipient.keys() == {NEW, OWNER, CONTACT}
    assert "Bevestig je e-mailadres" in by_recipient[NEW].subject
    assert f"Vorig adres: {CONTACT}" in by_recipient[OWNER].body
    assert NEW in by_recipient[OWNER].body
    assert "Je bent niet meer het technisch contact" in by_recipient[CONTACT].subject
    assert NEW not in by_recipient[CONTACT].body, "the old address must not learn the new one"
    for message in by_recipient.values():
        assert "Vanaf adres: 203.0.113.7" in message.body


def test_old_address_of_the_owner_is_mailed_once(seller: Seller) -> None:
    save(seller, OWNER)
    outbox()
    save(seller, NEW)
    assert outbox() == [("contact_confirmation", NEW), ("contact_saved", OWNER)]


def test_changed_name_or_number_is_mailed_and_needs_no_confirmation(seller: Seller) -> None:
    contact = save(seller, name="Joris", phone="+31201234567")
    assert contact.is_confirmed
    told = OutgoingMail.objects.get(recipient=OWNER)
    assert told.context["changed"] == "naam, telefoonnummer"
    assert outbox() == [("contact_saved", OWNER), ("contact_saved", CONTACT)]


def test_address_in_another_case_needs_no_confirmation(seller: Seller) -> None:
    assert save(seller, CONTACT.upper()).is_confirmed
    assert outbox() == [("contact_saved", OWNER), ("contact_saved", CONTACT.upper())]


def test_saving_without_changes_is_not_mailed(seller: Seller) -> None:
    save(seller)
    assert outbox() == []


def test_saving_a_stale_page_does_not_undo_a_confirmation(empty: Seller) -> None:
    stale = save(empty)
    TechnicalContact.objects.get().confirm()
    stale.name = "Joris"
    stale.record(by=Actor())
    assert TechnicalContact.objects.get().is_confirmed


def test_log_contains_no_address(seller: Seller) -> None:
    save(seller, NEW)
    kept = str(list(Activity.objects.values()))
    assert NEW not in kept
    assert CONTACT not in kept


def test_operator_confirms_an_address_without_mail(empty: Seller) -> None:
    save(empty).confirm()
    assert outbox() == []
    assert Activity.objects.get(kind=Activity.Kind.CONTACT_CONFIRMED).actor_name == "Operator van de marktplaats"


def test_confirmation_mail_to_a_replaced_address_is_withdrawn(empty: Seller) -> None:
    save(empty)
    save(empty, NEW)
    assert ("contact_confirmation", CONTACT) not in outbox()


def test_two_first_contacts_create_one_row(empty: Seller) -> None:
    forms = [TechnicalContact(seller=empty, name=name, email=CONTACT) for name in ("Sanne", "Joris")]
    for contact in forms:
        contact.record(by=Actor())
    assert TechnicalContact.objects.get().name == "Joris"


# ---- Sending the link again -------------------------------------------------------------------------------


def test_link_can_be_sent_again_once_a_minute(empty: Seller, clock: time_machine.Traveller) -> None:
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


def test_changing_the_address_back_and_forth_does_not_bypass_the_limit(empty: Seller) -> None:
    save(empty)
    OutgoingMail.objects.update(sent_at=timezone.now())
    for _ in range(3):
        save(empty, NEW)
        save(empty)
    assert OutgoingMail.objects.filter(kind="contact_confirmation", recipient=CONTACT).count() == 1


def test_confirmed_address_gets_no_new_link(seller: Seller) -> None:
    with pytest.raises(AlreadyConfirmed):
        seller.technical_contact.ask_again(by=Actor())
    assert "intussen bevestigd" in says(signed_in(seller.members.get()).post(RESEND, follow=True))
    assert outbox() == []


def test_resending_without_a_contact_is_not_found(empty: Seller) -> None:
    assert signed_in(empty.members.get()).post(RESEND).status_code == HTTPStatus.NOT_FOUND


def test_read_only_member_sees_the_state_without_a_button(empty: Seller) -> None:
    save(empty)
    reader = signed_in(MembershipFactory(seller=empty, role="read_only").user)
    page = reader.get("/instellingen/api/")
    assert "Nog niet bevestigd." in says(page)
    assert "Opnieuw versturen" not in says(page)
    assert reader.post(RESEND).status_code == HTTPStatus.FORBIDDEN

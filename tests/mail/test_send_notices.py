"""`manage.py send_notices`: ended secrets, unconfirmed addresses, and due mail."""

import datetime as dt
import re
from io import StringIO

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials.keys.hash_keys import digest
from apicredentials.mail.notices import REMIND_AFTER, queue_notices
from apicredentials.models import (
    Activity,
    ClientCredential,
    ClientSecret,
    OutgoingMail,
    TechnicalContact,
    ThirdPartyAuthorization,
)
from apicredentials.models.leak_reports import report_leak
from tests.factories import ClientCredentialFactory, ThirdPartyAuthorizationFactory
from tests.inventory import tables
from tests.mail.conftest import CONTACT, OWNER, START
from tests.mail.notices import DAY, WEEK, send_notices, subjects_sent
from tests.mail.smtp_server import Behaviour

pytestmark = pytest.mark.usefixtures("clock")


# ---- Ended secrets ----------------------------------------------------------------------------------------


@pytest.fixture
def credential(seller: Seller, clock: time_machine.Traveller) -> ClientCredential:
    """A credential whose first secret was revealed one second ago."""
    credential: ClientCredential = ClientCredentialFactory(seller=seller, name="Magazijn")
    credential.reveal(by=Actor())
    clock.shift(1)
    return credential


def test_end_of_an_old_secret_is_mailed_once(credential: ClientCredential, clock: time_machine.Traveller) -> None:
    old_secret = credential.secrets.get()
    credential.rotate(overlap=WEEK, by=Actor())
    subjects_sent()
    clock.shift(WEEK - dt.timedelta(seconds=1))
    assert subjects_sent() == []
    clock.shift(1)
    assert subjects_sent() == ["Oud client secret van 'Magazijn' beëindigd"]
    assert subjects_sent() == []
    clock.shift(WEEK)
    assert subjects_sent() == []
    assert Activity.objects.get(kind=Activity.Kind.SECRET_ENDED).details["hint"] == old_secret.hint


def test_end_that_was_moved_forward_is_mailed_at_once(
    credential: ClientCredential, clock: time_machine.Traveller
) -> None:
    credential.rotate(overlap=WEEK, by=Actor())
    subjects_sent()
    clock.shift(DAY)
    old_secret = credential.secrets.earliest("pk")
    old_secret.end_after(dt.timedelta(), by=Actor())
    assert subjects_sent() == ["Oud client secret van 'Magazijn' beëindigd"]
    clock.shift(WEEK)
    assert subjects_sent() == []


def test_each_of_several_old_secrets_is_mailed(credential: ClientCredential, clock: time_machine.Traveller) -> None:
    for _ in range(2):
        credential.rotate(overlap=DAY, by=Actor())
        clock.shift(WEEK)
    assert subjects_sent().count("Oud client secret van 'Magazijn' beëindigd") == 2
    assert subjects_sent() == []


def test_end_by_rotation_or_leak_gets_no_second_mail(
    seller: Seller, credential: ClientCredential, clock: time_machine.Traveller
) -> None:
    credential.rotate(overlap=dt.timedelta(), by=Actor())
    assert subjects_sent() == ["Client secret van 'Magazijn' getoond", "Nieuw client secret voor 'Magazijn'"]
    secret = credential.rotate(overlap=WEEK, by=Actor())
    subjects_sent()
    clock.shift(DAY)
    report_leak([digest(secret)], by=Actor())
    assert subjects_sent() == ["Client secret van 'Magazijn' gelekt"]
    clock.shift(DAY)
    assert subjects_sent() == []


def test_secrets_of_third_parties_and_deleted_credentials_are_not_mailed(
    authorization: ThirdPartyAuthorization, credential: ClientCredential, clock: time_machine.Traveller
) -> None:
    authorization.third_party.reveal(by=Actor())
    clock.shift(1)
    for client in (authorization.third_party, credential):
        client.rotate(overlap=DAY, by=Actor())
    credential.delete_softly(by=Actor())
    subjects_sent()
    clock.shift(WEEK)
    assert subjects_sent() == []
    assert ClientSecret.objects.filter(ends_at__lt=timezone.now()).count() == 2
    assert not Activity.objects.filter(kind=Activity.Kind.SECRET_ENDED).exists()


# ---- Unconfirmed addresses --------------------------------------------------------------------------------


def test_unconfirmed_address_gets_one_reminder_after_three_days(seller: Seller, clock: time_machine.Traveller) -> None:
    contact = seller.technical_contact
    contact.email = "nieuw@winkel.example"
    contact.record(by=Actor())
    send_notices()
    mail.outbox.clear()
    clock.shift(REMIND_AFTER - dt.timedelta(seconds=1))
    assert send_notices()["sent"] == 0
    clock.shift(1)
    assert send_notices()["sent"] == 2
    [reminder, warning] = sorted(mail.outbox, key=lambda message: message.to, reverse=True)
    assert (reminder.to, warning.to) == (["nieuw@winkel.example"], [OWNER])
    found = re.search(r"token=(\S+)", str(reminder.body))
    assert found
    assert "nieuw@winkel.example" in warning.body
    for _ in range(40):
        clock.shift(DAY)
        assert send_notices()["sent"] == 0


def test_confirmed_address_and_closed_seller_get_no_reminder(seller: Seller, clock: time_machine.Traveller) -> None:
    clock.shift(REMIND_AFTER)
    assert send_notices() == {"sent": 0, "failed": 0, "due": 0}
    TechnicalContact.objects.update(confirmed_at=None)
    Seller.objects.update(closed_at=START)
    assert send_notices()["sent"] == 0


def test_next_unconfirmed_address_gets_a_reminder_too(seller: Seller, clock: time_machine.Traveller) -> None:
    for address in ("een@winkel.example", "twee@winkel.example"):
        contact = TechnicalContact.objects.get()
        contact.email = address
        contact.record(by=Actor())
        send_notices()
        mail.outbox.clear()
        clock.shift(REMIND_AFTER)
        assert send_notices()["sent"] == 2
        assert [address] in [message.to for message in mail.outbox]


# ---- The command ------------------------------------------------------------------------------------------


def test_dry_run_counts_and_changes_nothing(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    ClientCredentialFactory(seller=authorization.seller).pause(by=Actor())
    clock.move_to(authorization.expires_at + DAY)
    before = tables()
    for _ in range(2):
        assert send_notices("--dry-run") == {"sent": 0, "failed": 0, "due": 4}
    assert tables() == before
    assert mail.outbox == []
    assert send_notices() == {"sent": 4, "failed": 0, "due": 0}


def test_output_counts_failed_and_due_mail(seller: Seller, smtp: Behaviour) -> None:
    smtp.refused = {CONTACT}
    ClientCredentialFactory(seller=seller).pause(by=Actor())
    assert send_notices() == {"sent": 1, "failed": 1, "due": 1}
    assert send_notices() == {"sent": 0, "failed": 0, "due": 1}
    assert smtp.recipients == [OWNER]


def test_without_json_prints_lines(db: None) -> None:
    out = StringIO()
    call_command("send_notices", stdout=out)
    assert out.getvalue() == "sent: 0\nfailed: 0\ndue: 0\n"


def test_seller_without_recipients_is_skipped(seller: Seller, clock: time_machine.Traveller) -> None:
    ThirdPartyAuthorizationFactory(seller=seller)
    seller.memberships.all().delete()
    seller.technical_contact.delete()
    clock.move_to(START + 350 * DAY)
    assert send_notices() == {"sent": 0, "failed": 0, "due": 0}


def test_number_of_queries_is_independent_of_the_notices_already_queued(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    clock.move_to(authorization.expires_at - 10 * DAY)
    queue_notices()
    with CaptureQueriesContext(connection) as few:
        queue_notices()
    ThirdPartyAuthorizationFactory.create_batch(5, expires_at=authorization.expires_at)
    queue_notices()
    with CaptureQueriesContext(connection) as many:
        queue_notices()
    assert len(many) == len(few)
    assert OutgoingMail.objects.filter(kind=OutgoingMail.Kind.AUTHORIZATION_ENDS).count() == 7

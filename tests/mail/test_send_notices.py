"""`manage.py send_notices`: ended secrets, unconfirmed addresses, and due mail."""

import datetime as dt
import re
from io import StringIO
from unittest.mock import Mock

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Actor, Membership, Seller
from apicredentials.keys.hash_keys import digest
from apicredentials.mail.notices import REMIND_AFTER, queue_notices
from apicredentials.models import (
    Activity,
    ClientCredential,
    ClientSecret,
    CommandRun,
    OutgoingMail,
    TechnicalContact,
    ThirdPartyAuthorization,
)
from apicredentials.models.leak_reports import report_leak
from tests.factories import (
    ClientCredentialFactory,
    MembershipFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
)
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
    activity = Activity.objects.get(kind=Activity.Kind.SECRET_ENDED)
    assert (activity.details["hint"], str(activity.target)) == (old_secret.hint, credential.client_id)


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


# Days until the end of the authorisations below: on the first day each step is due, and some have ended.
ENDS = (60, 45, 30, 20, 14, 10, 7, 3, 1, 0, -1, -20)


@pytest.fixture
def notices_of_every_kind(seller: Seller, credential: ClientCredential) -> None:
    """Rows of which some are due each day: for several addresses, for parties, and for sellers without an address."""
    sellers = [seller, SellerFactory(owner__user__email="eigenaar@andere.example"), SellerFactory()]
    MembershipFactory(seller=seller, role=Membership.Role.OWNER)
    MembershipFactory(seller=seller, role=Membership.Role.OWNER, user__is_active=False)
    TechnicalContactFactory(seller=sellers[1], email="Eigenaar@andere.example", confirmed_at=None)
    sellers[2].memberships.all().delete()
    for days in ENDS:
        party = ThirdPartyFactory(contact_email="hulp@boekhouding.example" if days % 2 else "")
        for each in sellers:
            end = timezone.now() + days * DAY + dt.timedelta(hours=1)
            ThirdPartyAuthorizationFactory(seller=each, third_party=party, expires_at=end)
    credential.rotate(overlap=WEEK, by=Actor())


@pytest.mark.usefixtures("notices_of_every_kind")
def test_dry_run_counts_what_the_next_run_sends_and_only_reads(clock: time_machine.Traveller) -> None:
    """Daily, after an outage of a week, with a clock that is set back, and when what was noted is forgotten."""
    counted = []
    for pause in (0, 1, 1, 1, 1, 7, 1, -8, 0, 9, 30):
        clock.shift(pause * DAY)
        if not pause:
            ThirdPartyAuthorization.objects.update(noticed_end=None)
        before = tables()
        with CaptureQueriesContext(connection) as queries:
            counted.append(send_notices("--dry-run")["due"])
        assert {query["sql"].split()[0] for query in queries} == {"SELECT"}
        assert tables() == before
        assert send_notices() == {"sent": counted[-1], "failed": 0, "due": 0}
    kinds = {"authorization_ends", "access_ends", "party_expired", "access_ended", "secret_ended", "contact_reminder"}
    assert kinds <= set(OutgoingMail.objects.values_list("kind", flat=True))
    assert sum(map(bool, counted)) > 6


def test_long_run_notes_each_mail(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    ClientCredentialFactory(seller=seller).pause(by=Actor())
    monkeypatch.setattr(
        "apicredentials.mail.delivery.SmtpConnection.deliver", Mock(side_effect=[None, KeyboardInterrupt])
    )
    with pytest.raises(KeyboardInterrupt):
        send_notices()
    run = CommandRun.objects.get()
    assert (run.command, run.finished_at, run.total) == ("send_notices", START, 1)


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

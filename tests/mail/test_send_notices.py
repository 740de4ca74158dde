"""`manage.py send_notices`: what the calendar asks to be told, each once, and what is due."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator
from io import StringIO

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials.models import (
    Activity,
    ClientCredential,
    ClientSecret,
    OutgoingMail,
    TechnicalContact,
    ThirdParty,
    ThirdPartyAuthorization,
    notices,
)
from apicredentials.models.leaks import report_leak
from apicredentials.models.notices import CATCH_UP, REMIND_AFTER, queue_end, queue_notices
from apicredentials.models.secrets import fingerprint
from tests.factories import ClientCredentialFactory, ThirdPartyAuthorizationFactory
from tests.inventory import tables
from tests.mail.conftest import CONTACT, OWNER
from tests.mail.smtp_server import Behaviour

DAY = dt.timedelta(days=1)
WEEK = 7 * DAY
START = dt.datetime(2027, 3, 1, 14, 3, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def clock(db: None) -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is moved. Every row in these tests is made under it."""
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def send_notices(*arguments: str) -> dict[str, int]:
    out = StringIO()
    call_command("send_notices", "--json", *arguments, stdout=out)
    answer: dict[str, int] = json.loads(out.getvalue())
    return answer


def told() -> list[str]:
    """Run the command; return the subjects that the owner got, and forget them."""
    send_notices()
    subjects = [str(message.subject) for message in mail.outbox if message.to == [OWNER]]
    assert Counter(subjects) == Counter(str(message.subject) for message in mail.outbox if message.to == [CONTACT])
    mail.outbox.clear()
    return subjects


@pytest.fixture
def authorization(seller: Seller, clock: time_machine.Traveller) -> ThirdPartyAuthorization:
    """A consent given just now."""
    return ThirdPartyAuthorizationFactory(seller=seller, third_party__name="Boekhouding")


# ---- An authorisation ends --------------------------------------------------------------------------------


def test_each_notice_of_an_end_comes_once_on_its_day(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    came = {}
    for day in (-70, -61, -60, -59, -45, -31, -30, -29, -15, -14, -13, -8, -7, -6, -2, -1, 0, 1, 7, 29, 30, 31, 60):
        clock.move_to(authorization.expires_at + day * DAY)
        for _ in range(2):
            if subjects := told():
                came[day] = subjects
    assert came == {
        -60: ["Toegang van Boekhouding verloopt over 60 dagen"],
        -30: ["Toegang van Boekhouding verloopt over 30 dagen"],
        -14: ["Toegang van Boekhouding verloopt over 14 dagen"],
        -7: ["Toegang van Boekhouding verloopt over 7 dagen"],
        -1: ["Toegang van Boekhouding verloopt morgen"],
        0: ["Toegang van Boekhouding is verlopen"],
    }
    expired = Activity.objects.get(kind=Activity.Kind.PARTY_EXPIRED)
    assert (expired.subject, expired.actor_name) == ("Boekhouding", "Automatisch")


def test_only_the_first_brings_a_calendar_file(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    attachments = []
    for days in (60, 30, 14, 7, 1):
        clock.move_to(authorization.expires_at - days * DAY)
        send_notices()
        attachments.append([len(message.attachments) for message in mail.outbox])
        mail.outbox.clear()
    assert attachments == [[1, 1], [0, 0], [0, 0], [0, 0], [0, 0]]


def test_a_day_begins_at_midnight_in_amsterdam(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    midnight = timezone.localtime(authorization.expires_at).replace(hour=0, minute=0, day=2, month=2)  # 27 days
    ThirdPartyAuthorization.objects.update(expires_at=midnight + 27 * DAY + dt.timedelta(hours=23))
    clock.move_to(midnight - 3 * DAY - dt.timedelta(seconds=1))
    assert told() == ["Toegang van Boekhouding verloopt over 31 dagen"]
    clock.shift(1)
    assert told() == ["Toegang van Boekhouding verloopt over 30 dagen"]


def test_the_first_notice_waits_for_its_day_too(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    clock.move_to(authorization.expires_at - 61 * DAY + DAY / 24)
    assert told() == []
    clock.shift(DAY / 2)
    assert told() == ["Toegang van Boekhouding verloopt over 60 dagen"]


def test_after_a_silence_only_the_notice_that_fits_comes(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    clock.move_to(authorization.expires_at - 5 * DAY)
    assert told() == ["Toegang van Boekhouding verloopt over 5 dagen"]
    clock.move_to(authorization.expires_at - DAY / 2)
    assert told() == ["Toegang van Boekhouding verloopt vandaag"]


def test_after_renewal_the_notices_come_again_next_year(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    clock.move_to(authorization.expires_at - 30 * DAY)
    assert len(told()) == 1
    authorization.renew(by=Actor())
    assert told() == ["Toegang van Boekhouding verlengd"]
    clock.move_to(authorization.expires_at - 30 * DAY)
    assert told() == ["Toegang van Boekhouding verloopt over 30 dagen"]
    clock.move_to(authorization.expires_at + DAY)
    assert told() == ["Toegang van Boekhouding is verlopen"]
    authorization.renew(by=Actor())
    told()
    clock.move_to(authorization.expires_at + DAY)
    assert told() == ["Toegang van Boekhouding is verlopen"]


@pytest.mark.parametrize(
    ("act", "news"),
    [
        ("renew", "Toegang van Voorraad verlengd"),
        ("consent", "Voorraad heeft toegang tot de Retailer API"),
        ("revoke", "Voorraad heeft geen toegang meer"),
    ],
)
def test_a_notice_that_still_waits_is_taken_back_when_it_is_no_longer_so(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller, act: str, news: str
) -> None:
    """The mail server may be away between the notice and what the seller did about it."""
    other = ThirdPartyAuthorizationFactory(seller=authorization.seller, third_party__name="Voorraad")
    clock.move_to(authorization.expires_at - 14 * DAY)
    queue_notices()
    if act == "consent":
        ThirdPartyAuthorization.objects.consent(
            seller=other.seller, third_party=other.third_party, rights=other.rights, by=Actor()
        )
    else:
        getattr(other, act)(by=Actor())
    assert sorted(told()) == sorted(["Toegang van Boekhouding verloopt over 14 dagen", news])


def test_a_notice_that_was_given_up_does_not_come_back_after_the_renewal(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    clock.move_to(authorization.expires_at - 14 * DAY)
    queue_notices()
    OutgoingMail.objects.update(given_up_at=timezone.now(), last_error="ConnectionRefusedError")
    authorization.renew(by=Actor())
    OutgoingMail.objects.try_again()
    assert told() == ["Toegang van Boekhouding verlengd"]


def test_what_is_renewed_while_notices_are_queued_gets_none(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renew_first(pk: int, key: str) -> None:
        authorization.renew(by=Actor())
        queue_end(pk, key)

    clock.move_to(authorization.expires_at - 14 * DAY)
    monkeypatch.setattr(notices, "queue_end", renew_first)
    assert told() == ["Toegang van Boekhouding verlengd"]


@pytest.mark.parametrize("days", [-7, 7])
def test_what_is_over_anyway_is_not_told(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller, days: int
) -> None:
    clock.move_to(authorization.expires_at + days * DAY)

    ThirdPartyAuthorization.objects.update(ended_at=START)
    assert told() == []
    ThirdPartyAuthorization.objects.update(ended_at=None)

    Seller.objects.update(closed_at=START)
    assert told() == []
    Seller.objects.update(closed_at=None)

    ThirdParty.objects.update(deleted_at=START)
    assert told() == []
    ThirdParty.objects.update(deleted_at=None)

    assert len(told()) == 1


def test_an_end_of_long_ago_is_no_news(authorization: ThirdPartyAuthorization, clock: time_machine.Traveller) -> None:
    clock.move_to(authorization.expires_at + CATCH_UP + dt.timedelta(seconds=1))
    assert told() == []
    assert not Activity.objects.exists()


def test_an_end_after_which_a_new_consent_came_is_not_told(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    clock.move_to(authorization.expires_at + DAY)
    ThirdPartyAuthorization.objects.consent(
        seller=authorization.seller, third_party=authorization.third_party, rights=["orders:read"], by=Actor()
    )
    assert told() == ["Boekhouding heeft toegang tot de Retailer API"]


# ---- An old secret has ended ------------------------------------------------------------------------------


@pytest.fixture
def credential(seller: Seller, clock: time_machine.Traveller) -> ClientCredential:
    """A credential whose first secret was shown a moment ago."""
    credential: ClientCredential = ClientCredentialFactory(seller=seller, name="Magazijn")
    credential.reveal(by=Actor())
    clock.shift(1)
    return credential


def test_the_end_of_an_old_secret_is_told_once(credential: ClientCredential, clock: time_machine.Traveller) -> None:
    old_secret = credential.secrets.get()
    credential.rotate(overlap=WEEK, by=Actor())
    told()
    clock.shift(WEEK - dt.timedelta(seconds=1))
    assert told() == []
    clock.shift(1)
    assert told() == ["Oud client secret van ‘Magazijn’ beëindigd"]
    assert told() == []
    clock.shift(WEEK)
    assert told() == []
    assert Activity.objects.get(kind=Activity.Kind.SECRET_ENDED).details["hint"] == old_secret.hint


def test_an_end_that_was_moved_is_told_when_it_comes(
    credential: ClientCredential, clock: time_machine.Traveller
) -> None:
    credential.rotate(overlap=WEEK, by=Actor())
    told()
    clock.shift(DAY)
    old_secret = credential.secrets.earliest("pk")
    old_secret.end_after(dt.timedelta(), by=Actor())
    assert told() == ["Oud client secret van ‘Magazijn’ beëindigd"]
    clock.shift(WEEK)
    assert told() == []


def test_each_of_several_old_secrets_is_told(credential: ClientCredential, clock: time_machine.Traveller) -> None:
    for _ in range(2):
        credential.rotate(overlap=DAY, by=Actor())
        clock.shift(WEEK)
    assert told().count("Oud client secret van ‘Magazijn’ beëindigd") == 2
    assert told() == []


def test_an_end_that_another_mail_told_already_is_not_told_again(
    seller: Seller, credential: ClientCredential, clock: time_machine.Traveller
) -> None:
    credential.rotate(overlap=dt.timedelta(), by=Actor())
    assert told() == ["Client secret van ‘Magazijn’ getoond", "Nieuw client secret voor ‘Magazijn’"]
    secret = credential.rotate(overlap=WEEK, by=Actor())
    told()
    clock.shift(DAY)
    report_leak([fingerprint(secret)], by=Actor())
    assert told() == ["Client secret van ‘Magazijn’ gelekt"]
    clock.shift(DAY)
    assert told() == []


def test_secrets_of_third_parties_and_of_what_was_deleted_are_nobodys_mail(
    authorization: ThirdPartyAuthorization, credential: ClientCredential, clock: time_machine.Traveller
) -> None:
    authorization.third_party.reveal(by=Actor())
    clock.shift(1)
    for client in (authorization.third_party, credential):
        client.rotate(overlap=DAY, by=Actor())
    credential.delete_softly(by=Actor())
    told()
    clock.shift(WEEK)
    assert told() == []
    assert ClientSecret.objects.filter(ends_at__lt=timezone.now()).count() == 2
    assert not Activity.objects.filter(kind=Activity.Kind.SECRET_ENDED).exists()


# ---- An unconfirmed address -------------------------------------------------------------------------------


def test_an_unconfirmed_address_is_reminded_of_once_after_three_days(
    seller: Seller, clock: time_machine.Traveller
) -> None:
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


def test_a_confirmed_address_is_not_reminded_of(seller: Seller, clock: time_machine.Traveller) -> None:
    clock.shift(REMIND_AFTER)
    assert send_notices() == {"sent": 0, "failed": 0, "due": 0}
    TechnicalContact.objects.update(confirmed_at=None)
    Seller.objects.update(closed_at=START)
    assert send_notices()["sent"] == 0


def test_another_unconfirmed_address_is_reminded_of_too(seller: Seller, clock: time_machine.Traveller) -> None:
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


def test_a_dry_run_counts_and_changes_nothing(
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


def test_it_says_what_failed_and_what_is_still_to_be_sent(seller: Seller, smtp: Behaviour) -> None:
    smtp.refused = {CONTACT}
    ClientCredentialFactory(seller=seller).pause(by=Actor())
    assert send_notices() == {"sent": 1, "failed": 1, "due": 1}
    assert send_notices() == {"sent": 0, "failed": 0, "due": 1}
    assert smtp.recipients == [OWNER]


def test_for_people_it_prints_lines(db: None) -> None:
    out = StringIO()
    call_command("send_notices", stdout=out)
    assert out.getvalue() == "sent: 0\nfailed: 0\ndue: 0\n"


def test_a_seller_whom_nobody_reads_mail_for_is_passed_over(seller: Seller, clock: time_machine.Traveller) -> None:
    ThirdPartyAuthorizationFactory(seller=seller)
    seller.memberships.all().delete()
    seller.technical_contact.delete()
    clock.move_to(START + 350 * DAY)
    assert send_notices() == {"sent": 0, "failed": 0, "due": 0}


def test_queueing_takes_as_many_queries_however_many_have_been_told(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller, django_assert_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

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

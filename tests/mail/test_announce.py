"""`manage.py announce`: one message to every confirmed technical contact, exactly once."""

import io
import json
from collections import Counter
from itertools import count, cycle
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Actor, Membership, Seller
from apicredentials.exceptions import AlreadySent, WordsChanged
from apicredentials.mail import delivery
from apicredentials.mail.previews import sample
from apicredentials.models import Activity, Announcement, OutgoingMail, TechnicalContact, announcements
from apicredentials.models.announcements import Progress
from tests.factories import (
    AnnouncementFactory,
    MembershipFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
)
from tests.inventory import tables
from tests.mail.conftest import CONTACT, OWNER, SUBJECT, announce
from tests.mail.smtp_server import Behaviour
from tests.mail.test_races import SENDERS, at_once
from tests.mailbox import send_due_mail
from tests.people import says, signed_in


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mails per transaction."""
    monkeypatch.setattr(announcements, "BATCH_SIZE", 2)


def contacts(number: int, **fields: Any) -> list[str]:
    """Create this number of contacts, each of a new seller, and return their addresses."""
    made = [TechnicalContactFactory(email=f"c{next(NUMBERS)}@winkel.example", **fields) for _ in range(number)]
    return [contact.email for contact in made]


NUMBERS = count()


def reached() -> Counter[str]:
    """Return the number of mails to each address."""
    return Counter(address for message in mail.outbox for address in message.to)


def sent() -> Announcement:
    """Return a sent announcement whose mails are still in the outbox."""
    announcement = AnnouncementFactory()
    announcement.send(by=Actor(), seen=announcement.updated_at)
    announcement.queue()
    return announcement


# ---- Recipients -------------------------------------------------------------------------------------------


def test_every_confirmed_contact_is_mailed_once_however_often_it_is_run(seller: Seller, words: tuple[str]) -> None:
    others = contacts(4)
    first, second = announce(*words), announce(*words)
    assert first == {"announcement": first["announcement"], "recipients": 5, "sent": 5, "failed": 0, "due": 0}
    assert second == first | {"sent": 0}
    assert reached() == Counter([CONTACT, *others])


def test_owners_unconfirmed_contacts_and_closed_sellers_are_not_mailed(seller: Seller, words: tuple[str]) -> None:
    contacts(1, confirmed_at=None)
    contacts(1, seller=SellerFactory(closed=True))
    assert announce(*words)["recipients"] == 1
    assert OWNER not in reached()
    assert reached() == {CONTACT: 1}


@pytest.mark.usefixtures("small_batches")
def test_address_of_several_sellers_is_mailed_once(db: None, words: tuple[str]) -> None:
    for address in ("bureau@buro.example", "Bureau@buro.example", "BUREAU@BURO.EXAMPLE", "ander@buro.example"):
        TechnicalContactFactory(email=address)
    assert announce(*words, "--dry-run")["recipients"] == 2
    answer = announce(*words)
    assert (answer["recipients"], answer["sent"], answer["due"]) == (2, 2, 0)
    assert reached() == {"bureau@buro.example": 1, "ander@buro.example": 1}


def test_contact_confirmed_later_is_not_mailed(db: None) -> None:
    before = contacts(3)
    late = TechnicalContactFactory(email="laat@winkel.example", confirmed_at=None)
    announcement = sent()
    late.confirm()
    assert announce(str(announcement.pk))["sent"] == 3
    assert reached() == Counter(before)


def test_database_rejects_a_second_mail_to_one_address(seller: Seller) -> None:
    double = sent().mail_to(CONTACT.upper(), SellerFactory())
    with transaction.atomic(), pytest.raises(IntegrityError, match=r"key|address"):
        double.save()


def test_announcement_of_a_party_is_mailed_to_owners_and_contacts_of_its_sellers(
    seller: Seller, words: tuple[str]
) -> None:
    party = ThirdPartyAuthorizationFactory(seller=seller, third_party__name="Boekhouding").third_party
    party.pause(by=Actor(reason="Onderzoek"))
    OutgoingMail.objects.all().delete()  # the mail about the suspension
    MembershipFactory(seller=seller, role=Membership.Role.TECHNICAL)
    without_access: list[dict[str, Any]] = [{"ended": True}, {"expired": True}, {"seller": SellerFactory(closed=True)}]
    for fields in without_access:
        ThirdPartyAuthorizationFactory(third_party=party, **fields)
    ThirdPartyAuthorizationFactory()
    contacts(1)
    assert announce(*words, "--party", party.client_id, "--dry-run")["recipients"] == 2
    for sent in (2, 0):
        assert announce(*words, "--party", party.client_id)["sent"] == sent
    assert reached() == {OWNER: 1, CONTACT: 1}
    assert "eigenaar of technisch contact bent van Appels" in mail.outbox[0].body
    assert "en Boekhouding daar toestemming heeft" in mail.outbox[0].body
    assert announce(*words)["recipients"] == 2, "the same words for everybody are another announcement"


# ---- Interrupted and resumed ------------------------------------------------------------------------------


class Interrupted(BaseException):
    """Like KeyboardInterrupt, raised at a chosen call."""


def interrupt(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, after: int) -> None:
    """Make `owner.name` raise Interrupted after `after` successful calls."""
    works, calls = getattr(owner, name), count()

    def work(*args: Any, **kwargs: Any) -> Any:
        if next(calls) >= after:
            raise Interrupted
        return works(*args, **kwargs)

    monkeypatch.setattr(owner, name, work)


# The calls that interrupt a run for five contacts: before it starts, before its commit, before and while the mails are
# queued (after one and two of three transactions), between two mails.
MOMENTS = [
    (Announcement, "send", 0),
    (Activity, "record", 0),
    *[(Announcement, "mail_to", after) for after in (0, 3, 4)],
    *[(delivery, "attempt", after) for after in range(5)],
]


@pytest.fixture(params=MOMENTS, ids=lambda moment: f"{moment[1]}-{moment[2]}")
def interrupted(
    request: pytest.FixtureRequest, words: tuple[str], small_batches: None, db: None, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The contacts' addresses, after an interrupted run."""
    addresses = contacts(5)
    with monkeypatch.context() as patch:
        interrupt(patch, *request.param)
        with pytest.raises(Interrupted):
            announce(*words)
    # The mail in progress stays claimed until the lease of the dead sender has expired; skip that wait.
    OutgoingMail.objects.filter(sent_at=None).update(due_at=timezone.now())
    return addresses


def test_repeating_an_interrupted_run_mails_each_once(interrupted: list[str], words: tuple[str]) -> None:
    assert announce(*words)["due"] == 0
    assert reached() == Counter(interrupted)
    assert Announcement.objects.count() == Activity.objects.filter(kind="announcement_sent").count() == 1


def test_send_notices_finishes_an_interrupted_run(interrupted: list[str]) -> None:
    was_sent = Announcement.objects.filter(sent_at__isnull=False).exists()
    call_command("send_notices", "--json", stdout=io.StringIO())
    assert reached() == Counter(interrupted if was_sent else [])


@pytest.fixture
def half_queued(words: tuple[str], small_batches: None, db: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of five contacts, after a run that ended when two of them had a mail in the outbox."""
    addresses = contacts(5)
    with monkeypatch.context() as patch:
        interrupt(patch, Announcement, "mail_to", after=3)
        with pytest.raises(Interrupted):
            announce(*words)
    assert OutgoingMail.objects.count() == 2
    return addresses


def test_counts_include_the_addresses_that_are_not_queued_yet(half_queued: list[str]) -> None:
    announcement = Announcement.objects.get()
    assert announcement.progress() == Progress(waiting=5, stuck=0, sent=0, given_up=0)
    assert announce(str(announcement.pk), "--dry-run")["due"] == 5
    out = io.StringIO()
    call_command("send_notices", "--dry-run", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"sent": 0, "failed": 0, "due": 5}
    assert len(send_due_mail()) == 5
    announcement.refresh_from_db()
    assert announcement.progress() == Progress(waiting=0, stuck=0, sent=5, given_up=0)


def test_contacts_that_changed_meanwhile_are_mailed_at_most_once(half_queued: list[str]) -> None:
    now = timezone.now()
    for queued, address in ((True, half_queued[0]), (False, half_queued[4])):
        TechnicalContact.objects.filter(email=address).update(email=f"{queued}@winkel.example", confirmed_at=now)
    Seller.objects.filter(technical_contact__email=half_queued[3]).update(closed_at=now)
    send_due_mail()
    assert reached() == Counter(half_queued[:3])


def test_urgent_mail_leaves_before_announcements_are_queued(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    contacts(1)
    announcement = AnnouncementFactory()
    announcement.send(by=Actor(), seen=announcement.updated_at)
    sample(Activity.Kind.LEAK_REPORTED).queue_for([OWNER])
    interrupt(monkeypatch, Announcement, "queue", after=0)
    with pytest.raises(Interrupted):
        call_command("send_notices")
    assert reached() == {OWNER: 1}


def test_urgent_mail_is_sent_before_announcements(db: None) -> None:
    contacts(3)
    sent()
    sample(Activity.Kind.LEAK_REPORTED).queue_for([OWNER])
    assert send_due_mail()[0].to == [OWNER]
    assert len(mail.outbox) == 4


def test_number_of_queries_is_independent_of_the_number_of_contacts(db: None) -> None:
    def queries(number: int) -> int:
        contacts(number)
        with CaptureQueriesContext(connection) as captured:
            sent()
        return len(captured)

    assert queries(2) == queries(20)


# ---- Dry run, log and drafts ------------------------------------------------------------------------------


def test_dry_run_prints_the_mail_and_changes_nothing(seller: Seller, words: tuple[str]) -> None:
    before = tables()
    answer = announce(*words, "--dry-run")
    assert "\n\nHallo,\n\nZondag 7 maart" in answer.pop("body")
    assert answer == {"announcement": None, "recipients": 1, "sent": 0, "failed": 0, "due": 1, "subject": SUBJECT}
    assert (tables(), mail.outbox) == (before, [])


def test_sending_is_logged_for_operators_but_not_for_sellers(seller: Seller, words: tuple[str]) -> None:
    announce(*words, "--reason", "Wijziging 4711")
    activity = Activity.objects.get(kind=Activity.Kind.ANNOUNCEMENT_SENT)
    assert (activity.subject, activity.reason, activity.seller) == (SUBJECT, "Wijziging 4711", None)
    assert activity.actor_name == "Operator van de marktplaats"
    assert SUBJECT not in says(signed_in(seller.members.get()).get("/instellingen/api/activiteit/"))


def test_sent_announcement_cannot_be_changed_or_deleted(seller: Seller) -> None:
    draft = AnnouncementFactory()
    stale = Announcement.objects.get()
    draft.send(by=Actor(), seen=draft.updated_at)
    draft.queue()
    before = tables()
    for announcement in (draft, stale):
        announcement.text = "Iets anders."
        for act in (announcement.save, announcement.delete, lambda: stale.send(by=Actor(), seen=draft.updated_at)):
            with pytest.raises(AlreadySent):
                act()
    with transaction.atomic(), pytest.raises(ProtectedError):
        Announcement.objects.all().delete()
    assert tables() == before


def test_deleted_draft_cannot_be_saved_or_sent(db: None) -> None:
    draft = AnnouncementFactory()
    Announcement.objects.get().delete()
    for act in (draft.save, draft.delete, lambda: draft.send(by=Actor(), seen=draft.updated_at)):
        with pytest.raises(WordsChanged):
            act()
    assert not Announcement.objects.exists()


def test_changed_draft_is_not_sent(seller: Seller) -> None:
    announcement = AnnouncementFactory()
    read = announcement.updated_at
    announcement.text = "Iets anders."
    announcement.save()
    with pytest.raises(WordsChanged):
        announcement.send(by=Actor(), seen=read)
    assert not Activity.objects.filter(kind=Activity.Kind.ANNOUNCEMENT_SENT).exists()


# ---- Concurrency -------------------------------------------------------------------------------------------


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_batches")
def test_concurrent_runs_with_the_same_text_mail_each_once(smtp: Behaviour, words: tuple[str]) -> None:
    addresses = contacts(15)
    at_once(lambda: announce(*words))
    assert Counter(smtp.recipients) == Counter(addresses)
    assert Announcement.objects.count() == 1
    assert Activity.objects.filter(kind=Activity.Kind.ANNOUNCEMENT_SENT).count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_concurrent_runs_with_the_addresses_in_another_order_do_not_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    # Long statements, so that they overlap.
    monkeypatch.setattr(announcements, "BATCH_SIZE", 4000)
    seller, orders = SellerFactory(), cycle((1, -1))
    rows = [(f"c{number}@winkel.example", seller) for number in range(4000)]
    monkeypatch.setattr(Announcement, "recipients", lambda self: rows[:: next(orders)])
    announcement = AnnouncementFactory()
    announcement.send(by=Actor(), seen=announcement.updated_at)
    at_once(lambda: Announcement.objects.get().queue())
    assert announcement.mails.count() == len(rows)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_of_several_concurrent_sends_succeeds(smtp: Behaviour) -> None:
    contacts(3)
    draft, outcomes = AnnouncementFactory(), []

    def send() -> None:
        try:
            Announcement.objects.get().send(by=Actor(), seen=draft.updated_at)
            outcomes.append("sent")
        except AlreadySent as error:
            outcomes.append(error.code)

    at_once(send)
    assert sorted(outcomes) == ["already_sent"] * (SENDERS - 1) + ["sent"]
    assert Activity.objects.filter(kind=Activity.Kind.ANNOUNCEMENT_SENT).count() == 1

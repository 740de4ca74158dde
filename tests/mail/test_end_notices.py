"""`manage.py send_notices`: notices before and at the end of an authorisation."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials.mail import notices
from apicredentials.mail.notices import CATCH_UP, Notice, queue_batch, queue_notices
from apicredentials.models import Activity, OutgoingMail, ThirdParty, ThirdPartyAuthorization
from apicredentials.models.states import Cause
from tests.factories import ThirdPartyAuthorizationFactory
from tests.mail.conftest import START
from tests.mail.notices import DAY, send_notices, subjects_sent

pytestmark = pytest.mark.usefixtures("clock")


def test_each_notice_is_sent_once_on_its_day(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    came = {}
    for day in (-70, -61, -60, -59, -45, -31, -30, -29, -15, -14, -13, -8, -7, -6, -2, -1, 0, 1, 7, 29, 30, 31, 60):
        clock.move_to(authorization.expires_at + day * DAY)
        for _ in range(2):
            if subjects := subjects_sent():
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


@pytest.mark.parametrize("steps", [(60, 30, 14, 7, 1), (30, 14, 7, 1), (7, 1), (1,)])
def test_only_the_first_notice_has_a_calendar_file(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller, steps: tuple[int, ...]
) -> None:
    attachments = []
    for _ in range(2):
        for days in steps:
            clock.move_to(authorization.expires_at - days * DAY)
            send_notices()
            attachments.append([len(message.attachments) for message in mail.outbox])
            mail.outbox.clear()
        authorization.renew(by=Actor(user=authorization.granted_by))
        send_notices()
        mail.outbox.clear()
    assert attachments == [[1, 1], *[[0, 0] for _ in steps[1:]]] * 2


def test_days_start_at_midnight_in_amsterdam(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    midnight = timezone.localtime(authorization.expires_at).replace(hour=0, minute=0, day=2, month=2)  # 27 days
    ThirdPartyAuthorization.objects.update(expires_at=midnight + 27 * DAY + dt.timedelta(hours=23))
    clock.move_to(midnight - 3 * DAY - dt.timedelta(seconds=1))
    assert subjects_sent() == ["Toegang van Boekhouding verloopt over 31 dagen"]
    clock.shift(1)
    assert subjects_sent() == ["Toegang van Boekhouding verloopt over 30 dagen"]


def test_first_notice_is_not_sent_early(authorization: ThirdPartyAuthorization, clock: time_machine.Traveller) -> None:
    clock.move_to(authorization.expires_at - 61 * DAY + DAY / 24)
    assert subjects_sent() == []
    clock.shift(DAY / 2)
    assert subjects_sent() == ["Toegang van Boekhouding verloopt over 60 dagen"]


def test_only_the_latest_notice_is_sent_after_missed_runs(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    clock.move_to(authorization.expires_at - 5 * DAY)
    assert subjects_sent() == ["Toegang van Boekhouding verloopt over 5 dagen"]
    clock.move_to(authorization.expires_at - DAY / 2)
    assert subjects_sent() == ["Toegang van Boekhouding verloopt vandaag"]


def test_notices_are_sent_again_in_the_year_after_a_renewal(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    clock.move_to(authorization.expires_at - 30 * DAY)
    assert len(subjects_sent()) == 1
    authorization.renew(by=Actor(user=authorization.granted_by))
    assert subjects_sent() == ["Toegang van Boekhouding verlengd"]
    clock.move_to(authorization.expires_at - 30 * DAY)
    assert subjects_sent() == ["Toegang van Boekhouding verloopt over 30 dagen"]
    clock.move_to(authorization.expires_at + DAY)
    assert subjects_sent() == ["Toegang van Boekhouding is verlopen"]
    authorization.renew(by=Actor(user=authorization.granted_by))
    subjects_sent()
    clock.move_to(authorization.expires_at + DAY)
    assert subjects_sent() == ["Toegang van Boekhouding is verlopen"]


@pytest.mark.parametrize(
    ("act", "news"),
    [
        ("renew", "Toegang van Voorraad verlengd"),
        ("consent", "Voorraad heeft toegang tot de Retailer API"),
        ("revoke", "Voorraad heeft geen toegang meer"),
    ],
)
def test_unsent_notice_is_withdrawn_when_it_is_no_longer_true(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller, act: str, news: str
) -> None:
    """The mail server may be down between the notice and the act of the seller."""
    other = ThirdPartyAuthorizationFactory(seller=authorization.seller, third_party__name="Voorraad")
    clock.move_to(authorization.expires_at - 14 * DAY)
    queue_notices()
    if act == "consent":
        ThirdPartyAuthorization.objects.consent(
            seller=other.seller, third_party=other.third_party, rights=other.rights, by=Actor()
        )
    else:
        getattr(other, act)(by=Actor())
    assert sorted(subjects_sent()) == sorted(["Toegang van Boekhouding verloopt over 14 dagen", news])


def test_notice_that_was_given_up_is_withdrawn_by_a_renewal(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    clock.move_to(authorization.expires_at - 14 * DAY)
    queue_notices()
    OutgoingMail.objects.update(given_up_at=timezone.now(), last_error="ConnectionRefusedError")
    authorization.renew(by=Actor(user=authorization.granted_by))
    OutgoingMail.objects.try_again()
    assert subjects_sent() == ["Toegang van Boekhouding verlengd"]


def test_renewal_while_notices_are_queued_prevents_the_notice(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renew_first(notice: Notice, keys: Sequence[int]) -> None:
        authorization.renew(by=Actor(user=authorization.granted_by))
        queue_batch(notice, keys)

    clock.move_to(authorization.expires_at - 14 * DAY)
    monkeypatch.setattr(notices, "queue_batch", renew_first)
    assert subjects_sent() == ["Toegang van Boekhouding verlengd"]


@pytest.mark.parametrize("days", [-7, 7])
def test_authorisation_without_access_gets_no_notice(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller, days: int
) -> None:
    clock.move_to(authorization.expires_at + days * DAY)

    ThirdPartyAuthorization.objects.update(ended_at=START, end_cause="removed_by_seller")
    assert subjects_sent() == []
    ThirdPartyAuthorization.objects.update(ended_at=None, end_cause="")

    Seller.objects.update(closed_at=START)
    assert subjects_sent() == []
    Seller.objects.update(closed_at=None)

    ThirdParty.objects.update(deleted_at=START)
    assert subjects_sent() == []
    ThirdParty.objects.update(deleted_at=None)

    assert len(subjects_sent()) == 1


def test_old_end_is_not_mailed(authorization: ThirdPartyAuthorization, clock: time_machine.Traveller) -> None:
    clock.move_to(authorization.expires_at + CATCH_UP + dt.timedelta(seconds=1))
    assert subjects_sent() == []
    assert not Activity.objects.exists()


def test_end_followed_by_a_new_consent_is_not_mailed(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    clock.move_to(authorization.expires_at + DAY)
    ThirdPartyAuthorization.objects.consent(
        seller=authorization.seller, third_party=authorization.third_party, rights=["orders:read"], by=Actor()
    )
    assert subjects_sent() == ["Boekhouding heeft toegang tot de Retailer API"]


def test_clock_that_is_set_forward_and_back_repeats_no_notice(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    came = []
    for days in (30, 7, 30, 14, 7, 7):
        clock.move_to(authorization.expires_at - days * DAY)
        came += [subject.removeprefix("Toegang van Boekhouding verloopt over ") for subject in subjects_sent()]
    assert came == ["30 dagen", "7 dagen", "14 dagen"]


def test_withdrawn_notice_is_sent_after_a_take_over(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller
) -> None:
    owner = authorization.seller.members.get()
    clock.move_to(authorization.expires_at - 14 * DAY)
    queue_notices()
    authorization.stop(Cause.MEMBER_LEFT, by=Actor.machine())
    authorization.take_over(by=Actor(user=owner))
    assert "Toegang van Boekhouding verloopt over 14 dagen" in subjects_sent()


def test_next_run_queues_the_notices_of_an_interrupted_run(
    authorization: ThirdPartyAuthorization, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(step: int, rows: object) -> None:
        raise KeyboardInterrupt

    clock.move_to(authorization.expires_at - 14 * DAY)
    broken = [replace(notice, note=partial(break_off, 0)) for notice in notices.NOTICES]
    with monkeypatch.context() as patch:
        patch.setattr(notices, "NOTICES", broken)
        with pytest.raises(KeyboardInterrupt):
            queue_notices()
    assert not OutgoingMail.objects.exists()
    assert subjects_sent() == ["Toegang van Boekhouding verloopt over 14 dagen"]

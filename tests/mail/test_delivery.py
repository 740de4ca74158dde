"""Delivery to a real mail server that refuses, is slow, disconnects or is down."""

import datetime as dt
import re
import socket
import time
from smtplib import SMTPDataError, SMTPRecipientsRefused
from unittest.mock import Mock

import pytest
import structlog
import time_machine
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from apicredentials.mail import delivery
from apicredentials.mail.previews import sample
from apicredentials.models import OutgoingMail
from apicredentials.models.outgoing_mail import LEASE, PAUSES, describe
from portal.demo.servers import Stopped
from tests.mail.smtp_server import Behaviour

GOOD, BAD, OTHER = "goed@winkel.example", "fout@winkel.example", "ander@winkel.example"
MINUTE = dt.timedelta(minutes=1)


def queue(*recipients: str, key: str = "een-aanleiding") -> None:
    mail = sample("credential_paused")
    mail.key = key
    mail.queue_for(recipients)


def send() -> tuple[int, int]:
    """Send all due mail and return the numbers of sent and failed mails."""
    result = delivery.send(OutgoingMail.objects.all())
    return result.sent, result.failed


def only() -> OutgoingMail:
    return OutgoingMail.objects.get()


@pytest.fixture(autouse=True)
def _db(db: None) -> None:
    """Let every test use the database."""


def test_mail_is_sent_once(smtp: Behaviour) -> None:
    queue(GOOD, OTHER)
    assert send() == (2, 0)
    assert send() == (0, 0)
    assert smtp.recipients == [GOOD, OTHER]
    assert smtp.connections == 1
    assert smtp.message_ids == list(OutgoingMail.objects.order_by("pk").values_list("message_id", flat=True))
    assert len(set(smtp.message_ids)) == 2


def test_next_mail_is_found_and_claimed_by_index() -> None:
    """With another order, a join or another condition PostgreSQL may read all mails that wait, to send one."""
    orders = {index.name: index.fields for index in OutgoingMail._meta.indexes}
    assert orders["mail_urgent"] == orders["mail_waiting"] == ["due_at"]
    with CaptureQueriesContext(connection) as searches:
        OutgoingMail.objects.claim()
    assert [" JOIN " in each["sql"] for each in searches] == [False, False]
    assert all(re.search(r'ORDER BY "\w+"\."due_at" ASC LIMIT 1$', each["sql"]) for each in searches)
    queue(GOOD)
    with CaptureQueriesContext(connection) as queries:
        OutgoingMail.objects.claim()
    update = next(each["sql"] for each in queries if each["sql"].startswith("UPDATE"))
    assert set(re.findall(r'"(\w+)" =', update.partition(" WHERE ")[2])) == {"id", "attempts"}
    assert " IS NULL" not in update


def test_demo_stops_on_a_signal_during_a_mail(smtp: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    queue(GOOD)
    monkeypatch.setattr(delivery, "render", Mock(side_effect=Stopped))
    with pytest.raises(Stopped):
        send()
    assert OutgoingMail.objects.waiting().count() == 1


def test_each_address_gets_one_mail_per_key(smtp: Behaviour) -> None:
    queue(GOOD)
    queue(GOOD.upper(), OTHER)
    queue(GOOD, key="een-andere")
    assert list(OutgoingMail.objects.order_by("pk").values_list("recipient", flat=True)) == [GOOD, OTHER, GOOD]


def test_refused_addresses_delay_no_other_mail(smtp: Behaviour) -> None:
    bad = [f"fout{number}@winkel.example" for number in range(2 * delivery.PATIENCE)]
    smtp.refused = set(bad)
    queue(*bad, GOOD)
    assert send() == (1, len(bad))
    refused = OutgoingMail.objects.stuck()
    assert {mail.recipient for mail in refused} == set(bad)
    assert {mail.last_error for mail in refused} == {"SMTPRecipientsRefused 550 5.1.1"}


def test_mail_that_cannot_be_rendered_delays_no_other_mail(smtp: Behaviour) -> None:
    for number in range(2 * delivery.PATIENCE):
        OutgoingMail(kind="bestaat_niet", key=str(number)).queue_for([BAD])
    queue("met een spatie@winkel.example", GOOD)
    assert send() == (1, 2 * delivery.PATIENCE + 1)
    assert OutgoingMail.objects.get(key="0").last_error == "KeyError"


def test_failed_mail_is_retried_after_growing_pauses(smtp: Behaviour, clock: time_machine.Traveller) -> None:
    smtp.refused = {BAD}
    queue(BAD)
    for attempt, pause in enumerate(PAUSES, start=1):
        assert send() == (0, 1), attempt
        clock.shift(pause - dt.timedelta(seconds=1))
        assert send() == (0, 0), attempt
        clock.shift(1)
    smtp.refused = set()
    assert send() == (1, 0)
    assert only().last_error == ""
    assert sorted(PAUSES) == list(PAUSES)
    assert dt.timedelta(days=4.5) < sum(PAUSES, dt.timedelta()) < dt.timedelta(days=5)


def test_mail_is_given_up_and_can_be_tried_again(smtp: Behaviour, clock: time_machine.Traveller) -> None:
    smtp.refused = {BAD}
    queue(BAD)
    for pause in (*PAUSES, dt.timedelta()):
        send()
        clock.shift(pause)
    clock.shift(dt.timedelta(days=365))
    assert send() == (0, 0)
    assert only().given_up_at is not None
    smtp.refused = set()
    assert OutgoingMail.objects.try_again() == 1
    assert send() == (1, 0)
    assert only().given_up_at is None


def test_unavailable_server_delays_mail_without_losing_any(smtp: Behaviour, settings: Settings) -> None:
    queue(*[f"goed{number}@winkel.example" for number in range(10)])
    with socket.create_server(("127.0.0.1", 0)) as closed:
        free_port = closed.getsockname()[1]
    smtp_options = settings.MAILERS["default"]["OPTIONS"]
    settings.MAILERS = {"default": settings.MAILERS["default"] | {"OPTIONS": smtp_options | {"port": free_port}}}
    assert send() == (0, delivery.PATIENCE)
    assert OutgoingMail.objects.waiting().count() == 10
    assert OutgoingMail.objects.first().last_error in {"", "ConnectionRefusedError"}  # type: ignore[union-attr]
    settings.MAILERS = {"default": settings.MAILERS["default"] | {"OPTIONS": smtp_options}}
    with time_machine.travel(timezone.now() + MINUTE):
        assert send() == (10, 0)
    assert sorted(smtp.recipients) == [f"goed{number}@winkel.example" for number in range(10)]


def test_run_ends_early_when_the_server_does_not_respond(smtp: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "ANSWER_SECONDS", 0.2)
    smtp.seconds_before_answer = 1
    queue(*[f"goed{number}@winkel.example" for number in range(10)])
    started = time.monotonic()
    assert send() == (0, delivery.PATIENCE)
    assert time.monotonic() - started < 3
    assert {each.last_error for each in OutgoingMail.objects.stuck()} == {"SMTPServerDisconnected"}


def test_slow_server_is_given_time_to_respond(smtp: Behaviour) -> None:
    """The timeout of a response is longer than that of connecting, so that no accepted mail is sent twice."""
    smtp.seconds_before_answer = 2.5
    queue(GOOD)
    assert send() == (1, 0)
    assert smtp.recipients == [GOOD]


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT"])
def test_mail_is_retried_after_a_disconnect(smtp: Behaviour, command: str) -> None:
    smtp.breaks_off = {command, "HELO"}
    queue(GOOD)
    assert send() == (0, 1)
    assert smtp.accepted == []
    smtp.breaks_off = set()
    with time_machine.travel(timezone.now() + MINUTE):
        assert send() == (1, 0)


def test_next_mail_after_a_disconnect_uses_a_new_connection(smtp: Behaviour) -> None:
    smtp.hated = {BAD}
    queue(BAD, GOOD, OTHER)
    assert send() == (2, 1)
    assert smtp.recipients == [GOOD, OTHER]
    assert smtp.connections == 2


def test_disconnect_after_acceptance_causes_one_duplicate_with_the_same_id(smtp: Behaviour) -> None:
    smtp.breaks_off = {"."}
    queue(GOOD)
    assert send() == (0, 1)
    assert only().last_error == "SMTPServerDisconnected"
    smtp.breaks_off = set()
    with time_machine.travel(timezone.now() + MINUTE):
        assert send() == (1, 0)
        assert send() == (0, 0)
    assert smtp.message_ids == [only().message_id] * 2


def test_mail_is_sent_when_the_server_disconnects_at_quit(smtp: Behaviour) -> None:
    smtp.breaks_off = {"QUIT"}
    queue(GOOD)
    assert send() == (1, 0)
    assert smtp.recipients == [GOOD]


def test_killed_sender_causes_one_duplicate_with_the_same_id(
    smtp: Behaviour, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    queue(GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(OutgoingMail, "note_sent", kill)
        with pytest.raises(SystemExit):
            send()
    assert send() == (0, 0), "no other sender may take it while the first may still be running"
    clock.shift(LEASE)
    assert send() == (1, 0)
    clock.shift(LEASE)
    assert send() == (0, 0)
    assert smtp.message_ids == [only().message_id] * 2


def kill(mail: OutgoingMail) -> None:
    raise SystemExit


def test_failure_noted_after_the_lease_has_no_effect(smtp: Behaviour, clock: time_machine.Traveller) -> None:
    queue(GOOD)
    late = OutgoingMail.objects.claim()
    assert late is not None
    clock.shift(LEASE)
    assert send() == (1, 0)
    late.note_failure(TimeoutError())
    assert only().sent_at is not None
    assert only().last_error == ""


class UnclosableMailer(EmailBackend):
    """A mailer that accepts mail and raises when it is closed."""

    def close(self) -> None:
        raise OSError


def test_mail_is_sent_when_closing_the_mailer_fails(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": f"{__name__}.{UnclosableMailer.__name__}"}}
    queue(GOOD)
    assert send() == (1, 0)
    assert only().sent_at is not None


# ---- Description of failures ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "description"),
    [
        (SMTPRecipientsRefused({BAD: (550, f"5.1.1 <{BAD}> onbekend".encode())}), "SMTPRecipientsRefused 550 5.1.1"),
        (SMTPRecipientsRefused({BAD: (451, b"fout is onbekend")}), "SMTPRecipientsRefused 451"),
        (SMTPRecipientsRefused({}), "SMTPRecipientsRefused"),
        (SMTPDataError(554, f"5.7.1 spam van {BAD}".encode()), "SMTPDataError 554 5.7.1"),
        (ValueError(f"Invalid address {BAD!r}"), "ValueError"),
        (ConnectionRefusedError(111, "Connection refused"), "ConnectionRefusedError"),
    ],
)
def test_failure_is_described_without_the_address(error: Exception, description: str) -> None:
    assert describe(error) == description


def test_failure_is_logged_without_the_address(smtp: Behaviour) -> None:
    smtp.refused = {BAD}
    queue(BAD, "met een spatie@winkel.example")
    with structlog.testing.capture_logs() as lines:
        send()
    assert [line["reason"] for line in lines] == ["SMTPRecipientsRefused 550 5.1.1", "ValueError"]
    assert not any(line["exc_info"] for line in lines)
    assert "winkel.example" not in str(lines)

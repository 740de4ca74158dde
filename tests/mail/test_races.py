"""Concurrent and killed senders: no mail is sent or queued twice, and none is lost."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Actor
from apicredentials.mail import delivery
from apicredentials.mail.notices import queue_notices
from apicredentials.mail.previews import sample
from apicredentials.models import Activity, OutgoingMail, TechnicalContact
from apicredentials.models.outgoing_mail import LEASE
from tests.factories import SellerFactory, TechnicalContactFactory, ThirdPartyAuthorizationFactory
from tests.mail.smtp_server import Behaviour
from tests.races import collisions
from tests.served import ROOT, manage, production

SENDERS = 4
PATIENCE_SECONDS = 60


def at_once(work: Callable[[], object]) -> None:
    """Call `work` in SENDERS threads, each with its own database connection."""
    barrier, errors = Barrier(SENDERS, timeout=PATIENCE_SECONDS), []

    def one() -> None:
        try:
            barrier.wait()
            work()
        except BaseException as error:  # noqa: BLE001 - reported in the test's thread
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=one, daemon=True) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert not errors
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_concurrent_senders_send_each_mail_once(smtp: Behaviour) -> None:
    smtp.seconds_before_answer = 0.01
    mail = sample("credential_paused")
    mail.queue_for([f"goed{number}@winkel.example" for number in range(40)])
    at_once(lambda: delivery.send(OutgoingMail.objects.all()))
    assert sorted(Counter(smtp.recipients).values()) == [1] * 40
    assert smtp.connections > 1
    assert set(OutgoingMail.objects.values_list("attempts", flat=True)) == {1}
    assert OutgoingMail.objects.filter(sent_at__isnull=False).count() == 40


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_concurrent_runs_queue_each_notice_once(smtp: Behaviour) -> None:
    for _ in range(5):
        seller = SellerFactory()
        TechnicalContactFactory(seller=seller, email=f"techniek@winkel{seller.pk}.example")
        ThirdPartyAuthorizationFactory(seller=seller, expiring=True)
        ThirdPartyAuthorizationFactory(seller=seller, expired=True)
    TechnicalContact.objects.update(confirmed_at=None, updated_at=timezone.now() - 5 * LEASE * 100)
    at_once(queue_notices)
    kinds = Counter(OutgoingMail.objects.values_list("kind", flat=True))
    assert kinds == {
        OutgoingMail.Kind.AUTHORIZATION_ENDS: 10,
        Activity.Kind.PARTY_EXPIRED: 10,
        OutgoingMail.Kind.CONTACT_REMINDER: 5,
        OutgoingMail.Kind.CONTACT_UNCONFIRMED: 5,
    }
    assert Activity.objects.filter(kind=Activity.Kind.PARTY_EXPIRED).count() == 5


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_concurrent_confirmations_are_logged_once(smtp: Behaviour) -> None:
    contact = TechnicalContactFactory(confirmed_at=None)
    at_once(lambda: TechnicalContact.objects.get(pk=contact.pk).confirm(by=Actor()))
    assert Activity.objects.filter(kind=Activity.Kind.CONTACT_CONFIRMED).count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_concurrent_change_of_name_does_not_lose_a_confirmation(smtp: Behaviour) -> None:
    contact = TechnicalContactFactory(confirmed_at=None)
    renamed = TechnicalContact(seller=contact.seller, name="Joris", email=contact.email)
    collisions.at_once(
        contact.seller,
        lambda: renamed.record(by=Actor()),
        lambda: TechnicalContact.objects.get(pk=contact.pk).confirm(by=Actor()),
    )
    contact.refresh_from_db()
    assert (contact.name, contact.is_confirmed) == ("Joris", True)


# ---- Processes --------------------------------------------------------------------------------------------


@pytest.fixture
def environment(smtp: Behaviour, new_database: Callable[[], str]) -> dict[str, str]:
    """The environment of a process with this mail server and an empty database."""
    return production(DATABASE_URL=new_database(), EMAIL_URL=f"smtp://127.0.0.1:{smtp.port}")


def make_acts(environment: dict[str, str]) -> None:
    """Queue two mails, about a created credential and its revealed secret."""
    arguments = ("--name", "Appels", "--email", "eigenaar@winkel.example", "--json")
    retailer_id = json.loads(manage(environment, "create_seller", *arguments))["retailer_id"]
    made = manage(environment, "create_credential", "--seller", retailer_id, "--name", "Magazijn", "--json")
    assert json.loads(made)["client_secret"].startswith("rts_")


def send_notices(environment: dict[str, str]) -> dict[str, int]:
    answer: dict[str, int] = json.loads(manage(environment, "send_notices", "--json"))
    return answer


@contextmanager
def senders(environment: dict[str, str], number: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Run `send_notices` in several processes at once, and end them with the block."""
    command = [sys.executable, "manage.py", "send_notices", "--json"]
    runs = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(number)
    ]
    try:
        yield runs
    finally:
        for run in runs:
            run.kill()
            run.communicate()


def test_concurrent_processes_send_each_mail_once(smtp: Behaviour, environment: dict[str, str]) -> None:
    make_acts(environment)
    with senders(environment, 3) as runs:
        answers = [json.loads(run.communicate(timeout=PATIENCE_SECONDS)[0]) for run in runs]
    assert sum(answer["sent"] for answer in answers) == 2
    assert len(set(smtp.message_ids)) == len(smtp.message_ids) == 2


def test_killed_process_loses_no_mail(smtp: Behaviour, environment: dict[str, str]) -> None:
    make_acts(environment)
    smtp.seconds_before_answer = 60
    with senders(environment, 1) as (run,):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not smtp.accepted:
            assert run.poll() is None, "The process ended without sending."
            assert time.monotonic() < deadline, "The process sends nothing."
            time.sleep(0.05)
        run.kill()
    smtp.seconds_before_answer = 0
    assert send_notices(environment) == {"sent": 1, "failed": 0, "due": 1}
    assert len(set(smtp.message_ids)) == 2


def test_console_mailer_does_not_write_into_json_output(new_database: Callable[[], str], tmp_path: Path) -> None:
    environment = production(DATABASE_URL=new_database(), EMAIL_URL="consolemail://")
    make_acts(environment)
    assert send_notices(environment) == {"sent": 2, "failed": 0, "due": 0}

"""Cost of notices: counting and queueing what is due, a run with nothing due, an announcement, sending. As JSON.

`longest` is the longest transaction.
"""

import json
import resource
import sys
import time
from collections.abc import Callable

import django

django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Actor  # noqa: E402
from apicredentials.mail import delivery, notices  # noqa: E402
from apicredentials.models import CommandRun, OutgoingMail  # noqa: E402
from tests.factories import AnnouncementFactory  # noqa: E402

LONGEST = {"seconds": 0.0}
SENT = 300


def watch_transactions() -> None:
    """Remember the longest transaction, from its start to the end of its commit."""
    change, started = connection.set_autocommit, 0.0

    def watched(autocommit: bool, **options: bool) -> None:
        nonlocal started
        if not autocommit:
            started = time.perf_counter()
        change(autocommit, **options)
        if autocommit:
            LONGEST["seconds"] = max(LONGEST["seconds"], time.perf_counter() - started)

    connection.set_autocommit = watched  # type: ignore[assignment, method-assign]


def measure(work: Callable[[], int]) -> dict[str, float]:
    """Do it; return the seconds, the mails and the peak memory of the process so far."""
    LONGEST["seconds"], started = 0.0, time.perf_counter()
    mails = work()
    seconds = time.perf_counter() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "rows": mails, "longest": LONGEST["seconds"], "megabytes": megabytes}


def queue() -> int:
    before = OutgoingMail.objects.count()
    notices.queue_notices()
    return OutgoingMail.objects.count() - before


def announce() -> int:
    announcement = AnnouncementFactory()
    announcement.send(by=Actor(), seen=announcement.updated_at)
    announcement.queue()
    return announcement.progress().total


def send() -> int:
    """Send the first mails to a mail server that takes no time."""
    result = delivery.SendResult()

    def note_sent() -> None:
        CommandRun.objects.note("send_notices", 1)
        if result.sent == SENT:
            result.in_a_row = delivery.PATIENCE  # ends the run

    delivery.send(OutgoingMail.objects.all(), result, note_sent)
    return result.sent


def send_announcement() -> int:
    """Do the same when only the mails of an announcement wait."""
    OutgoingMail.objects.waiting().filter(announcement=None).update(sent_at=timezone.now())
    return send()


def main() -> None:
    connection.ensure_connection()
    watch_transactions()
    works = {
        "send_notices --dry-run": notices.count_notices,
        "queueing all notices that are due": queue,
        "queueing with nothing due": queue,
        "queueing an announcement": announce,
        "sending notices, without a mail server": send,
        "sending an announcement, without a mail server": send_announcement,
    }
    json.dump({name: measure(work) for name, work in works.items()}, sys.stdout)


main()

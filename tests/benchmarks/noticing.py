"""Cost of queueing: the notices that are due, a run with nothing due, an announcement. Prints seconds as JSON.

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

from accounts.models import Actor  # noqa: E402
from apicredentials.mail import notices  # noqa: E402
from apicredentials.models import OutgoingMail  # noqa: E402
from tests.factories import AnnouncementFactory  # noqa: E402

LONGEST = {"seconds": 0.0}


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


def main() -> None:
    connection.ensure_connection()
    watch_transactions()
    works = {
        "send_notices --dry-run": notices.count_notices,
        "queueing all notices that are due": queue,
        "queueing with nothing due": queue,
        "queueing an announcement": announce,
    }
    json.dump({name: measure(work) for name, work in works.items()}, sys.stdout)


main()

"""Queues expiry notices and sends due mail."""

from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from apicredentials.mail import delivery
from apicredentials.mail.notices import count_notices, queue_announcements, queue_notices
from apicredentials.management.base import PortalCommand
from apicredentials.models import Announcement, CommandRun, OutgoingMail


class Command(PortalCommand):
    help = (
        "Queue the notices of today (an authorisation ends in 60, 30, 14, 7 or 1 days or has ended, an old secret has "
        "ended, the address of a technical contact is unconfirmed for three days) and the mails of announcements, then "
        "send all mail that is due. Run it every few minutes, from cron or a systemd timer; several runs at the same "
        "time do not send anything twice. Mail that cannot be sent is tried again after growing pauses, for about five "
        "days. Prints how many mails were sent, how many failed, and how many are still to be sent, now or later."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="Queue and send nothing; count the mails to send.")

    def act(self, *, dry_run: bool, **options: Any) -> dict[str, int]:
        if dry_run:
            return {"sent": 0, "failed": 0, "due": count_waiting() + count_notices()}
        note_sent = partial(CommandRun.objects.note, "send_notices", 1)
        queue_notices()
        # Before announcements are queued, because urgent mail must not wait for that.
        result = delivery.send(OutgoingMail.objects.filter(announcement=None), note_sent=note_sent)
        queue_announcements()
        delivery.send(OutgoingMail.objects.all(), result, note_sent)
        CommandRun.objects.note("send_notices")
        return {"sent": result.sent, "failed": result.failed, "due": OutgoingMail.objects.waiting().count()}


def count_waiting() -> int:
    """Return how many mails are to be sent, with those of announcements that are not in the outbox yet."""
    unqueued = list(Announcement.objects.unqueued())
    queued = OutgoingMail.objects.waiting().exclude(announcement__in=unqueued)
    return queued.count() + sum(each.progress().waiting for each in unqueued)

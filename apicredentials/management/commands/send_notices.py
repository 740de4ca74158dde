"""Mail that is due."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from apicredentials.mail import delivery
from apicredentials.mail.notices import queue_notices
from apicredentials.management.base import PortalCommand
from apicredentials.models import Announcement, CommandRun, OutgoingMail
from apicredentials.models.announcements import queue_announcements


class Command(PortalCommand):
    """See `help`."""

    help = (
        "Queue the notices that are due, then send all mail that is due. Notices are due when an authorisation ends "
        "in 60, 30, 14, 7 or 1 days or has ended, when an old secret has ended, and when the address of a technical "
        "contact has been unconfirmed for three days. Also queues what is left of announcements. Run it every few "
        "minutes, from cron or a systemd timer; several runs at the same time do not send a mail twice. Mail that "
        "cannot be sent is retried at growing intervals for about five days. Prints how many mails were sent, how "
        "many failed, and how many are still to be sent, now or later."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="Queue and send nothing; count what is to be sent.")

    def act(self, *, dry_run: bool, **options: Any) -> dict[str, int]:
        """Queue and send, or count what there would be to send."""
        if dry_run:
            return {"sent": 0, "failed": 0, "due": count_what_would_be_due()}
        queue_notices()
        queue_announcements()
        tally = delivery.send(OutgoingMail.objects.all())
        CommandRun.objects.note("send_notices", tally.sent)
        return {"sent": tally.sent, "failed": tally.failed, "due": OutgoingMail.objects.waiting().count()}


def count_what_would_be_due() -> int:
    """Queue what the calendar asks, count, and undo it; of announcements, which may be for thousands, only count."""
    with transaction.atomic():
        queue_notices()
        count = OutgoingMail.objects.waiting().count()
        transaction.set_rollback(True)
    return count + sum(announcement.addresses_left() for announcement in Announcement.objects.unfinished())

"""One message to all technical contacts."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import Actor
from apicredentials.exceptions import AlreadySent
from apicredentials.mail import delivery
from apicredentials.mail.previews import sample_of
from apicredentials.mail.rendering import render
from apicredentials.management.base import PortalCommand, operator, standard_input
from apicredentials.models import Announcement, OutgoingMail
from apicredentials.models.announcements import MAXIMUM_TEXT


class Command(PortalCommand):
    """See `help`."""

    help = (
        "Send one announcement to every technical contact whose address is confirmed and whose seller is open. Takes "
        "effect immediately. Identify the announcement by its number in /beheer/, or give its subject and text. "
        "Every address gets it once, also when the command is interrupted, repeated, or run twice at the same time; "
        "send_notices finishes an interrupted run. Contacts who confirm their address later do not get it. Prints "
        "its number, the number of addresses, and how many mails this run sent, how many failed, and how many are "
        "still to be sent."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("number", nargs="?", type=int, metavar="NUMBER", help="One that is in /beheer/ already.")
        parser.add_argument("--subject", help="The subject of a new one: one line.")
        parser.add_argument("--text-file", metavar="FILE", help="A file with its plain text; - is standard input.")
        parser.add_argument("--reason", default="", help="Why; operators read it in the activity log.")
        parser.add_argument("--dry-run", action="store_true", help="Send and keep nothing; print the mail.")

    def act(
        self, *, number: int | None, subject: str | None, text_file: str | None, dry_run: bool, **options: Any
    ) -> dict[str, Any]:
        """Find or make the announcement, and send what is left of it."""
        by = operator(options["reason"])
        announcement = find(number, subject, text_file)
        return preview(announcement) if dry_run else send(announcement, by)


def find(number: int | None, subject: str | None, text_file: str | None) -> Announcement:
    """Return the announcement with that number or those words; one with new words is not saved yet."""
    if number is not None and subject is None and text_file is None:
        announcement = Announcement.objects.filter(pk=number).first()
        if announcement is None:
            raise CommandError(f"There is no announcement {number}.")
        return announcement
    if number is not None or subject is None or text_file is None:
        raise CommandError("Give either the number of an announcement, or --subject and --text-file.")
    return Announcement.with_words(subject, read(text_file))


def read(file: str) -> str:
    """Return what is in `file`; of one that is far too long enough to tell."""
    try:
        if file == "-":
            return standard_input().read(4 * MAXIMUM_TEXT)
        with Path(file).open(encoding="utf-8") as content:
            return content.read(4 * MAXIMUM_TEXT)
    except OSError as error:
        raise CommandError(f"--text-file: {error.strerror}: {file!r}.") from error
    except (UnicodeDecodeError, ValueError) as error:
        raise CommandError("--text-file is not valid UTF-8.") from error


def preview(announcement: Announcement) -> dict[str, Any]:
    """Return what would be sent, and to how many."""
    email = render(sample_of(announcement))
    return answer(announcement) | {"subject": email.subject, "body": email.body}


def send(announcement: Announcement, by: Actor) -> dict[str, Any]:
    """Send what is left of it: its start, its mails in the outbox, and those that are due."""
    if announcement.pk is None:
        announcement = Announcement.keep(announcement)
    with suppress(AlreadySent):
        announcement.send(by=by, seen=announcement.digest)
    while announcement.queue_next():
        pass
    tally = delivery.send(OutgoingMail.objects.filter(announcement=announcement))
    return answer(announcement, sent=tally.sent, failed=tally.failed)


def answer(announcement: Announcement, *, sent: int = 0, failed: int = 0) -> dict[str, Any]:
    """Return what every run prints."""
    progress = announcement.progress()
    return {
        "announcement": announcement.pk,
        "recipients": progress.total,
        "sent": sent,
        "failed": failed,
        "due": progress.due,
    }

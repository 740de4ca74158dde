"""Sends one message to all technical contacts, or to the sellers of one third party."""

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
from apicredentials.models import Announcement, OutgoingMail, ThirdParty
from apicredentials.models.announcements import MAXIMUM_TEXT, clean_subject, clean_text


class Command(PortalCommand):
    help = (
        "Mail one announcement, at once, to every technical contact whose address is confirmed and whose seller is "
        "open; with --party to the owners and contacts of the sellers that give this party access. Give its number in "
        "/beheer/, or its words. Every address gets it once, also when the command is run again or twice at the same "
        "time. An interrupted run is finished by the same command or by send_notices. Contacts who confirm later do "
        "not get it. Prints the number of the announcement, the number of addresses, how many mails this run sent, how "
        "many failed, and how many are still to be sent."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "number", nargs="?", type=int, metavar="NUMBER", help="A draft or sent announcement in /beheer/."
        )
        parser.add_argument("--subject", help="The subject of a new announcement: one line.")
        parser.add_argument("--text-file", metavar="FILE", help="A file with its plain text; - is standard input.")
        parser.add_argument("--party", metavar="CLIENT_ID", help="Only the sellers that give this party access.")
        parser.add_argument("--reason", default="", help="Why; operators read it in the activity log.")
        parser.add_argument("--dry-run", action="store_true", help="Print the mail; send and store nothing.")

    def act(
        self,
        *,
        number: int | None,
        subject: str | None,
        text_file: str | None,
        party: str | None,
        dry_run: bool,
        **options: Any,
    ) -> dict[str, Any]:
        by = operator(options["reason"])
        if number is not None and (subject, text_file, party) == (None, None, None):
            announcement = by_number(number)
        elif number is None and subject is not None and text_file is not None:
            announcement = with_words(subject, text_file, party)
        else:
            raise CommandError("Give either the number of an announcement, or --subject and --text-file.")
        return preview(announcement) if dry_run else send(announcement, by)


def by_number(number: int) -> Announcement:
    announcement = Announcement.objects.filter(pk=number).first()
    if announcement is None:
        raise CommandError(f"There is no announcement {number}.")
    return announcement


def with_words(subject: str, text_file: str, party: str | None) -> Announcement:
    """Return the announcement with this text for these sellers; a new one is not saved yet."""
    third_party = ThirdParty.objects.filter(client_id=party).first()
    if party is not None and third_party is None:
        raise CommandError(f"There is no third party {party!r}.")
    same = {"subject": clean_subject(subject), "text": clean_text(read(text_file)), "third_party": third_party}
    return Announcement.objects.filter(**same).first() or Announcement(**same)


def read(file: str) -> str:
    """Return the start of `file`, at least one character more than a text may have."""
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
    email = render(sample_of(announcement))
    return answer(announcement) | {"subject": email.subject, "body": email.body}


def send(announcement: Announcement, by: Actor) -> dict[str, Any]:
    """Queue the mails that are not queued yet, and send those that are due."""
    if announcement.pk is None:
        same = {name: getattr(announcement, name) for name in ("subject", "text", "third_party")}
        announcement, _ = Announcement.objects.get_or_create(**same)
    with suppress(AlreadySent):
        announcement.send(by=by, seen=announcement.updated_at)
    announcement.refresh_from_db()
    announcement.queue()
    result = delivery.send(OutgoingMail.objects.filter(announcement=announcement))
    return answer(announcement, sent=result.sent, failed=result.failed)


def answer(announcement: Announcement, *, sent: int = 0, failed: int = 0) -> dict[str, Any]:
    progress = announcement.progress()
    return {
        "announcement": announcement.pk,
        "recipients": progress.total,
        "sent": sent,
        "failed": failed,
        "due": progress.waiting,
    }

"""Mail on its way out: one after another, each noted as sent before the next one leaves."""

from contextlib import suppress
from dataclasses import dataclass
from smtplib import SMTPDataError, SMTPRecipientsRefused
from types import TracebackType
from typing import Self

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, mailers
from django.core.mail.backends.base import BaseEmailBackend

from apicredentials.mail.rendering import render
from apicredentials.models.outgoing_mail import OutgoingMail, OutgoingMailQuerySet, describe

# Mailers that are done at once, by the last part but one of their path. Any other may keep a person waiting.
QUICK_MAILERS = {"console", "dummy", "filebased", "locmem"}
# How many seconds a mail server may take over each of its answers, once it has let us in (MAILERS has how long
# that may take). Too short, and a slow one has accepted a mail that we then send again.
ANSWER_SECONDS = 30
# After how many failures in a row that are not about the mail itself we leave the server alone, until the next run.
PATIENCE = 3

log = structlog.get_logger("apicredentials.mail")


@dataclass
class SendResult:
    """How a run went."""

    sent: int = 0
    failed: int = 0
    in_a_row: int = 0


def send(mails: OutgoingMailQuerySet) -> SendResult:
    """Send those of `mails` that are due; others may be sending at the same time.

    An address that is refused keeps no other mail waiting. A server that does not answer ends the run: with
    many mails to go, each would wait for it as long again.
    """
    tally = SendResult()
    with SmtpConnection() as courier:
        while tally.in_a_row < PATIENCE and (mail := mails.claim()):
            attempt(mail, courier, tally)
    return tally


def send_at_once(key: str) -> None:
    """Send what was queued under `key`, right after its commit, if the mailer is a quick one.

    A mail server is not: a request that waited for it would keep a worker from others, for seconds when all is
    well and for half a minute when it is not. Nor is a thread beside the request an answer: the worker may stop
    before it has finished, and in a burst of acts there would be as many. Those mails are for `send_notices`.
    """
    if settings.MAILERS["default"]["BACKEND"].split(".")[-2] in QUICK_MAILERS:
        send(OutgoingMail.objects.filter(key=key))


def attempt(mail: OutgoingMail, courier: "SmtpConnection", tally: SendResult) -> None:
    """Try to send one claimed mail, and note how that went."""
    try:
        courier.deliver(render(mail))
    except Exception as error:
        mail.note_failure(error)
        tally.failed += 1
        tally.in_a_row = 0 if is_about_the_mail(error) else tally.in_a_row + 1
        # Not in its own words, which may hold the address; where they do not, a traceback is of use.
        is_ours = not isinstance(error, OSError | ValueError)
        log.warning("mail_failed", mail=mail.pk, kind=mail.kind, reason=describe(error), exc_info=is_ours)
    else:
        mail.note_sent()
        tally.sent += 1
        tally.in_a_row = 0


def is_about_the_mail(error: Exception) -> bool:
    """Whether the server is well, and it is this mail, or its address, that it cannot take."""
    return isinstance(error, SMTPRecipientsRefused | SMTPDataError) or not isinstance(error, OSError)


class SmtpConnection:
    """A connection to the mail server, for as many mails as there are; after a failure, a new one.

    Kept open here, for a mailer that closes it after each mail may fail at that, with the mail accepted.
    """

    def __init__(self) -> None:
        self.mailer: BaseEmailBackend | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.hang_up()

    def deliver(self, message: EmailMessage) -> None:
        """Hand over one message; raises whatever the mailer raises."""
        try:
            self.connected().send_messages([message])
        except Exception:
            self.hang_up()
            raise

    def connected(self) -> BaseEmailBackend:
        """Return the mailer, with its connection open."""
        if self.mailer is None:
            self.mailer = mailers["default"]
            self.mailer.open()
            if smtp := getattr(self.mailer, "connection", None):
                smtp.sock.settimeout(ANSWER_SECONDS)
        return self.mailer

    def hang_up(self) -> None:
        """End the connection; that it cannot be ended politely is no news."""
        mailer, self.mailer = self.mailer, None
        if mailer is not None:
            with suppress(Exception):
                mailer.close()

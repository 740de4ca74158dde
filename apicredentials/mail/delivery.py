"""Sending due mail, one mail at a time; each is recorded as sent before the next one."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from smtplib import SMTPDataError, SMTPRecipientsRefused
from types import TracebackType
from typing import Self

import structlog
from django.core.mail import EmailMessage, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from apicredentials.mail.rendering import render
from apicredentials.models.outgoing_mail import OutgoingMail, OutgoingMailQuerySet, describe

# Timeout of each answer of the mail server, in seconds; MAILERS has the one for connecting. If it were short, a slow
# server could accept a mail after we have given up, and we would send it twice.
ANSWER_SECONDS = 30
# Stop the run after this many consecutive failures of the server (failures of a mail or an address do not count).
PATIENCE = 3

log = structlog.get_logger("apicredentials.mail")


@dataclass
class SendResult:
    """The outcome of a run. `in_a_row` counts consecutive failures of the server."""

    sent: int = 0
    failed: int = 0
    in_a_row: int = 0


def send(
    mails: OutgoingMailQuerySet, result: SendResult | None = None, note_sent: Callable[[], object] = lambda: None
) -> SendResult:
    """Send those of `mails` that are due, and return or continue the outcome. Safe to run several times at once.

    `note_sent` is called for each mail, in the transaction that marks it as sent.

    A refused address does not delay other mail. A server that does not answer ends the run, because every further
    mail would wait for the same timeout.
    """
    result = result or SendResult()
    with SmtpConnection() as connection:
        while result.in_a_row < PATIENCE and (mail := mails.claim()):
            attempt(mail, connection, result, note_sent)
    return result


def attempt(
    mail: OutgoingMail, connection: "SmtpConnection", result: SendResult, note_sent: Callable[[], object]
) -> None:
    """Try to send one claimed mail, and record the outcome."""
    try:
        connection.deliver(render(mail))
    except Exception as error:
        mail.note_failure(error)
        result.failed += 1
        result.in_a_row = 0 if is_about_the_mail(error) else result.in_a_row + 1
        # Without the error's message, which may contain the address; with a traceback only for our own bugs.
        is_ours = not isinstance(error, OSError | ValueError)
        log.warning("mail_failed", mail=mail.pk, kind=mail.kind, reason=describe(error), exc_info=is_ours)
        return
    result.sent += 1
    result.in_a_row = 0
    with transaction.atomic():
        mail.note_sent()
        note_sent()


def is_about_the_mail(error: Exception) -> bool:
    """Return True if the failure is about this mail or its address, not about the server."""
    return isinstance(error, SMTPRecipientsRefused | SMTPDataError) or not isinstance(error, OSError)


class SmtpConnection:
    """One connection to the mail server for all mails of a run; after a failure, a new one.

    Kept open here, because closing it per mail can fail after the server accepted the mail, and we would send it twice.
    """

    def __init__(self) -> None:
        self.mailer: BaseEmailBackend | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.hang_up()

    def deliver(self, message: EmailMessage) -> None:
        """Send one message; raises what the mailer raises."""
        try:
            self.connected().send_messages([message])
        except Exception:
            self.hang_up()
            raise

    def connected(self) -> BaseEmailBackend:
        """Return the mailer with an open connection."""
        if self.mailer is None:
            self.mailer = mailers["default"]
            self.mailer.open()
            if smtp := getattr(self.mailer, "connection", None):
                smtp.sock.settimeout(ANSWER_SECONDS)
        return self.mailer

    def hang_up(self) -> None:
        """Close the connection, ignoring errors."""
        mailer, self.mailer = self.mailer, None
        if mailer is not None:
            with suppress(Exception):
                mailer.close()

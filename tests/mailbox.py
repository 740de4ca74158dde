"""Delivery of the outbox, for tests that read mail."""

from django.core import mail
from django.core.mail import EmailMessage

from apicredentials.mail import delivery
from apicredentials.mail.notices import queue_announcements
from apicredentials.models import OutgoingMail


def send_due_mail() -> list[EmailMessage]:
    """Send all due mail, as `send_notices` does, and return everything that has been sent in this test."""
    queue_announcements()
    delivery.send(OutgoingMail.objects.all())
    return mail.outbox

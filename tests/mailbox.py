"""Delivery of the outbox, for tests that read mail."""

import re

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


def last_link() -> str:
    """Return where the last mail that was sent leads, without the site."""
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]

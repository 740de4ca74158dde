"""From what the outbox kept to a mail that can be sent."""

from email.message import MIMEPart

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from apicredentials.mail.messages import MESSAGES, MailContext, Message, one_line
from apicredentials.models import OutgoingMail


def compose(mail: OutgoingMail) -> Message:
    """Return what this mail says now."""
    with translation.override("nl"):
        return MESSAGES[mail.kind](MailContext(mail.facts))


def render(mail: OutgoingMail) -> EmailMultiAlternatives:
    """Return this mail, ready to be sent."""
    message = compose(mail)
    context = {"message": message, "portal_name": settings.PORTAL_NAME}
    email = EmailMultiAlternatives(
        one_line(message.subject),
        render_to_string("mail/message.txt", context).strip() + "\n",
        to=[mail.recipient],
        # Nobody's holiday reply needs to come back (RFC 3834 §5).
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
    )
    email.attach_alternative(render_to_string("mail/message.html", context), "text/html")
    if message.calendar:
        email.attach(calendar_file(message.calendar))
    return email


def calendar_file(content: str) -> MIMEPart:
    """Return a calendar file as an attachment that arrives byte for byte, line ends included (RFC 6047 §2.4, §2.5)."""
    part = MIMEPart()
    params = {"charset": "utf-8", "method": "PUBLISH"}
    part.set_content(
        content.encode(), "text", "calendar", disposition="attachment", filename="verloopt.ics", params=params
    )
    return part

"""Rendering: from a row of the outbox to a mail that can be sent."""

from email.message import MIMEPart

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from apicredentials.mail.messages import MESSAGES, MailContext, Message, one_line
from apicredentials.models import OutgoingMail


def compose(mail: OutgoingMail) -> Message:
    """Return the texts of this mail, made from its facts."""
    with translation.override("nl"):
        return MESSAGES[mail.kind](MailContext(mail.facts))


def render(mail: OutgoingMail) -> EmailMultiAlternatives:
    """Return this mail, ready to send."""
    message = compose(mail)
    context = {
        "message": message,
        "portal_name": settings.PORTAL_NAME,
        "support_email": settings.SUPPORT_EMAIL,
    }
    email = EmailMultiAlternatives(
        one_line(message.subject),
        render_to_string("mail/message.txt", context).strip() + "\n",
        to=[mail.recipient],
        # No automatic replies (RFC 3834 §5).
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
    )
    email.attach_alternative(render_to_string("mail/message.html", context), "text/html")
    if message.calendar:
        email.attach(calendar_file(message.calendar))
    return email


def calendar_file(content: str) -> MIMEPart:
    """Return the attachment, encoded so that its CRLF line ends survive (RFC 6047 §2.4, §2.5)."""
    part = MIMEPart()
    params = {"charset": "utf-8", "method": "PUBLISH"}
    part.set_content(
        content.encode(), "text", "calendar", disposition="attachment", filename="verloopt.ics", params=params
    )
    return part

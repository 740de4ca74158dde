"""The texts of all mails, in Dutch: one function per mail, from the facts in the outbox to a `Message`.

A mail says what happened, who did it, when and from where, and what to do. The name of the function is the kind of the
mail. `templates/mail/` renders every message as text and as HTML.
"""

from apicredentials.mail import (
    account_texts,
    contact_texts,
    credential_texts,
    integrator_texts,
    member_texts,
    party_texts,
    seller_texts,
)
from apicredentials.mail.messages import MESSAGES, MailContext, Message

__all__ = [
    "MESSAGES",
    "MailContext",
    "Message",
    "account_texts",
    "contact_texts",
    "credential_texts",
    "integrator_texts",
    "member_texts",
    "party_texts",
    "seller_texts",
]

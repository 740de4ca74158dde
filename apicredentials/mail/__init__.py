"""What our mails say, in Dutch: one function for each, from the plain texts that the outbox kept.

A mail names what was done, by whom, when and from where, and what to do if it was not you. Such a function returns
a `Message`; `templates/mail/` draws every message alike, as text and as HTML.
"""

from apicredentials.mail import account_texts, contact_texts, credential_texts, member_texts, party_texts
from apicredentials.mail.messages import MESSAGES, MailContext, Message

__all__ = [
    "MESSAGES",
    "MailContext",
    "Message",
    "account_texts",
    "contact_texts",
    "credential_texts",
    "member_texts",
    "party_texts",
]

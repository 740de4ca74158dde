"""What our mails say, in Dutch: one function for each, from the plain texts that the outbox kept.

A mail names what was done, by whom, when and from where, and what to do if it was not you. Such a function returns
a `Message`; `templates/mail/` draws every message alike, as text and as HTML.
"""

from apicredentials.emails import contacts, credentials, parties
from apicredentials.emails.messages import MESSAGES, Facts, Message

__all__ = ["MESSAGES", "Facts", "Message", "contacts", "credentials", "parties"]

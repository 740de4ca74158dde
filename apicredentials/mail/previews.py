"""An example of every mail, for operators who want to know what sellers read."""

import datetime as dt
import uuid

from django.utils import timezone

from apicredentials.mail.messages import MESSAGES
from apicredentials.models import Activity, Announcement, OutgoingMail

_PARTY = "Boekhouding Online"
_SUBJECTS: dict[str, str] = {
    Activity.Kind.PARTY_AUTHORIZED: _PARTY,
    Activity.Kind.PARTY_RENEWED: _PARTY,
    Activity.Kind.PARTY_REVOKED: _PARTY,
    Activity.Kind.PARTY_EXPIRED: _PARTY,
    OutgoingMail.Kind.AUTHORIZATION_ENDS: _PARTY,
    OutgoingMail.Kind.ANNOUNCEMENT: "Onderhoud aan de Retailer API",
}


def sample(kind: str) -> OutgoingMail:
    """Return a mail of this kind that is not in the outbox; raises KeyError on an unknown kind."""
    if kind not in MESSAGES:
        raise KeyError(kind)
    now = timezone.now()
    context = {
        "seller": "Fietsenwinkel De Spaak",
        "retailer_id": "1234567",
        "subject": _SUBJECTS.get(kind, "Magazijn"),
        "who": "Sanne de Vries",
        "at": now.isoformat(),
        "address": "203.0.113.7",
        "scope": "orders:manage invoices:read",
        "hint": "a1B2",
        "previous_ends_at": (now + dt.timedelta(days=7)).isoformat(),
        "ended_at": now.isoformat(),
        "expires_at": (now + dt.timedelta(days=60)).isoformat(),
        "calendar": str(uuid.UUID(int=0)),
        "contact": "0",
        "name": "Joris Bakker",
        "email": "techniek@despaak.example",
        "former_email": "joris@despaak.example",
        "changed": "naam, e-mailadres",
        "person": "Joris Bakker",
        "role": "Technisch",
        "former_role": "Beheerder",
        "factor": "Authenticator-app",
        "device": "Firefox op Linux",
        "row": "0",
        "nonce": "",
        "text": "De eerste alinea van het bericht.\n\nEn de tweede.",
    }
    return OutgoingMail(kind=kind, recipient="ontvanger@example.nl", context=context)


def sample_of(announcement: Announcement) -> OutgoingMail:
    """Return a mail with the words of this announcement that is not in the outbox."""
    mail = sample(OutgoingMail.Kind.ANNOUNCEMENT)
    mail.announcement = announcement
    return mail

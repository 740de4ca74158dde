"""Previews: a sample of every mail for operators."""

import datetime as dt
import uuid

from django.utils import timezone

from apicredentials.models import Announcement, OutgoingMail

PARTY = "Boekhouding Online"
ANNOUNCEMENT = "Onderhoud aan de Retailer API"


def subject_of(kind: str) -> str:
    """Return the sample name of the mail's subject, such as a party or a credential."""
    if kind == OutgoingMail.Kind.ANNOUNCEMENT:
        return ANNOUNCEMENT
    return PARTY if kind.startswith(("party_", "authorization_", "access_")) else "Magazijn"


_MEMBERS = {
    "role": "Technisch",
    "former_role": "Beheerder",
    "factor": "Authenticator-app",
    "device": "Firefox op Linux",
    "left": "9",
    "row": "0",
    "nonce": "",
}


def sample(kind: str) -> OutgoingMail:
    """Return an unsaved mail of this kind."""
    now = timezone.now()
    context = _MEMBERS | {
        "seller": "Fietsenwinkel De Spaak",
        "retailer_id": "1234567",
        "subject": subject_of(kind),
        "who": "Sanne de Vries",
        "giver": "Pieter van Dijk",
        "former_giver": "Pieter van Dijk",
        "granted_at": (now - dt.timedelta(days=305)).isoformat(),
        "cause": "refresh_token_replayed",
        "at": now.isoformat(),
        "address": "203.0.113.7",
        "scope": "orders:manage invoices:read",
        "former_scope": "orders:manage invoices:read offers:manage",
        "authorization": str(uuid.UUID(int=0)),
        "client_id": str(uuid.UUID(int=1)),
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
        "text": "De eerste alinea van het bericht.\n\nEn de tweede.",
    }
    return OutgoingMail(kind=kind, recipient="ontvanger@example.nl", context=context)


def sample_of(announcement: Announcement) -> OutgoingMail:
    """Return an unsaved mail with the text of this announcement."""
    mail = sample(OutgoingMail.Kind.ANNOUNCEMENT)
    mail.announcement = announcement
    return mail

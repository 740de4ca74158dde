"""Mail to a user about their own account."""

import uuid
from collections.abc import Iterable

from django.http import HttpRequest
from django.utils import timezone

from accounts.access import actor
from accounts.models import Actor, User
from accounts.security.sessions import Device
from apicredentials.models import OutgoingMail


def mail_user(kind: OutgoingMail.Kind, to: Iterable[str], *, by: Actor, device: str = "", **facts: str) -> None:
    """Queue a mail about an account; `to` are its addresses."""
    context = {
        **facts,
        "address": by.address or "",
        "device": device,
        "reason": by.reason,
        "at": timezone.now().isoformat(),
    }
    OutgoingMail(kind=kind, key=f"{kind}:{uuid.uuid4()}", context=context).queue_for(to)


def mail_own(kind: OutgoingMail.Kind, user: User, request: HttpRequest, **facts: str) -> None:
    """Queue a mail to the user about what was done with their account in this request."""
    device = Device.of(request.META.get("HTTP_USER_AGENT", "")).name
    mail_user(kind, [user.email], by=actor(request), device=device, name=str(user), **facts)

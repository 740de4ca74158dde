"""The user's sessions: listing them with browser and system, and ending them."""

import datetime as dt
from dataclasses import dataclass

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ua_parser import parse

from accounts.models import User

MOBILE = {"iOS", "Android"}


@dataclass(frozen=True)
class Device:
    """A browser and its system, from a User-Agent header."""

    name: str
    is_phone: bool

    @classmethod
    def of(cls, user_agent: str) -> "Device":
        found = parse(user_agent)
        browser = found.user_agent.family.removeprefix("Mobile ") if found.user_agent else "Onbekende browser"
        system = found.os.family if found.os else ""
        return cls(f"{browser} op {system}" if system else browser, system in MOBILE)


@dataclass(frozen=True)
class SignedIn:
    """A session as the page shows it."""

    session: UserSession
    device: Device
    is_current: bool


def sessions_of(request: HttpRequest, user: User) -> list[SignedIn]:
    """Return the user's live sessions, this one first, then the most recently active; delete dead rows."""
    now = timezone.now()
    alive = [
        each
        for each in UserSession.objects.purge_and_list(user)
        if each.last_seen_at > now - dt.timedelta(seconds=settings.SESSION_IDLE_SECONDS)
        and each.created_at > now - dt.timedelta(seconds=settings.SESSION_COOKIE_AGE)
    ]
    shown = [
        SignedIn(each, Device.of(each.user_agent), each.session_key == request.session.session_key) for each in alive
    ]
    return sorted(shown, key=lambda each: (not each.is_current, -each.session.last_seen_at.timestamp()))


def end_sessions(user: User) -> None:
    """End the user's sessions at their next request."""
    for session in UserSession.objects.filter(user=user):
        session.end()

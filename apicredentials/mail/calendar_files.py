"""Calendar files (RFC 5545)."""

import datetime as dt
import re
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone


def day_in_calendar(day: dt.date, *, uid: str, summary: str, description: str, url: str) -> str:
    """Return a calendar file with an all-day event. A second import with the same UID updates the event."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//{escape(settings.PORTAL_NAME)}//NL",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{uid}-{day:%Y%m%d}@{urlsplit(settings.ISSUER_URL).hostname}",
        f"DTSTAMP:{timezone.now().astimezone(dt.UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{day + dt.timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{escape(summary)}",
        f"DESCRIPTION:{escape(description)}",
        f"URL:{url}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{fold(line)}\r\n" for line in lines)


def escape(text: str) -> str:
    """Escape `text` for the value of a property (RFC 5545 §3.3.11)."""
    return re.sub(r"([\\;,])", r"\\\1", text).replace("\n", r"\n")


def fold(line: str) -> str:
    """Fold a line at 75 octets, never within a character (RFC 5545 §3.1)."""
    pieces, length = [""], 0
    for character in line:
        size = len(character.encode())
        if length + size > 75:
            pieces.append(" ")
            length = 1
        pieces[-1] += character
        length += size
    return "\r\n".join(pieces)

"""Dates and times in Dutch, in the portal's time zone."""

import datetime as dt

from django.utils import timezone
from django.utils.formats import date_format


def moment(at: dt.datetime) -> str:
    """Return "23 november 2026 om 14:03"."""
    return date_format(timezone.localtime(at), r"j F Y \o\m H:i")


def days_until(at: dt.datetime) -> int:
    """Return the calendar days from today to the day of `at`."""
    return (timezone.localdate(at) - timezone.localdate()).days

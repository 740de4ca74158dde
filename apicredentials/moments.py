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


def start_of(day: dt.date) -> dt.datetime:
    """Return midnight, in the portal's time zone."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))


def midnight_in(days: int) -> dt.datetime:
    """Return the start of the day in this many days."""
    return start_of(timezone.localdate() + dt.timedelta(days))


def one_year_after(start: dt.datetime) -> dt.datetime:
    """Return the same wall-clock moment a calendar year later, in the portal's time zone.

    29 February becomes 28 February. For a clock time that the later day skips or repeats, Python takes the
    offset before the change (PEP 495).
    """
    local = timezone.localtime(start)
    try:
        later = local.replace(year=local.year + 1)
    except ValueError:
        later = local.replace(year=local.year + 1, day=28)
    return later.astimezone(dt.UTC)

"""The past of the demo: times before now, and log rows, which cannot be changed afterwards."""

import datetime as dt
from typing import Any

from django.utils import timezone

from accounts.models import Actor
from apicredentials.models import Activity

# The clock time of the last request of a day.
END_OF_DAY = (23, 40)


def ago(days: float, hour: int | None = None, minute: int = 0) -> dt.datetime:
    """Return the time `days` ago, or the given clock time on that day, but never a future time."""
    now = timezone.localtime()
    at = now - dt.timedelta(days=days)
    return at if hour is None else min(now, at.replace(hour=hour, minute=minute))


def log(kind: Activity.Kind, subject: str, at: dt.datetime, *, by: Actor, **values: Any) -> None:
    """Write a log row of the past, without mail; `values` are further fields."""
    who = {"user": by.user, "actor_name": by.name, "address": by.address, "reason": by.reason}
    Activity.objects.create(kind=kind, subject=subject, at=at, **who, **values)

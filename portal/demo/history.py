"""The past of the demo: moments before now, and rows of the log, which cannot be moved afterwards."""

import datetime as dt
from typing import Any

from django.utils import timezone

from accounts.models import Actor
from apicredentials.models import Activity


def ago(days: float, hour: int | None = None, minute: int = 0) -> dt.datetime:
    """Return the moment `days` ago, or that clock time on its day, but no moment to come."""
    now = timezone.localtime()
    at = now - dt.timedelta(days=days)
    return at if hour is None else min(now, at.replace(hour=hour, minute=minute))


def log(kind: Activity.Kind, subject: str, at: dt.datetime, *, by: Actor, **values: Any) -> None:
    """Write a row of the past; `values` are more fields of it. Nobody is mailed about it any more."""
    who = {"user": by.user, "actor_name": by.name, "address": by.address, "reason": by.reason}
    Activity.objects.create(kind=kind, subject=subject, at=at, **who, **values)

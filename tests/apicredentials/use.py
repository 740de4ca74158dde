"""Counted use and problems, as the servers write them."""

import datetime as dt

from django.utils import timezone

from apicredentials.models import Usage
from apicredentials.models.usage import ProblemCause, Use


def counted(subject: str, event: Use | ProblemCause, count: int, *, days_ago: int = 0, **fields: str) -> None:
    """Write that something happened so often on one day."""
    at = timezone.now() - dt.timedelta(days=days_ago)
    day = timezone.localdate(at)
    Usage.objects.create(subject=subject, day=day, event=event, count=count, first_at=at, last_at=at, **fields)

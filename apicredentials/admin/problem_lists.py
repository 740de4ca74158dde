"""Problems of the last 30 days on the admin's pages and in its lists."""

import datetime as dt
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.template.loader import render_to_string
from django.utils import timezone

from apicredentials.models import Usage
from apicredentials.models.usage import DAYS_SHOWN, Target

HEADING = f"problemen in {DAYS_SHOWN} dagen"


def problem_list(target: Target) -> str:
    """Return the problems by cause, with what to do, as HTML."""
    problems = Usage.objects.problems(target)
    return render_to_string("admin/_problems.html", {"problems": problems}) if problems else "geen"


def with_refusals[Q: QuerySet[Any]](rows: Q, subject: str) -> Q:
    """Annotate `refusals`: how often each row was refused. `subject` is the field that Usage.subject holds."""
    first = timezone.localdate() - dt.timedelta(days=DAYS_SHOWN - 1)
    refused = Usage.objects.refused().filter(subject=OuterRef(subject), day__gte=first)
    # Without order_by() the default order of Usage would be part of the grouping.
    total = refused.order_by().values("subject").annotate(total=Sum("count")).values("total")
    return rows.annotate(refusals=Coalesce(Subquery(total), 0))

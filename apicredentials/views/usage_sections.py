"""Gebruik, Problemen and Activiteit: what the page of a credential and the page of a party have in common."""

from dataclasses import dataclass
from typing import Any

from accounts.access import SellerRequest
from apicredentials.charts import Chart, chart, number
from apicredentials.models import Activity, ClientCredential, ThirdPartyAuthorization
from apicredentials.models.usage import DAYS_SHOWN, DayCount, Usage
from apicredentials.views.dialogs import may_change

# How many rows of the log these pages show; Activiteit has them all.
LATEST = 5

# Where the help page explains the cause of a problem.
EXPLAINED_AT = {
    "wrong_secret": "401",
    "ended_secret": "401",
    "paused": "401",
    "closed": "403",
    "missing_right": "403",
    "unknown_scope": "scope",
    "code_refused": "gestopt",
    "refresh_token_replayed": "gestopt",
    "too_many_attempts": "429",
}


@dataclass(frozen=True)
class Use:
    """Totals, charts and the same numbers by day."""

    api_calls: str
    token_requests: str
    refusals: int
    is_empty: bool
    comparison: str
    charts: list[Chart]
    days: list[DayCount]


def context_of(
    request: SellerRequest, subject: ClientCredential | ThirdPartyAuthorization, target: str
) -> dict[str, Any]:
    """Return what the shared templates need. `target` is the id of `subject` in the log."""
    problems = Usage.objects.problems(subject)
    return {
        "can_change": may_change(request),
        "use": use_of(Usage.objects.daily(subject, days=2 * DAYS_SHOWN)),
        "problems": [(problem, EXPLAINED_AT.get(problem.cause, "vragen")) for problem in problems],
        "problem_count": sum(problem.count for problem in problems),
        "last_problem_at": max((problem.last_at for problem in problems), default=None),
        "activities": Activity.objects.for_seller(request.seller).filter(target=target)[:LATEST],
    }


def use_of(counts: list[DayCount]) -> Use:
    """Return the use of the last thirty days, and how it compares with the thirty days before."""
    before, now = counts[:-DAYS_SHOWN], counts[-DAYS_SHOWN:]
    days = [count.day for count in now]
    calls = [count.api_calls for count in now]
    requests = [count.token_requests for count in now]
    return Use(
        api_calls=number(sum(calls)),
        token_requests=number(sum(requests)),
        refusals=sum(count.refusals for count in now),
        is_empty=not any(count.api_calls or count.token_requests or count.refusals for count in now),
        comparison=comparison(sum(calls), sum(count.api_calls for count in before)),
        charts=[
            chart("API-aanroepen per dag", "aanroepen", days, calls),
            chart("Tokenaanvragen per dag", "aanvragen", days, requests, is_low=True),
        ],
        days=now[::-1],
    )


def comparison(now: int, before: int) -> str:
    """Return how much more or less this is, in words; '' when there was nothing before."""
    if not before:
        return ""
    percent = round(100 * (now - before) / before)
    if not percent:
        return "evenveel als de 30 dagen ervoor"
    return f"{number(abs(percent))} % {'meer' if percent > 0 else 'minder'} dan de 30 dagen ervoor"

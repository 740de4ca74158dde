"""Prometheus metrics of all workers of this server, and of the database (GET /metrics).

No label may hold an id, a name or an address. Nothing is counted while METRICS_TOKEN is not set.
"""

import datetime as dt
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, lru_cache
from secrets import compare_digest

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from apicredentials.models import OutgoingMail, ThirdPartyAuthorization
from apicredentials.models.command_runs import CommandRun
from apicredentials.models.states import State
from apicredentials.oauth.grants import GRANTS

# How long the numbers from the database are reused, because counting takes a second on a large one.
REUSE_SECONDS = 60

REQUESTS = Histogram(
    "portal_request_duration_seconds",
    "Requests by route and status.",
    ["route", "status"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=None,
)
TOKENS = Counter(
    "portal_token_requests",
    "Token requests by grant and result: issued or the error.",
    ["grant", "result"],
    registry=None,
)
REFUSALS = Counter("portal_refusals", "Refused machine requests by route and cause.", ["route", "cause"], registry=None)
DATABASE_ERRORS = Counter("portal_database_errors", "Requests answered 503.", ["route"], registry=None)
CACHE_ERRORS = Counter("portal_cache_errors", "Cache operations that failed.", ["operation"], registry=None)
COUNTED = (REQUESTS, TOKENS, REFUSALS, DATABASE_ERRORS, CACHE_ERRORS)

# labels() takes longer than counting.
duration_of = cache(REQUESTS.labels)
tokens_of = cache(TOKENS.labels)


def count(request: HttpRequest, response: HttpResponse, route: str, seconds: float) -> None:
    """Count an answered request."""
    if not settings.METRICS_TOKEN:
        return
    duration_of(route, response.status_code).observe(seconds)
    is_for_machines = hasattr(request, "machine_route")
    cause = cause_of(response) if is_for_machines and 400 <= response.status_code < 500 else ""
    if route == "token":
        grant = getattr(request, "log_fields", {}).get("grant_type")
        tokens_of(
            grant if grant in GRANTS else "other", cause or ("issued" if response.status_code == 200 else "error")
        ).inc()
    if cause:
        REFUSALS.labels(route, cause).inc()
    if response.status_code == 503 and route != "readyz":
        DATABASE_ERRORS.labels(route).inc()


def cause_of(response: HttpResponse) -> str:
    """Return the error code of RFC 6749 §5.2, or the title of a problem of the Retailer API."""
    if response.status_code == 429:
        return "too_many_attempts"
    with suppress(ValueError, AttributeError):
        body = json.loads(response.content)
        return str(body.get("error") or body.get("title", "")).lower().replace(" ", "_") or "other"
    return "other"


def count_cache_error(operation: str) -> None:
    if settings.METRICS_TOKEN:
        CACHE_ERRORS.labels(operation).inc()


# ---- Metrics from the database ----------------------------------------------------------------------------


class DatabaseCollector(Collector):
    """Mail, authorisations and scheduled commands, and whether the database answers."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics from the database; if it is unavailable, only that it is down."""
        try:
            counts, runs = numbers(int(time.monotonic() // REUSE_SECONDS))
        except (OperationalError, InterfaceError):
            yield GaugeMetricFamily("portal_database_up", "Whether the database answers.", value=0)
            return
        yield GaugeMetricFamily("portal_database_up", "Whether the database answers.", value=1)
        yield from counts
        ages = GaugeMetricFamily(
            "portal_command_age_seconds", "Time since a command, or a step of it, last finished.", labels=["command"]
        )
        for command, finished_at in runs.items():
            ages.add_metric([command], (timezone.now() - finished_at).total_seconds())
        yield ages


@lru_cache(maxsize=1)
def numbers(period: int) -> tuple[list[Metric], dict[str, dt.datetime]]:
    """Return the counts, and the time of each command; `period` makes them last REUSE_SECONDS."""
    mail = GaugeMetricFamily("portal_mail", "Mail that waits, and mail that could not be sent.", labels=["state"])
    mail.add_metric(["waiting"], OutgoingMail.objects.waiting().count())
    mail.add_metric(["stuck"], OutgoingMail.objects.stuck().count())
    runs = {run.command: run for run in CommandRun.objects.all()}
    sent = CounterMetricFamily("portal_mail_sent", "Mail sent by send_notices.")
    sent.add_metric([], runs["send_notices"].total if "send_notices" in runs else 0)
    return [mail, sent, authorizations()], {command: run.finished_at for command, run in runs.items()}


def authorizations() -> Metric:
    """Return the counts by state. Counting the active ones would join all rows; they are the others."""
    rows = ThirdPartyAuthorization.objects.all()
    others = {state: rows.in_state(state).count() for state in State if state != State.ACTIVE}
    active = max(rows.count() - sum(others.values()), 0)
    found = GaugeMetricFamily("portal_authorizations", "Authorisations by state.", labels=["state"])
    for state, number in [(State.ACTIVE, active), *others.items()]:
        found.add_metric([state.value], number)
    return found


# ---- GET /metrics -----------------------------------------------------------------------------------------


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return all metrics as Prometheus text to a client with METRICS_TOKEN; 404 when METRICS_TOKEN is not set."""
    if not settings.METRICS_TOKEN:
        return JsonResponse({"error": "not_found"}, status=404)
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode()):
        return JsonResponse(
            {"error": "invalid_token"}, status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'}
        )
    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def registry() -> CollectorRegistry:
    """Return the registry to read: the files of all workers under `portal.wsgi`, else this process only."""
    collected = CollectorRegistry()
    if values.ValueClass is values.MutexValue:
        for metric in COUNTED:
            collected.register(metric)
    else:
        MultiProcessCollector(collected)
    collected.register(DatabaseCollector())
    return collected

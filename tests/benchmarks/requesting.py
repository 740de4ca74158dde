"""Cost of an export, of a seller's pages, of /metrics, and of requests of machines. Prints seconds as JSON."""

import json
import os
import resource
import statistics
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any

METRICS_TOKEN = os.environ["METRICS_TOKEN"] = "de-metingen-lezen-de-getallen-met-dit-token"

import django

django.setup()

from django.db import connection  # noqa: E402
from django.test import RequestFactory  # noqa: E402

from accounts.models import Actor, Seller  # noqa: E402
from portal import metrics  # noqa: E402
from portal.wsgi import application  # noqa: E402
from tests.benchmarks.browsing import cookie_of  # noqa: E402
from tests.benchmarks.timed import Longest  # noqa: E402
from tests.factories import ClientCredentialFactory  # noqa: E402

SECONDS = 2
AT_LEAST = 3
ACTIVITY = "/instellingen/api/activiteit/"


def answer(environ: dict[str, Any]) -> Iterable[bytes]:
    """Return the body of the response, whose status must be 200 or 204."""
    said: list[str] = []
    body = application(environ, lambda status, headers, *rest: said.append(status))
    assert said[0][:3] in {"200", "204"}, said
    return body


def download(environ: dict[str, Any]) -> dict[str, float]:
    """Read a stream; return the seconds to its first and last rows, and the peak memory of the process so far."""
    started, first, rows = time.perf_counter(), 0.0, 0
    for part in answer(environ):
        first = first or time.perf_counter() - started
        rows += part.count(b"\n")
    seconds = time.perf_counter() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"first": first, "seconds": seconds, "rows": rows, "megabytes": megabytes}


def measure(environ: dict[str, Any], before: Callable[[], object] = lambda: None) -> dict[str, float]:
    """Repeat a request for SECONDS, after once for the caches; return the medians."""
    seconds: list[float] = []
    longest: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(seconds) <= AT_LEAST or time.perf_counter() < end:
        before()
        watch, started = Longest(), time.perf_counter()
        with connection.execute_wrapper(watch):
            b"".join(answer(environ.copy()))
        seconds.append(time.perf_counter() - started)
        longest.append(watch.seconds)
    found = {"seconds": statistics.median(seconds[1:])}
    # The statements of machines bypass the cursor that is watched.
    return found | ({"longest": statistics.median(longest[1:])} if any(longest) else {})


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def main(found: str) -> None:
    terms = json.loads(found)
    request = RequestFactory(headers={"host": "127.0.0.1"})
    seller, exported = (Seller.objects.get(retailer_id=terms[name][0]) for name in ("seller", "exported"))
    cookie, its_cookie = ({"cookie": cookie_of(each.members.get())} for each in (seller, exported))
    credential = ClientCredentialFactory(seller=seller)
    pair = f"{credential.client_id}:{credential.reveal(by=Actor())}"
    basic = {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    token = request.post("/token?grant_type=client_credentials", headers=basic).environ
    access_token = json.loads(b"".join(answer(token.copy())))["access_token"]
    measured = {
        "export of Activiteit": download(request.get(f"{ACTIVITY}activiteit.csv", headers=its_cookie).environ),
        "API Instellingen": measure(request.get("/instellingen/api/", headers=cookie).environ),
        "Activiteit": measure(request.get(ACTIVITY, headers=cookie).environ),
        "/metrics": measure(
            request.get("/metrics", headers=bearer(METRICS_TOKEN)).environ, metrics.numbers.cache_clear
        ),
        "/token": measure(token),
        "/verify": measure(request.get("/verify", headers=bearer(access_token)).environ),
    }
    json.dump(measured, sys.stdout)


main(*sys.argv[1:])

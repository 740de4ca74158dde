"""How many failures a minute a client, or an address, is answered with a reason (RFC 6749 §10.10).

Only failures are counted, and only failures are refused: a good request never asks the cache, and cannot be
slowed or shut out by somebody else's bad ones.
"""

import time
from functools import lru_cache

import structlog
from django.core.cache import cache
from oauthlib.oauth2.rfc6749 import errors

from apicredentials.models.tokens import digest

WINDOW_SECONDS = 60
FAILURES_PER_CLIENT = 30
FAILURES_PER_ADDRESS = 120
REPORTS_PER_ADDRESS = 30

log = structlog.get_logger("portal.security")


class TooManyFailures(errors.OAuth2Error):
    """The answer to a failure that comes after too many others."""

    error = "temporarily_unavailable"  # type: ignore[assignment]
    status_code = 429
    description = "Too many failures. Try again later."


def count_failure(address: str, client_id: str, attempt: str = "") -> int:
    """Count a failure, and return the how-manieth of this client and address it is.

    Raises TooManyFailures when there were too many in this minute. `attempt`, which holds a hash where a secret was,
    is then not looked at again for what is left of this second: see `refuse_repeated`.
    """
    of_both = f"{address} {client_id}"
    waiting = throttled_in(_minute())
    if address in waiting or of_both in waiting:
        refused_in(int(time.time())).add(attempt)
        raise TooManyFailures
    by_address, by_both = _count(address), _count(of_both)
    if by_address > FAILURES_PER_ADDRESS or by_both > FAILURES_PER_CLIENT:
        waiting.add(address if by_address > FAILURES_PER_ADDRESS else of_both)
        if by_address == FAILURES_PER_ADDRESS + 1 or by_both == FAILURES_PER_CLIENT + 1:
            # Once a minute: whoever tries a thousand times must not write a thousand lines.
            log.warning("authn_throttled", client_id=client_id, address=address)
        raise TooManyFailures
    log.info("authn_failed", client_id=client_id, address=address)
    return by_both


def refuse_repeated(attempt: str) -> None:
    """Raise TooManyFailures when this very attempt came to nothing earlier in this second, from one told to wait.

    What asks again and again with the same wrong secret then costs the database one query a second. Whoever has the
    right one is not affected: that is another attempt.
    """
    if attempt in refused_in(int(time.time())):
        raise TooManyFailures


@lru_cache(maxsize=1)
def refused_in(second: int) -> set[str]:
    """Return the attempts that came to nothing in this second, of those who had been told to wait."""
    return set()


@lru_cache(maxsize=1)
def throttled_in(minute: int) -> set[str]:
    """Return those who have been told to wait in this minute: this process need not ask the cache again."""
    return set()


def is_too_often(endpoint: str, address: str) -> bool:
    """Count a report from `address`, and say whether it is one too many in this minute."""
    return _count(f"{endpoint} {address}") > REPORTS_PER_ADDRESS


def seconds_left() -> int:
    """Return after how many seconds the counts start anew."""
    return WINDOW_SECONDS - int(time.time()) % WINDOW_SECONDS


def _minute() -> int:
    return int(time.time()) // WINDOW_SECONDS


def _count(who: str) -> int:
    key = f"oauth-failures:{_minute()}:{digest(who)}"
    try:
        return cache.incr(key)
    except ValueError:  # The first of this minute.
        return 1 if cache.add(key, 1, timeout=WINDOW_SECONDS) else cache.incr(key)

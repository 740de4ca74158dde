"""Throttle of failed client authentication and of leak reports, per minute (RFC 6749 §10.10).

Only failures are counted and only failures are refused. A good request never reads the cache, so nobody can slow it
down or shut it out by failing.
"""

import time
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Network, ip_address

import structlog
from django.core.cache import cache
from oauthlib.oauth2.rfc6749 import errors

from apicredentials.keys.hash_keys import digest

WINDOW_SECONDS = 60
FAILURES_PER_CLIENT = 30
FAILURES_PER_ADDRESS = 120
REPORTS_PER_ADDRESS = 30
# One customer gets a whole IPv6 network of this size, and can use a new address for every request.
IPV6_PREFIX = 64

log = structlog.get_logger("portal.security")


class TooManyFailures(errors.OAuth2Error):
    """Response to a failure after too many others."""

    error = "temporarily_unavailable"  # type: ignore[assignment]
    status_code = 429
    description = "Too many failures. Try again later."


def count_failure(address: str, client_id: str) -> None:
    """Count a failure of this client from this source; raise TooManyFailures after too many this minute."""
    source = source_of(address)
    of_both = f"{source} {client_id}"
    waiting = throttled_in(_minute())
    if source in waiting or of_both in waiting:
        raise TooManyFailures
    by_source, by_both = _count(source), _count(of_both)
    if by_source > FAILURES_PER_ADDRESS or by_both > FAILURES_PER_CLIENT:
        waiting.add(source if by_source > FAILURES_PER_ADDRESS else of_both)
        if by_source == FAILURES_PER_ADDRESS + 1 or by_both == FAILURES_PER_CLIENT + 1:
            # Once a minute, so that a thousand attempts do not write a thousand lines.
            log.warning("authn_throttled", client_id=client_id, address=address)
        raise TooManyFailures
    log.info("authn_failed", client_id=client_id, address=address)


@lru_cache(maxsize=1)
def throttled_in(minute: int) -> set[str]:
    """Return the sources and clients refused in this minute, so that this process need not ask the cache again."""
    return set()


def is_too_often(address: str) -> bool:
    """Count a report of a leak from this source and return whether there were too many this minute."""
    return _count(f"leaks {source_of(address)}") > REPORTS_PER_ADDRESS


@lru_cache(maxsize=1024)
def source_of(address: str) -> str:
    """Return what counts as one source: an IPv4 address or an IPv6 /64.

    The middleware has written the address in its canonical form.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return address if isinstance(parsed, IPv4Address) else str(IPv6Network((parsed, IPV6_PREFIX), strict=False))


def seconds_left() -> int:
    """Return the seconds until the next minute, in which counting starts at zero."""
    return WINDOW_SECONDS - int(time.time()) % WINDOW_SECONDS


def _minute() -> int:
    return int(time.time()) // WINDOW_SECONDS


def _count(who: str) -> int:
    key = f"oauth-failures:{_minute()}:{digest(who)}"
    try:
        return cache.incr(key)
    except ValueError:  # The first of this minute.
        return 1 if cache.add(key, 1, timeout=WINDOW_SECONDS) else cache.incr(key)

"""Redis cache whose errors are logged instead of raised.

The cache holds counts of failed attempts. Valid requests must succeed when it is unavailable, and must not be slow.
"""

import time
from collections.abc import Callable
from functools import cache, wraps
from threading import Lock
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

from portal import metrics

# A sign-in needs twenty operations, and each one waits half a second for a frozen server. So after a failure only one
# operation in this period tries the server; the others are skipped.
RETRY_SECONDS = 2

log = structlog.get_logger("portal.caches")


class Outage:
    """The outage of one Redis server, as this process sees it. Logged when it begins and when it ends."""

    def __init__(self) -> None:
        # The monotonic time of the next attempt; 0 while the server answers.
        self._retry_at = 0.0
        self._lock = Lock()

    def skips(self) -> bool:
        """Return whether to skip an operation; False for one operation in RETRY_SECONDS."""
        if not self._retry_at:
            return False
        with self._lock:
            now = time.monotonic()
            if now < self._retry_at:
                return True
            self._retry_at = self._retry_at and now + RETRY_SECONDS
            return False

    def note_failure(self, operation: str, error: Exception) -> None:
        with self._lock:
            is_first, self._retry_at = not self._retry_at, time.monotonic() + RETRY_SECONDS
        if is_first:
            log.error("cache_unavailable", operation=operation, reason=type(error).__name__)

    def note_success(self) -> None:
        if not self._retry_at:
            return
        with self._lock:
            was_away, self._retry_at = self._retry_at, 0.0
        if was_away:
            log.warning("cache_available")


@cache
def outage_of(server: str) -> Outage:
    """Return the state of this server, which all threads share. Each thread has a cache object of its own."""
    return Outage()


def forgiving(method: Callable[..., Any], otherwise: Any = None) -> Callable[..., Any]:
    """Return `method` with Redis errors logged, and `otherwise` returned in their place."""

    @wraps(method)
    def wrapper(self: "ForgivingRedisCache", *args: Any, **kwargs: Any) -> Any:
        if not self.outage.skips():
            try:
                result = method(self, *args, **kwargs)
            except (RedisError, OSError) as error:
                self.outage.note_failure(method.__name__, error)
            except ValueError:  # The answer of incr() for a new key.
                self.outage.note_success()
                raise
            else:
                self.outage.note_success()
                return result
        metrics.count_cache_error(method.__name__)
        return otherwise

    return wrapper


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache; the operations that this project uses do not fail when the server is down."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.outage = outage_of(str(server))

    add = forgiving(RedisCache.add, otherwise=True)
    set = forgiving(RedisCache.set)
    delete = forgiving(RedisCache.delete, otherwise=False)
    incr = forgiving(RedisCache.incr, otherwise=0)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return `default` when Redis is unavailable too."""
        return forgiving(RedisCache.get, otherwise=default)(self, key, default, version)

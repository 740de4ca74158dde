"""Redis cache whose errors are logged instead of raised.

The cache holds counts of failed attempts. Valid requests must succeed when it is unavailable.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

from portal import metrics

log = structlog.get_logger("portal.caches")


def forgiving(method: Callable[..., Any], otherwise: Any = None) -> Callable[..., Any]:
    """Return `method` with Redis errors logged, and `otherwise` returned in their place."""

    @wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except (RedisError, OSError) as error:
            metrics.count_cache_error(method.__name__)
            log.error("cache_unavailable", operation=method.__name__, reason=type(error).__name__)
            return otherwise

    return wrapper


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache; the operations that this project uses do not fail when the server is down."""

    add = forgiving(RedisCache.add, otherwise=True)
    set = forgiving(RedisCache.set)
    delete = forgiving(RedisCache.delete, otherwise=False)
    incr = forgiving(RedisCache.incr, otherwise=0)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return `default` when Redis is unavailable too."""
        return forgiving(super().get, otherwise=default)(key, default, version)

"""Failures of clients, which are counted by the minute, outside of the database that a test rolls back."""

from django.core.cache import cache

from apicredentials.oauth.throttle import throttled_in


def forget_failures() -> None:
    """Begin as if nobody had failed yet."""
    cache.clear()
    throttled_in.cache_clear()

"""Counts of failed attempts: they are in the cache, which is not rolled back after a test."""

from django.core.cache import cache

from apicredentials.oauth.throttle import throttled_in


def forget_failures() -> None:
    """Reset the counts."""
    cache.clear()
    throttled_in.cache_clear()

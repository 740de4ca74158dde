"""Counts of failed attempts, which are outside of the database that a test rolls back."""

from django.core.cache import cache

from apicredentials.oauth.throttle import throttled_in


def forget_failures() -> None:
    """Reset the counts."""
    cache.clear()
    throttled_in.cache_clear()

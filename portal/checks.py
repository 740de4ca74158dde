"""System checks of the deployment."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_issuer_is_https(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Tokens and secrets must not cross a network in the clear (RFC 6749 §3.2, RFC 8414 §2)."""
    if settings.ISSUER_URL.startswith("https://"):
        return []
    return [
        Warning(
            "ISSUER_URL is not an https address.",
            hint="Set ISSUER_URL to the public https address of this portal.",
            id="portal.W001",
        )
    ]


@register(Tags.security, deploy=True)
def check_cache_is_shared(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Failed attempts are counted in the cache. In-process, each worker counts separately."""
    if "locmem" not in settings.CACHES["default"]["BACKEND"]:
        return []
    return [
        Warning(
            "CACHE_URL is the in-process cache: each worker counts failed attempts separately.",
            hint="Set CACHE_URL=redis://… when there is more than one process.",
            id="portal.W002",
        )
    ]

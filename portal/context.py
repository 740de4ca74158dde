"""What every template knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return the name of the portal."""
    return {"portal_name": settings.PORTAL_NAME}

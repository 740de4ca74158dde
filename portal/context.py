"""Template context of every page."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return the portal's name, and the marketplace's own links ('' where there is none)."""
    links = {
        "help": settings.HELP_URL,
        "api_docs": settings.API_DOCS_URL,
        "status": settings.STATUS_URL,
        "support_email": settings.SUPPORT_EMAIL,
    }
    return {"portal_name": settings.PORTAL_NAME, "links": links}

"""Pages that belong to no app: the root, the settings index and error pages."""

import sys
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from accounts.access import SellerRequest, seller_required
from accounts.views import resume_stale_form, stale_form_address


@require_safe
def root(request: HttpRequest) -> HttpResponse:
    """Redirect to the settings, and from there to the sign-in page if necessary."""
    return redirect("apicredentials:settings")


@require_safe
@seller_required
def settings_index(request: SellerRequest) -> HttpResponse:
    return render(request, "settings_index.html")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain a refused form: usually a sign-in in another tab, or cookies that are off."""
    context = {"again": stale_form_address(request)}
    return resume_stale_form(request) or render(request, "403_csrf.html", context, status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Render without the request: its Host header may be the cause, and context processors read it."""
    return HttpResponse(render_to_string("400.html", {"portal_name": settings.PORTAL_NAME}), status=400)


def server_error(request: HttpRequest, *args: Any) -> HttpResponse:
    """Respond with 503 when the database is unavailable, else 500. Uses no database, session or context."""
    unavailable = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    template, status = ("503.html", 503) if unavailable else ("500.html", 500)
    response = HttpResponse(render_to_string(template, {"portal_name": settings.PORTAL_NAME}), status=status)
    if unavailable:
        response["Retry-After"] = "5"
    return response

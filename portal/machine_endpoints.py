"""Responses of the machine-facing addresses, which Django's handler for pages never sees.

Its signals and exception handlers cost 14 % of a token request and 20 % of a `/verify` (docs/performance.md).
"""

from typing import TYPE_CHECKING, cast

import structlog
from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import URLPattern
from django.utils.module_loading import import_string

from apicredentials import api
from portal import machine_urls

if TYPE_CHECKING:
    from portal.middleware import GetResponse

log = structlog.get_logger("portal.requests")


class MachineEndpoints:
    """The views of `machine_urls`, with the middleware of MACHINE_MIDDLEWARE around them.

    No session, CSRF, messages or anything else for browsers. Every error is JSON: a client of `/token` cannot read our
    error pages.
    """

    def __init__(self) -> None:
        self.patterns = {f"/{pattern.pattern}": pattern for pattern in machine_urls.urlpatterns}
        self.headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
        }
        if settings.SECURE_HSTS_SECONDS:
            self.headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
        self.get_response: GetResponse = self.respond
        for middleware in reversed(settings.MACHINE_MIDDLEWARE):
            self.get_response = import_string(middleware)(self.get_response)

    def __contains__(self, path: str) -> bool:
        return path in self.patterns

    def respond(self, request: HttpRequest) -> HttpResponse:
        pattern = self.patterns[request.path_info]
        request.machine_route = str(pattern.pattern)  # type: ignore[attr-defined]
        response = self.view_response(pattern, request)
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        return response

    def view_response(self, pattern: URLPattern, request: HttpRequest) -> HttpResponse:
        """Return the view's response, or an error in the format of that endpoint."""
        trouble = api.trouble if pattern.callback.__module__ == api.__name__ else oauth_trouble
        try:
            return cast("HttpResponse", pattern.callback(request))
        except (BadRequest, SuspiciousOperation, RequestDataTooBig, MultiPartParserError, UnreadablePostError) as error:
            log.info("unreadable_request", reason=type(error).__name__)
            return trouble("invalid_request", "The request cannot be read.", 400)
        except (OperationalError, InterfaceError) as error:
            log.error("database_unavailable", reason=type(error).__name__)
            response = trouble("temporarily_unavailable", "Try again in a moment.", 503)
            response["Retry-After"] = "5"
            return response
        except Exception:
            log.exception("unexpected_error")
            return trouble("server_error", "Something went wrong here; it has been logged.", 500)


def oauth_trouble(error: str, description: str, status: int) -> JsonResponse:
    """Return an error in the form of RFC 6749 §5.2."""
    return JsonResponse({"error": error, "error_description": description}, status=status)

"""The WSGI entry point: `python -m portal.server portal.wsgi:application --interface wsgi`, as `make serve` does."""

import gc
import io
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import close_old_connections

from portal.metrics_folder import share_metrics

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

try:
    # Modules loaded here live for the whole process. Freeze them so the garbage collector never scans them.
    gc.disable()
    django.setup(set_prefix=False)
except ImproperlyConfigured as error:
    sys.exit(f"portal: {error}")

if settings.METRICS_TOKEN:
    share_metrics()

from apicredentials.oauth import counting
from portal.machine_endpoints import MachineEndpoints

pages = WSGIHandler()
machines = MachineEndpoints()

gc.freeze()
gc.enable()
if settings.WRITES_USAGE:
    counting.start()

BOUNDARY = re.compile(r""";\s*boundary\s*=\s*("[^"]{1,70}"|[^;"\s]{1,70})""", re.IGNORECASE)
LONGEST_MEDIA_TYPE = 255


class WholeBody:
    """A request body of known length, whose read() fails when the client breaks off (RFC 9112 §8).

    The server's own stream just ends then, and half a form can be a valid form with another meaning.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.readline = stream.readline

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes, at most the length; raise OSError when fewer arrive."""
        body: bytes = self.stream.read(size)
        while len(body) < size:
            more = self.stream.read(size - len(body))
            if not more:
                raise OSError("The client broke off.")
            body += more
        return body


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    repair(environ)
    if environ["PATH_INFO"] not in machines:
        answer: Iterable[bytes] = pages(environ, start_response)
        return answer
    close_old_connections()  # as Django's handler does by a signal
    response = machines.get_response(WSGIRequest(environ))
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [response.content]


def repair(environ: dict[str, Any]) -> None:
    """Make the content type and the body of a request readable for Django.

    A form is UTF-8 regardless of the charset in its type (RFC 6749 App. B), and an unknown charset raises outside
    of Django's error handlers. Without a Content-Length Django reads no body, but a body in chunks (RFC 9112 §7.1) or
    over HTTP/2 has none. A body with a length must not be shorter.
    """
    environ["CONTENT_TYPE"] = plain_content_type(environ.get("CONTENT_TYPE", ""))
    if environ.get("CONTENT_LENGTH"):
        environ["wsgi.input"] = WholeBody(environ["wsgi.input"])
    elif has_body_without_length(environ):
        body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def has_body_without_length(environ: dict[str, Any]) -> bool:
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    return chunked or not environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1")


def plain_content_type(content_type: str) -> str:
    """Return a content type without parameters except the boundary: Django fails on many malformed ones."""
    media_type = content_type.partition(";")[0][:LONGEST_MEDIA_TYPE]
    boundary = BOUNDARY.search(content_type)
    return media_type + boundary[0] if boundary else media_type

"""The WSGI entry point: `granian --interface wsgi portal.wsgi:application`, as `make serve` does."""

import gc
import io
import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir
from typing import Any

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")


def share_metrics() -> None:
    """Set PROMETHEUS_MULTIPROC_DIR, which prometheus_client reads when it is imported.

    The workers of one server have the same parent. Folders of servers that have stopped are deleted.
    """
    prefix = f"portal-metrics-{os.getuid()}-"
    folder = Path(gettempdir()) / f"{prefix}{os.getppid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for other in folder.parent.glob(f"{prefix}*"):
        if not is_alive(int(other.name.removeprefix(prefix))):
            rmtree(other, ignore_errors=True)
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))


def is_alive(process: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True


try:
    # Whatever loads now stays: looking through it for garbage takes a part of the start, and of many a request later.
    gc.disable()
    django.setup(set_prefix=False)
except ImproperlyConfigured as error:
    sys.exit(f"portal: {error}")

if settings.METRICS_TOKEN:
    share_metrics()

from apicredentials.oauth import counting  # noqa: E402
from portal.middleware import MachineEndpointMiddleware, RequestLogMiddleware, TrustedProxyMiddleware  # noqa: E402

# What only pages need is loaded with the first of them.
pages = cache(WSGIHandler)
machines = MachineEndpointMiddleware(lambda request: pages().get_response(request))  # type: ignore[arg-type, return-value]
answer_machine = TrustedProxyMiddleware(RequestLogMiddleware(machines))

gc.freeze()
gc.enable()
counting.start()

BOUNDARY = re.compile(r""";\s*boundary\s*=\s*("[^"]{1,70}"|[^;"\s]{1,70})""", re.IGNORECASE)
LONGEST_MEDIA_TYPE = 255


class WholeBody:
    """A body whose length is known: to read it fails when the client breaks off before its end (RFC 9112 §8).

    The server's own stream ends then as if that were all, and the half of a form can be a good form that says
    something else.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.readline = stream.readline

    def read(self, size: int) -> bytes:
        """Return that many bytes, which Django asks for only where they are to come; raise OSError if they do not."""
        body: bytes = self.stream.read(size)
        while len(body) < size:
            more = self.stream.read(size - len(body))
            if not more:
                raise OSError("The client broke off.")
            body += more
        return body


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer a request, after three repairs that must come before Django reads it.

    A form is UTF-8 whatever charset its type names (RFC 6749 App. B): Django would obey one that is no charset of
    text, and fail outside of any handler of errors. A body that comes in chunks has no length, which Django takes
    for no body (RFC 9112 §7.1). And one that has a length is not done before.
    """
    environ["CONTENT_TYPE"] = plain_content_type(environ.get("CONTENT_TYPE", ""))
    if environ.get("CONTENT_LENGTH"):
        environ["wsgi.input"] = WholeBody(environ["wsgi.input"])
    elif "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    if environ["PATH_INFO"] not in machines.views:
        answer: Iterable[bytes] = pages()(environ, start_response)
        return answer
    # Straight to what would answer it anyway: Django's handler and its signals take a third of a short answer. What
    # they do for it is this.
    close_old_connections()
    response = answer_machine(WSGIRequest(environ))
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [response.content]


def plain_content_type(content_type: str) -> str:
    """Return a content type with no parameter but a boundary: there are many ways to write one that Django fails on."""
    media_type = content_type.partition(";")[0][:LONGEST_MEDIA_TYPE]
    boundary = BOUNDARY.search(content_type)
    return media_type + boundary[0] if boundary else media_type

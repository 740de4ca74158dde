"""CPU time of a page, requested from the WSGI application with every middleware.

One process per project opens the page named on standard input repeatedly for the given time, and responds with a
line of JSON: the milliseconds per page. Its first line has the number of queries of each page.
"""

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext


@dataclass(frozen=True)
class Opened:
    """A page of a signed-in user."""

    path: str
    user: AbstractBaseUser
    holds: int  # how often the page must contain `mark`
    mark: str


def cookie_of(user: AbstractBaseUser) -> str:
    """Sign in and return the session cookie."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


class Browser:
    def __init__(self, pages: dict[str, Opened]) -> None:
        self.application = get_wsgi_application()
        self.pages = pages
        self.cookies = {name: cookie_of(page.user) for name, page in pages.items()}

    def environ(self, name: str) -> dict[str, Any]:
        """Return the WSGI environ of a request for a page."""
        request = RequestFactory(HTTP_COOKIE=self.cookies[name], HTTP_HOST="127.0.0.1")
        return request.get(self.pages[name].path).environ

    def open(self, environ: dict[str, Any]) -> bytes:
        """Return the body of the response, whose status must be 200."""
        said: list[str] = []
        response = self.application(environ, lambda status, headers, *rest: said.append(status))  # type: ignore[arg-type]
        body = b"".join(response)
        response.close()
        assert said == ["200 OK"], said
        return body

    def warm_up(self, name: str) -> int:
        """Open a page a few times, check its content, and return the number of queries."""
        page = self.pages[name]
        for _ in range(5):
            body = self.open(self.environ(name)).decode()
        assert body.count(page.mark) == page.holds, f"{name}: {body.count(page.mark)} of {page.holds}"
        connection.ensure_connection()
        with CaptureQueriesContext(connection) as captured:
            self.open(self.environ(name))
        return len(captured)

    def milliseconds(self, name: str, seconds: float) -> float:
        """Open a page until `seconds` of CPU time are used; return the milliseconds per request."""
        environs = [self.environ(name) for _ in range(20)]
        number, started = 0, time.process_time()
        while (used := time.process_time() - started) < seconds:
            self.open(environs[number % 20].copy())
            number += 1
        return used / number * 1000

    def obey(self) -> None:
        """Print the number of queries, then run the measurements named on standard input."""
        queries = {name: self.warm_up(name) for name in self.pages}
        print(json.dumps(queries), flush=True)
        for line in sys.stdin:
            name, _, seconds = line.partition("\t")
            print(json.dumps(self.milliseconds(name, float(seconds))), flush=True)

"""The pages of the site, as a WSGI application."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

import requests

from portal.example_party import pages
from portal.example_party.portal_client import PortalClient, Refused

COOKIE = "orderwijs"
STYLESHEET = Path(__file__).with_name("orderwijs.css").read_bytes()
MAXIMUM_VISITORS = 1000

type Answer = tuple[HTTPStatus, dict[str, str], bytes]


@dataclass
class Visitor:
    """The session of one browser, kept on the server; the cookie contains only `id`."""

    id: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    state: str = ""
    verifier: str = ""
    token: dict[str, Any] = field(default_factory=dict)
    api_answer: str = ""
    notice: str = ""


class Site:
    """A home page, and a few steps that redirect back to it."""

    def __init__(self, portal: PortalClient) -> None:
        self.portal = portal
        self.visitors: dict[str, Visitor] = {}
        self.steps: dict[tuple[str, str], Callable[[Visitor, dict[str, str]], str]] = {
            ("POST", "/koppelen"): self.connect,
            ("GET", "/terug"): self.come_back,
            ("POST", "/aanroepen"): self.call_api,
            ("POST", "/verversen"): self.refresh,
        }
        self.headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'self'; img-src data:; form-action 'self' {portal.issuer}; "
                "frame-ancestors 'none'; base-uri 'none'"
            ),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, headers, body = self.answer(environ)
        start_response(f"{status.value} {status.phrase}", list((headers | self.headers).items()))
        return [body]

    def answer(self, environ: WSGIEnvironment) -> Answer:
        """Return the stylesheet, a page, or the redirect that ends a step."""
        route = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if route == ("GET", "/orderwijs.css"):
            return HTTPStatus.OK, {"Content-Type": "text/css"}, STYLESHEET
        visitor = self.visitor(environ.get("HTTP_COOKIE", ""))
        # Lax: sent when the portal redirects back, but not with forms of other sites.
        headers = {"Set-Cookie": f"{COOKIE}={visitor.id}; Path=/; HttpOnly; SameSite=Lax"}
        if step := self.steps.get(route):
            headers["Location"] = self.take(step, visitor, environ.get("QUERY_STRING", ""))
            return HTTPStatus.SEE_OTHER, headers, b""
        headers["Content-Type"] = "text/html; charset=utf-8"
        if route == ("GET", "/"):
            return HTTPStatus.OK, headers, self.home(visitor)
        return HTTPStatus.NOT_FOUND, headers, pages.not_found()

    def visitor(self, cookies: str) -> Visitor:
        """Return the visitor with this cookie, or a new one."""
        try:
            morsel = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            morsel = None
        if morsel and (known := self.visitors.get(morsel.value)):
            return known
        if len(self.visitors) >= MAXIMUM_VISITORS:
            self.visitors.clear()
        visitor = Visitor()
        self.visitors[visitor.id] = visitor
        return visitor

    def home(self, visitor: Visitor) -> bytes:
        """Return the home page. A notice is shown once."""
        notice, visitor.notice = visitor.notice, ""
        return pages.home(self.portal, visitor.token, visitor.api_answer, notice)

    def take(self, step: Callable[[Visitor, dict[str, str]], str], visitor: Visitor, query: str) -> str:
        """Take a step and return the next address. A refusal becomes a notice on the home page."""
        try:
            return step(visitor, dict(parse_qsl(query)))
        except Refused as refusal:
            visitor.notice = str(refusal)
        except (requests.RequestException, ValueError):
            visitor.notice = f"{self.portal.name} antwoordt nu niet zoals het hoort. Probeer het zo nog eens."
        return "/"

    # ---- Steps: each returns where to go next ---------------------------------------------------------------

    def connect(self, visitor: Visitor, query: dict[str, str]) -> str:
        """Send the seller to the portal (RFC 6749 §4.1.1)."""
        address, visitor.state, visitor.verifier = self.portal.start()
        return address

    def come_back(self, visitor: Visitor, query: dict[str, str]) -> str:
        """Handle the response, and redirect away from the address with the code (RFC 6749 §4.1.2)."""
        state, visitor.state = visitor.state, ""
        visitor.token = self.portal.finish(query, state=state, verifier=visitor.verifier)
        visitor.api_answer = ""
        visitor.notice = f"Orderwijs is gekoppeld met {self.portal.name}."
        return "/"

    def call_api(self, visitor: Visitor, query: dict[str, str]) -> str:
        """Call the API with the access token."""
        if visitor.token:
            response = self.portal.call_api(visitor.token)
            visitor.api_answer = f"HTTP {response.status_code}\n\n{pages.indented(response.text)}"
        return "/"

    def refresh(self, visitor: Visitor, query: dict[str, str]) -> str:
        """Exchange the refresh token for new tokens (RFC 6749 §6)."""
        if visitor.token:
            visitor.token = self.portal.refresh(visitor.token)
            visitor.notice = "Orderwijs heeft nieuwe tokens gekregen."
        return "/"

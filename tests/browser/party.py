"""A third party's site on a port of its own: what sends a browser to the portal, and takes what it brings back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import httpx

from apicredentials.models import ThirdParty
from tests.factories import ThirdPartyFactory
from tests.oauth.flow import VERIFIER, Software, request_address, software

CALLBACK = "/callback"
LISTENS = "<script>onmessage = event => document.querySelector('h1').textContent = event.data</script>"


@dataclass
class Party:
    """A third party and its site, which keeps the addresses that browsers come back to."""

    registered: ThirdParty
    url: str
    portal: str
    software: Software
    onward: str = ""  # where its callback redirects to
    request_parameters: dict[str, str] = field(default_factory=dict)
    returns: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name that the portal shows."""
        return self.registered.name

    @property
    def redirect_uri(self) -> str:
        return f"{self.url}{CALLBACK}"

    @property
    def request_address(self) -> str:
        """Where its button leads."""
        return self.portal + request_address(
            self.software, **{"redirect_uri": self.redirect_uri} | self.request_parameters
        )

    @property
    def received(self) -> dict[str, str]:
        """The parameters that the last browser came back with."""
        return dict(parse_qsl(urlsplit(self.returns[-1]).query, strict_parsing=True))

    def token(self, **form: str) -> httpx.Response:
        """Ask the portal for a token, over the network."""
        credentials = (self.software.client_id, self.software.secret)
        return httpx.post(f"{self.portal}/token", auth=credentials, data=form)

    def exchange(self) -> httpx.Response:
        """Exchange the code that came back."""
        code = self.received["code"]
        form = {"code": code, "redirect_uri": self.redirect_uri, "code_verifier": VERIFIER}
        return self.token(grant_type="authorization_code", **form)

    def call(self, access_token: str) -> int:
        """Call the API and return the status."""
        return call(self.portal, access_token)

    def page(self, path: str) -> str:
        """Return what its site shows at a path."""
        if path.startswith(CALLBACK):
            self.returns.append(path)
            return "<h1>Terug bij de partij</h1><script>opener?.postMessage('klaar', '*')</script>"
        if path == "/popup":
            opens = f"window.popup = window.open('{self.request_address}')"
            return f'<h1>De partij</h1><button onclick="{escape(opens)}">Koppelen</button>{LISTENS}'
        if path == "/frame":
            return f"<h1>Kader</h1><iframe src='{escape(self.request_address)}'></iframe>"
        return f"<h1>De partij</h1><a href='{escape(self.request_address)}'>Koppelen</a>"


def call(portal: str, access_token: str) -> int:
    """Call the API as any software does, and return the status."""
    headers = {"Authorization": f"Bearer {access_token}"}
    return httpx.get(f"{portal}/retailer/retailers/current", headers=headers).status_code


class Handler(BaseHTTPRequestHandler):
    """Answers every GET with a page of the party."""

    def __init__(self, *args: object, party: Party) -> None:
        self.party = party
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        body = (
            f"<!doctype html><html lang=nl><title>Partij</title><link rel=icon href=data:,>{self.party.page(self.path)}"
        )
        is_redirected = bool(self.party.onward) and self.path.startswith(CALLBACK)
        self.send_response(302 if is_redirected else 200)
        if is_redirected:
            self.send_header("Location", self.party.onward)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


class IPv6Server(ThreadingHTTPServer):
    address_family = AF_INET6


@contextmanager
def run_party(portal: str, host: str = "127.0.0.1") -> Iterator[Party]:
    """Serve a registered third party's site until the block ends.

    The portal is at `localhost`: 127.0.0.1 is not only another origin but another site to the browser, as every
    real party is. It must be sent the portal's cookies on a link, and not in a frame.
    """
    server_class = IPv6Server if ":" in host else ThreadingHTTPServer
    with server_class((host, 0), BaseHTTPRequestHandler) as server:
        url = f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}"
        registered = ThirdPartyFactory(name=f"Orderhulp {server.server_port}", redirect_uris=f"{url}{CALLBACK}")
        party = Party(registered, url, portal, software(registered))
        server.RequestHandlerClass = partial(Handler, party=party)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield party
        finally:
            server.shutdown()
            thread.join()

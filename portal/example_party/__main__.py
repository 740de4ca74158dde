"""`python -m portal.example_party`: serve the site on this machine, configured by the environment."""

import os
import signal
import sys
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from portal.example_party.portal_client import PortalClient
from portal.example_party.site import Site


class Server(ThreadingMixIn, WSGIServer):
    """One thread per connection, because browsers open connections that they do not use at once."""

    daemon_threads = True


class Handler(WSGIRequestHandler):
    """Logs no requests, because one of the addresses contains an authorization code."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    host, port = "127.0.0.1", int(os.environ["PORT"])
    portal = PortalClient(
        name=os.environ["PORTAL_NAME"],
        issuer=os.environ["ISSUER_URL"],
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
        redirect_uri=f"http://{host}:{port}/terug",
    )
    with make_server(host, port, Site(portal), Server, Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()

"""Middleware: the client's address, request ids and the request log, and caching of pages."""

import re
import secrets
import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portal import metrics
from portal.addresses import canonical_address
from portal.logs import REQUEST_ID

type GetResponse = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger("portal.requests")


class TrustedProxyMiddleware:
    """Sets REMOTE_ADDR and the scheme to those of the client, which only the proxies in TRUSTED_PROXIES may state.

    Throttles and the activity log use this address: a client that could choose it could lift a throttle. It is in one
    spelling: a dual-stack socket reports IPv4 clients in IPv6 notation.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.networks = [ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES]
        # Proxies are few and send every request.
        self.is_trusted = lru_cache(maxsize=256)(self.is_proxy)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        meta["REMOTE_ADDR"] = peer = canonical(meta.get("REMOTE_ADDR", ""))
        if self.networks and self.is_trusted(peer):
            meta["REMOTE_ADDR"] = self.client_address(request)
            # Chained proxies make a list; the first entry is about the client's own connection.
            scheme = meta.get("HTTP_X_FORWARDED_PROTO", "").partition(",")[0].strip().lower()
            if scheme in {"http", "https"}:
                meta["wsgi.url_scheme"] = scheme
        return self.get_response(request)

    def is_proxy(self, address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in self.networks)
        except ValueError:
            return False

    def client_address(self, request: HttpRequest) -> str:
        """Return the last address in the chain that is not one of our proxies."""
        address: str = request.META["REMOTE_ADDR"]
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
        for hop in reversed(forwarded.split(",") if forwarded else []):
            try:
                candidate = canonical_address(without_port(hop.strip()))
            except ValueError:
                break
            address = candidate
            if not self.is_trusted(candidate):
                break
        return address


@lru_cache(maxsize=1024)
def canonical(peer: str) -> str:
    """Return the address of a socket in one spelling; a Unix socket has none, and stays as it is."""
    try:
        return canonical_address(peer)
    except ValueError:
        return peer


def without_port(hop: str) -> str:
    """Return the address in `hop`: some proxies add the port."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


class RequestLogMiddleware:
    """Gives each request an id (`X-Request-ID`, in and out) and one line in the log.

    The line names the route, not the path or the query, which may contain secrets.
    """

    ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = offered if self.ID.fullmatch(offered) else secrets.token_hex(16)
        started = time.perf_counter()
        token = REQUEST_ID.set(request_id)
        try:
            response = self.get_response(request)
            response.headers["X-Request-ID"] = request_id
            match = request.resolver_match
            route = match.route if match else getattr(request, "machine_route", "")
            seconds = time.perf_counter() - started
            metrics.count(request, response, route, seconds)
            log.info(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                milliseconds=round(1000 * seconds, 1),
                address=request.META.get("REMOTE_ADDR"),
                **getattr(request, "log_fields", {}),
            )
        finally:
            REQUEST_ID.reset(token)
        return response


class NeverStoreMiddleware:
    """Keeps pages out of every cache, including the browser's, unless the view sets Cache-Control itself."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

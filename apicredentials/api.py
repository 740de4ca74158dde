"""The resource server: endpoints that take a bearer token (RFC 6750)."""

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apicredentials.models.usage import ProblemCause, Use
from apicredentials.oauth import access_tokens, counting
from apicredentials.oauth.sql.token_status import TokenStatus, token_status

log = structlog.get_logger("portal.security")

MEDIA_TYPE = "application/vnd.retailer.v10+json"
ACCEPTED = re.compile(r"application/vnd\.retailer\.v\d+\+json|application/json|application/\*|\*/\*", re.IGNORECASE)
# Weight 0 means "not acceptable" (RFC 9110 §12.4.2).
UNWANTED = re.compile(r";\s*q=0(\.0{1,3})?\s*(;|$)", re.IGNORECASE)
# RFC 6749 §3.3, with a maximum length because it is repeated in a header. An unknown name counts as a missing right.
SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,100}")
METADATA = f"{settings.ISSUER_URL}/.well-known/oauth-protected-resource"


@dataclass
class Refusal(Exception):
    """A refused call. `error` is the code of RFC 6750 §3.1, empty when the request had no token."""

    status: int
    title: str
    detail: str
    error: str = ""
    scope: str = ""

    @property
    def challenge(self) -> str:
        """The WWW-Authenticate header (RFC 6750 §3, RFC 9728 §5.1)."""
        members = {
            "realm": "Retailer API",
            "error": self.error,
            "error_description": self.detail if self.error else "",
            "scope": self.scope,
            "resource_metadata": METADATA,
        }
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in members.items() if value)


def authorize(request: HttpRequest, *required: str) -> tuple[dict[str, Any], TokenStatus]:
    """Return the claims of the request's token and its status; raise Refusal if it lacks a required right."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(401, "Unauthorized", "Send an access token in the Authorization header.")
    try:
        claims = access_tokens.verify(token.strip())
    except access_tokens.ExpiredToken as expired:
        moment = dt.datetime.fromtimestamp(expired.expired_at, dt.UTC).isoformat(timespec="seconds")
        raise Refusal(401, "Expired JWT", f"JWT expired at {moment}", "invalid_token") from expired
    except access_tokens.InvalidToken as invalid:
        raise Refusal(401, "Invalid JWT", "The access token is not valid.", "invalid_token") from invalid
    status = token_status(claims)
    if status is None:
        raise Refusal(401, "Revoked JWT", "The access token has been revoked.", "invalid_token")
    if status.is_closed:
        count(request, claims, ProblemCause.CLOSED)
        raise Refusal(403, "Forbidden", "Account is not active. Contact the marketplace.", "insufficient_scope")
    missing = [scope for scope in required if scope not in status.rights.split()]
    if missing:
        names = " ".join(missing)
        count(request, claims, ProblemCause.MISSING_RIGHT, missing[0])
        log.info("authz_fail", client_id=claims["client_id"], missing=names)
        raise Refusal(403, "Forbidden", f"The access token lacks the right {names}.", "insufficient_scope", names)
    return claims, status


def count(request: HttpRequest, claims: dict[str, Any], event: str, right: str = "") -> None:
    """Count a call or a refusal of a valid token for its authorisation, or else for its client."""
    counting.count(
        claims.get("authorization_id") or claims["client_id"],
        event,
        right=right,
        address=request.META.get("REMOTE_ADDR", ""),
        agent=request.META.get("HTTP_USER_AGENT", ""),
    )


def read_only(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer methods other than GET and HEAD with a problem document (RFC 9110 §15.5.6)."""

    @wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD"}:
            return view(request)
        response = problem(Refusal(405, "Method Not Allowed", "Use GET."))
        response["Allow"] = "GET, HEAD"
        return response

    return wrapper


@read_only
def verify(request: HttpRequest) -> HttpResponse:
    """Answer a gateway: 204 with seller, client and rights, or 401 or 403. `Accept` is ignored."""
    required = request.GET.getlist("scope")
    try:
        named = [scope for scope in required if SCOPE_TOKEN.fullmatch(scope)]
        claims, status = authorize(request, *named)
        if named != required:
            raise Refusal(403, "Forbidden", "The required scope is not the name of a right.", "insufficient_scope")
    except Refusal as refusal:
        return problem(refusal)
    count(request, claims, Use.API_CALL)
    response = HttpResponse(status=204)
    response["X-Retailer-Id"] = status.retailer_id
    response["X-Client-Id"] = claims["client_id"]
    response["X-Scopes"] = status.rights
    return response


@read_only
def current_retailer(request: HttpRequest) -> HttpResponse:
    """Return the seller's own data, meant as the first call of a new client."""
    try:
        require_acceptable(request)
        claims, status = authorize(request, "retailer-info:read")
    except Refusal as refusal:
        return problem(refusal)
    count(request, claims, Use.API_CALL)
    return respond(
        {
            "retailerId": status.retailer_id,
            "displayName": status.display_name,
            "companyName": status.company_name,
            "vatNumber": status.vat_number,
            "kvkNumber": status.kvk_number,
            "registrationDate": str(status.registration_date),
        }
    )


def require_acceptable(request: HttpRequest) -> None:
    """Raise Refusal 406 unless the client accepts one of our media types (RFC 9110 §12.5.1)."""
    offers = (request.META.get("HTTP_ACCEPT") or "*/*").split(",")
    if not any(ACCEPTED.fullmatch(offer.partition(";")[0].strip()) and not UNWANTED.search(offer) for offer in offers):
        raise Refusal(406, "Not Acceptable", f"This API answers in {MEDIA_TYPE}.")


def respond(body: dict[str, Any], status: int = 200) -> HttpResponse:
    """Return `body` in the vendor's media type."""
    response = HttpResponse(json.dumps(body), status=status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept, Authorization"
    return response


def problem(refusal: Refusal) -> HttpResponse:
    """Return the problem document of the Retailer API."""
    body = {
        "type": "about:blank",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "violations": [],
    }
    response = respond(body, refusal.status)
    if refusal.status in {401, 403}:
        response["WWW-Authenticate"] = refusal.challenge
    return response


def trouble(error: str, description: str, status: int) -> HttpResponse:
    """Return a problem document for an error outside a view. `error` is unused: only RFC 6749 responses have it."""
    return problem(Refusal(status, HTTPStatus(status).phrase, description))

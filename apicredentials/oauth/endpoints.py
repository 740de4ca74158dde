"""JSON endpoints of the authorization server: token, revocation, introspection and metadata.

The pages are in `authorize`, which imports much more.
"""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from oauthlib.oauth2.rfc6749 import errors

from apicredentials import scopes
from apicredentials.keys import keyring
from apicredentials.models import OAuthClient
from apicredentials.oauth import access_tokens, revocation, throttle
from apicredentials.oauth.authentication import authenticate
from apicredentials.oauth.grants import grant
from apicredentials.oauth.sql.token_status import token_status
from apicredentials.oauth.token_requests import MachineRequest

type Respond = Callable[[MachineRequest], dict[str, Any]]

REALM = 'Basic realm="Retailer API", charset="UTF-8"'


def answer(body: str, status: int) -> HttpResponse:
    """Return a JSON response of the token endpoint (RFC 6749 §5.1, §5.2).

    The middleware adds `Cache-Control: no-store` to every response that has no such header.
    """
    response = HttpResponse(body.encode(), status=status, content_type="application/json")
    if status == 401:
        response["WWW-Authenticate"] = REALM
    if status == 429:
        response["Retry-After"] = str(throttle.seconds_left())
    return response


@lru_cache(maxsize=256)
def refusal(error: str, description: str | None) -> str:
    """Return the body of an error (§5.2). Cached because there are few."""
    return json.dumps({"error": error} | ({"error_description": description} if description else {}))


def not_allowed(methods: Sequence[str]) -> HttpResponse:
    """Return the response to a request with another method."""
    response = answer(refusal("invalid_request", f"Use {methods[0]}."), 405)
    response["Allow"] = ", ".join(methods)
    return response


def for_clients(*methods: str) -> Callable[[Respond], Callable[[HttpRequest], HttpResponse]]:
    """Make a view of a function that returns the members of the JSON response or raises OAuth2Error."""

    def decorate(respond: Respond) -> Callable[[HttpRequest], HttpResponse]:
        @wraps(respond)
        def view(request: HttpRequest) -> HttpResponse:
            if request.method not in methods:
                return not_allowed(methods)
            log_fields: dict[str, str] = {}
            request.log_fields = log_fields  # type: ignore[attr-defined]
            try:
                return answer(json.dumps(respond(MachineRequest.read(request, log_fields))), 200)
            except errors.OAuth2Error as error:
                log_fields["result"] = str(error.error)
                return answer(refusal(error.error, error.description), error.status_code)

        return view

    return decorate


@for_clients("POST")
def token(request: MachineRequest) -> dict[str, Any]:
    """Issue tokens (RFC 6749 §3.2)."""
    return grant(request)


@for_clients("POST")
def revoke(request: MachineRequest) -> dict[str, Any]:
    """Revoke a token (RFC 7009). An unknown token gets the same response (§2.2)."""
    given_back = request.require("token")
    revocation.revoke(given_back, authenticate(request), address=request.address)
    return {}


@for_clients("POST")
def introspect(request: MachineRequest) -> dict[str, Any]:
    """Describe a token to a registered resource server, or only say that it is not active (RFC 7662 §2.2)."""
    if authenticate(request).grant_type != OAuthClient.GrantType.NONE:
        raise errors.UnauthorizedClientError("Only resource servers may introspect.")
    try:
        claims = access_tokens.verify(request.require("token"))
    except access_tokens.InvalidToken:
        return {"active": False}
    status = token_status(claims)
    if status is None or status.is_closed:
        return {"active": False}
    stated = {name: claims[name] for name in claims if name != "grant_id"}
    return {"active": True, "token_type": "Bearer", **stated, "scope": status.rights}


@require_safe
def server_metadata(request: HttpRequest) -> HttpResponse:
    """Describe this authorization server: only what is enabled (RFC 8414)."""
    authentication = ["client_secret_basic", "client_secret_post"]
    return cacheable(
        {
            "issuer": settings.ISSUER_URL,
            "authorization_endpoint": f"{settings.ISSUER_URL}/authorize",
            "token_endpoint": f"{settings.ISSUER_URL}/token",
            "revocation_endpoint": f"{settings.ISSUER_URL}/revoke",
            "introspection_endpoint": f"{settings.ISSUER_URL}/introspect",
            "jwks_uri": f"{settings.ISSUER_URL}/.well-known/jwks.json",
            "scopes_supported": [scopes.RETAILER, scopes.OFFLINE_ACCESS, *scopes.ALL],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "token_endpoint_auth_methods_supported": [*authentication, "none"],
            "revocation_endpoint_auth_methods_supported": [*authentication, "none"],
            "introspection_endpoint_auth_methods_supported": authentication,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "ui_locales_supported": ["nl"],
        }
    )


@require_safe
def resource_metadata(request: HttpRequest) -> HttpResponse:
    """Describe the Retailer API as a protected resource (RFC 9728)."""
    return cacheable(
        {
            "resource": settings.RESOURCE_URL,
            "authorization_servers": [settings.ISSUER_URL],
            "jwks_uri": f"{settings.ISSUER_URL}/.well-known/jwks.json",
            "scopes_supported": list(scopes.ALL),
            "bearer_methods_supported": ["header"],
            "resource_name": "Retailer API",
        }
    )


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:
    """Publish the keys that verify access tokens (RFC 7517)."""
    return cacheable({"keys": [key.public_jwk for key in keyring.signing_keys()]})


def cacheable(document: dict[str, Any]) -> JsonResponse:
    """Return a public document, cacheable for five minutes."""
    response = JsonResponse(document)
    response["Cache-Control"] = "public, max-age=300"
    response["Access-Control-Allow-Origin"] = "*"
    return response

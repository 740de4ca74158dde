"""The authorization endpoint: the one response type that is on, and how an HTTP request becomes oauthlib's.

oauthlib's own server comes with implicit, password and device grants; one that does not exist cannot be
switched on by mistake (RFC 9700 §2.1.2, §2.4).
"""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauthlib.oauth2 import AuthorizationCodeGrant, AuthorizationEndpoint, BearerToken
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import code_challenge_method_s256

from apicredentials.models.tokens import new_code
from apicredentials.oauth.token_requests import decode, once

# oauthlib makes an attribute of every parameter it gets, beside those it keeps its own results in; what is not
# ours to read must not reach it, and "MUST be ignored" (RFC 6749 §3.1).
PARAMETERS = {"response_type", "response_mode", "client_id", "redirect_uri", "scope", "state"}
PARAMETERS |= {"code_challenge", "code_challenge_method"}


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant with our code and with S256 only (RFC 9700 §2.1.1)."""

    _code_challenge_methods = {"S256": code_challenge_method_s256}  # noqa: RUF012

    def create_authorization_code(self, request: Any) -> dict[str, str]:
        """Return 256 random bits instead of oauthlib's 178 (RFC 6749 §10.10 asks for 128 at least)."""
        return {"code": new_code()} | ({"state": request.state} if request.state else {})


class AuthorizationServer(AuthorizationEndpoint):
    """The authorization endpoint over our validator; codes are exchanged in `grants`."""

    def __init__(self, request_validator: Any, **kwargs: Any) -> None:
        super().__init__(
            default_response_type="code",
            default_token_type=BearerToken(request_validator),
            response_types={"code": CodeGrant(request_validator)},
        )


class AuthorizationRequestTranslator(OAuthLibCore):
    """Reads a request to `/authorize`: parameters in the URL only, each once, in UTF-8."""

    def _extract_params(self, request: HttpRequest) -> tuple[str, str, None, dict[str, str]]:
        try:
            parameters = once(decode(request.META.get("QUERY_STRING", "")))
        except errors.InvalidRequestError as error:
            # Shown to the person: with doubtful parameters there is no redirect URI to trust.
            raise errors.InvalidRequestFatalError(error.description) from error
        known = {name: value for name, value in parameters.items() if name in PARAMETERS}
        return f"/authorize?{urlencode(known)}", "GET", None, {}

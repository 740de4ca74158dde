"""Setup of oauthlib's authorization endpoint: response type `code` only, and translation of our requests.

oauthlib's ready-made server includes the implicit, password and device grants. They are left out here so that no
setting can enable them (RFC 9700 §2.1.2, §2.4).
"""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauthlib.oauth2 import AuthorizationCodeGrant, AuthorizationEndpoint, BearerToken
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import code_challenge_method_s256

from apicredentials.oauth.token_requests import decode, once

# oauthlib turns every parameter into an attribute of its request, where it also keeps its own results. Unknown
# parameters must be ignored (RFC 6749 §3.1), so they never get there.
PARAMETERS = {"response_type", "response_mode", "client_id", "redirect_uri", "scope", "state"}
PARAMETERS |= {"code_challenge", "code_challenge_method"}


class CodeGrant(AuthorizationCodeGrant):
    """Validates authorization requests, with S256 only (RFC 9700 §2.1.1). The view itself issues the code."""

    _code_challenge_methods = {"S256": code_challenge_method_s256}  # noqa: RUF012


class AuthorizationServer(AuthorizationEndpoint):
    """oauthlib's authorization endpoint with our validator. The module `grants` exchanges the codes."""

    def __init__(self, request_validator: Any, **kwargs: Any) -> None:
        super().__init__(
            default_response_type="code",
            default_token_type=BearerToken(request_validator),
            response_types={"code": CodeGrant(request_validator)},
        )


class AuthorizationRequestTranslator(OAuthLibCore):
    """Reads the parameters of `/authorize`: in the URL only, each once, in UTF-8."""

    def _extract_params(self, request: HttpRequest) -> tuple[str, str, None, dict[str, str]]:
        try:
            parameters = once(decode(request.META.get("QUERY_STRING", "")))
        except errors.InvalidRequestError as error:
            # A fatal error is shown to the person: the redirect URI cannot be trusted either.
            raise errors.InvalidRequestFatalError(error.description) from error
        known = {name: value for name, value in parameters.items() if name in PARAMETERS}
        return f"/authorize?{urlencode(known)}", "GET", None, {}

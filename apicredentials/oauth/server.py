"""The authorization server: the three grants that are on, and how an HTTP request becomes theirs.

oauthlib's own server comes with implicit, password and device grants; one that does not exist cannot be
switched on by mistake (RFC 9700 §2.1.2, §2.4).
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauthlib.oauth2 import (
    AuthorizationCodeGrant,
    AuthorizationEndpoint,
    BearerToken,
    ClientCredentialsGrant,
    RefreshTokenGrant,
    RevocationEndpoint,
    TokenEndpoint,
)
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import code_challenge_method_s256

from apicredentials.models.tokens import new_code
from apicredentials.oauth import tokens

# What must not stand in an address, where proxies and browsers keep it (RFC 6750 §2.3, RFC 9700 §4.3.2).
NEVER_IN_URL = {"client_secret", "code", "refresh_token", "access_token", "code_verifier", "token", "password"}
# oauthlib makes an attribute of every parameter it gets, beside those it keeps its own results in; what is not
# ours to read must not reach it, and "MUST be ignored" (RFC 6749 §3.1, §3.2).
AT_TOKEN = {"grant_type", "scope", "client_id", "client_secret", "code", "redirect_uri", "code_verifier"}
AT_TOKEN |= {"refresh_token", "token", "token_type_hint"}
AT_AUTHORIZE = {"response_type", "response_mode", "client_id", "redirect_uri", "scope", "state"}
AT_AUTHORIZE |= {"code_challenge", "code_challenge_method"}
FORM = "application/x-www-form-urlencoded"


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant with our code and with S256 only (RFC 9700 §2.1.1)."""

    _code_challenge_methods = {"S256": code_challenge_method_s256}  # noqa: RUF012

    def create_authorization_code(self, request: Any) -> dict[str, str]:
        """Return 256 random bits instead of oauthlib's 178 (RFC 6749 §10.10 asks for 128 at least)."""
        return {"code": new_code()} | ({"state": request.state} if request.state else {})


class AuthorizationServer(AuthorizationEndpoint, TokenEndpoint, RevocationEndpoint):
    """Authorization, token and revocation endpoints over one validator."""

    def __init__(self, request_validator: Any, **kwargs: Any) -> None:
        code_grant = CodeGrant(request_validator)
        bearer = BearerToken(
            request_validator, tokens.generate, tokens.lifetime, request_validator.generate_refresh_token
        )
        AuthorizationEndpoint.__init__(
            self, default_response_type="code", default_token_type=bearer, response_types={"code": code_grant}
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type="authorization_code",
            default_token_type=bearer,
            grant_types={
                "authorization_code": code_grant,
                "client_credentials": ClientCredentialsGrant(request_validator),
                "refresh_token": RefreshTokenGrant(request_validator),
            },
        )
        RevocationEndpoint.__init__(self, request_validator)

    def validate_token_request(self, request: Any) -> None:
        """Tell a missing grant type from an unknown one (RFC 6749 §5.2)."""
        super().validate_token_request(request)
        if not request.grant_type:
            raise errors.InvalidRequestError("grant_type is missing.", request=request)
        if request.grant_type not in self.grant_types:
            raise errors.UnsupportedGrantTypeError(request=request)


def decode(encoded: str | bytes) -> list[tuple[str, str]]:
    """Decode a form or query strictly; raise InvalidRequestError for bytes that are no UTF-8, or NUL."""
    try:
        # WSGI hands out the bytes of the address as Latin-1 (PEP 3333).
        text = (encoded if isinstance(encoded, bytes) else encoded.encode("latin-1")).decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise errors.InvalidRequestError("The parameters cannot be read.") from error
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise errors.InvalidRequestError("A parameter contains a NUL character.")
    return pairs


def known(pairs: list[tuple[str, str]], names: set[str]) -> dict[str, str]:
    """Return the parameters of these names that have a value; raise InvalidRequestError when any stands twice."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise errors.InvalidRequestError("A parameter occurs twice.")
    return {name: value for name, value in pairs if value and name in names}


class RequestTranslator(OAuthLibCore):
    """Reads a request to `/token` or `/revoke` as clients in the wild write it, for oauthlib's strict eyes."""

    def _extract_params(self, request: HttpRequest) -> tuple[str, str, list[tuple[str, str]], dict[str, str]]:
        in_url = decode(request.META.get("QUERY_STRING", ""))
        if any(name in NEVER_IN_URL for name, _ in in_url):
            raise errors.InvalidRequestError("Secrets and tokens belong in the body, never in the URL.")
        in_body = decode(request.body) if request.content_type in {FORM, "", "text/plain"} else []
        # grant_type in the URL and again in the body is common, and harmless where the two are equal.
        repeated = {pair for pair in in_url if pair[0] == "grant_type" and pair in in_body}
        parameters = known([pair for pair in in_url if pair not in repeated] + in_body, AT_TOKEN)
        return request.path, "POST", list(parameters.items()), self.extract_headers(request)

    def extract_headers(self, request: HttpRequest) -> dict[str, str]:
        """Return what the validator reads, and no more: oauthlib copies whatever it is given."""
        return {
            "Authorization": request.META.get("HTTP_AUTHORIZATION", ""),
            "Remote-Addr": request.META.get("REMOTE_ADDR", ""),
            "User-Agent": request.META.get("HTTP_USER_AGENT", ""),
        }


class AuthorizationRequestTranslator(OAuthLibCore):
    """Reads a request to `/authorize`: parameters in the URL only, each once, in UTF-8."""

    def _extract_params(self, request: HttpRequest) -> tuple[str, str, None, dict[str, str]]:
        try:
            parameters = known(decode(request.META.get("QUERY_STRING", "")), AT_AUTHORIZE)
        except errors.InvalidRequestError as error:
            # Shown to the person: with doubtful parameters there is no redirect URI to trust.
            raise errors.InvalidRequestFatalError(error.description) from error
        return f"/authorize?{urlencode(parameters)}", "GET", None, {}

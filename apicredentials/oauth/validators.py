"""Validation of authorization requests: the hooks of oauthlib and django-oauth-toolkit."""

import re
from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749 import errors

from apicredentials.models import ThirdParty
from apicredentials.oauth.authentication import CLIENT_ID
from apicredentials.scopes import OFFLINE_ACCESS

CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class PortalValidator(OAuth2Validator):
    """Checks of an authorization request; `request.client` is a ThirdParty."""

    def validate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Find the third party (RFC 6749 §4.1.1)."""
        if CLIENT_ID.fullmatch(client_id):
            request.client = ThirdParty.objects.get_queryset().with_logo().filter(client_id=client_id).first()
        return request.client is not None and request.client.is_usable(request)

    def get_default_scopes(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """Return the scope of a request without `scope` (RFC 6749 §3.3)."""
        return [OFFLINE_ACCESS]

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Check the requested scopes against the party's registration (RFC 6749 §3.3)."""
        return set(scopes) - {OFFLINE_ACCESS} <= set(client.rights)

    def validate_response_type(
        self, client_id: str, response_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Accept `code` only, and a challenge only if it is a SHA-256 in base64url (RFC 7636 §4.2)."""
        if response_type != "code":
            raise errors.UnsupportedResponseTypeError(request=request)
        if request.response_mode not in {None, "query"}:
            raise errors.InvalidRequestError("response_mode must be query.", request=request)
        if request.code_challenge is None and request.code_challenge_method is not None:
            raise errors.InvalidRequestError("code_challenge is missing.", request=request)
        if request.code_challenge is not None and not CODE_CHALLENGE.fullmatch(request.code_challenge):
            raise errors.InvalidRequestError("code_challenge is not a SHA-256 in base64url.", request=request)
        return True

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        """Require a challenge unless the party is confidential and registered without PKCE (RFC 9700 §2.1.1)."""
        client = request.client
        return bool(client.is_public or client.pkce_required)

"""What oauthlib asks at the authorization endpoint, answered from our models."""

import datetime as dt
import re
from typing import Any

from django.db import transaction
from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749 import errors

from apicredentials import scopes
from apicredentials.models import Grant, OAuthClient, ThirdParty, ThirdPartyAuthorization
from apicredentials.models.tokens import digest
from apicredentials.oauth.authentication import CLIENT_ID
from apicredentials.scopes import OFFLINE_ACCESS, RETAILER

CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class ScopesBackend(BaseScopes):
    """Tells django-oauth-toolkit which scopes there are."""

    def get_all_scopes(self) -> dict[str, str]:
        """Return every right with its label."""
        return {scope: str(scopes.label(scope)) for scope in scopes.ALL} | {
            RETAILER: "Alles wat deze client mag",
            OFFLINE_ACCESS: "De rechten die de verkoper kiest",
        }

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """Return what this client may ask for."""
        return [*application.scope.split(), OFFLINE_ACCESS]

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        """Return what a request without `scope` means (RFC 6749 §3.3)."""
        if application.authorization_grant_type == OAuthClient.GrantType.CLIENT_CREDENTIALS:
            return [RETAILER]
        return [OFFLINE_ACCESS]


class PortalValidator(OAuth2Validator):
    """Our answers about a `ThirdParty`, which is `request.client`; each method names the section that asks for it."""

    def validate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Know the third party at the authorization endpoint (RFC 6749 §4.1.1)."""
        if CLIENT_ID.fullmatch(client_id):
            request.client = ThirdParty.objects.get_queryset().with_logo().filter(client_id=client_id).first()
        return request.client is not None and request.client.is_usable(request)

    def get_default_scopes(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """Return what a request without `scope` means (RFC 6749 §3.3)."""
        return [OFFLINE_ACCESS]

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Check what is asked against what the party is registered for (RFC 6749 §3.3)."""
        return set(scopes) - {OFFLINE_ACCESS} <= set(client.rights)

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Compare as strings (RFC 9700 §2.1)."""
        return bool(request.client.redirect_uri_allowed(redirect_uri))

    def get_default_redirect_uri(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> str | None:
        """Return the one registered URI (RFC 6749 §3.1.2.3)."""
        return str(request.client.default_redirect_uri)

    def validate_response_type(
        self, client_id: str, response_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Know `code` only, and refuse what PKCE cannot use (RFC 7636 §4.2: S256 is 43 characters)."""
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
        """Demand a challenge of every party but those registered as optional (RFC 9700 §2.1.1)."""
        client = request.client
        return bool(client.is_public or client.pkce_required)

    def save_authorization_code(
        self, client_id: str, code: dict[str, str], request: Any, *args: Any, **kwargs: Any
    ) -> None:
        """Write the consent and the hashed code, in one transaction (RFC 6749 §4.1.2)."""
        now = timezone.now()
        with transaction.atomic():
            authorization = ThirdPartyAuthorization.objects.consent(
                seller=request.seller, third_party=request.client, rights=request.rights, by=request.actor
            )
            Grant.objects.create(
                code_hash=digest(code["code"]),
                application_id=request.client.pk,
                user=request.user,
                authorization=authorization,
                rights=authorization.scope,
                scope=" ".join(request.scopes),
                redirect_uri=request.redirect_uri,
                code_challenge=request.code_challenge or "",
                code_challenge_method=request.code_challenge_method or "",
                expires=now + dt.timedelta(seconds=oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS),
            )

"""What oauthlib asks, answered from our models."""

import datetime as dt
import re
import secrets
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749 import errors

from apicredentials import keyring, keys, scopes
from apicredentials.models import (
    Activity,
    Grant,
    OAuthClient,
    ThirdParty,
    ThirdPartyAuthorization,
    chains,
)
from apicredentials.models.chains import Link
from apicredentials.models.secrets import note_use
from apicredentials.models.tokens import digest
from apicredentials.oauth import tokens
from apicredentials.oauth.authentication import CLIENT_ID, authenticate
from apicredentials.oauth.throttle import count_failure
from apicredentials.scopes import OFFLINE_ACCESS, RETAILER

log = structlog.get_logger("portal.security")

# How long a refresh token that has been replaced may be repeated, for a client that lost the answer.
REPEAT_WINDOW = dt.timedelta(seconds=30)

CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")

GRANTS = {
    "client_credentials": OAuthClient.GrantType.CLIENT_CREDENTIALS,
    "authorization_code": OAuthClient.GrantType.AUTHORIZATION_CODE,
    "refresh_token": OAuthClient.GrantType.AUTHORIZATION_CODE,
}


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
    """Our answers; each method names the section that asks for it.

    At the token endpoints `request.client` is a `ClientRecord`; at the authorization endpoint a `ThirdParty`.
    """

    # ---- Clients ------------------------------------------------------------------------------------------

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Always: `authenticate_client` lets public clients pass with their id alone (RFC 6749 §3.2.1)."""
        return True

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Authenticate by header or body, and note the use (RFC 6749 §2.3)."""
        request.client = authenticate(request)
        request.client_id = request.client.client_id
        if request.client.use_is_due:
            note_use(
                request.client.secret_pk, address=request.headers["Remote-Addr"], agent=request.headers["User-Agent"]
            )
        return True

    def validate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Know the third party at the authorization endpoint (RFC 6749 §4.1.1)."""
        if CLIENT_ID.fullmatch(client_id):
            request.client = ThirdParty.objects.get_queryset().with_logo().filter(client_id=client_id).first()
        return request.client is not None and request.client.is_usable(request)

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Give each client only the grant it is registered for (RFC 6749 §5.2 unauthorized_client)."""
        return bool(GRANTS[grant_type] == client.grant_type)

    # ---- Scopes -------------------------------------------------------------------------------------------

    def get_default_scopes(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """Return what a request without `scope` means (RFC 6749 §3.3)."""
        return [RETAILER] if request.grant_type == "client_credentials" else [OFFLINE_ACCESS]

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Check what is asked against what is allowed, and settle the rights of the token (RFC 6749 §3.3)."""
        if request.grant_type == "client_credentials":
            return self.settle_credential_rights(scopes, request)
        if request.grant_type == "refresh_token":
            return True
        return set(scopes) - {OFFLINE_ACCESS} <= set(client.rights)

    def settle_credential_rights(self, scopes_asked: list[str], request: Any) -> bool:
        """Grant all rights for RETAILER, in whatever case existing clients write it, else those named."""
        named = [scope for scope in scopes_asked if scope.upper() != RETAILER]
        allowed = request.client.scope.split()
        request.scopes = named or [RETAILER]
        request.rights = scopes.join(named) if named else request.client.scope
        request.subject_claims = {"sub": request.client.client_id, "retailer_id": request.client.retailer_id}
        return set(named) <= set(allowed)

    # ---- Authorization codes ------------------------------------------------------------------------------

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Compare as strings (RFC 9700 §2.1)."""
        return bool(request.client.redirect_uri_allowed(redirect_uri))

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

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Find the grant of this client's code. One that was used goes on: see `use_code` (RFC 6749 §4.1.3)."""
        link = chains.find_code(code, client.pk)
        if link is None or link.is_stale_code:
            count_failure(request, client.client_id)
            return False
        if request.code_verifier is not None and not (
            link.code_challenge and CODE_VERIFIER.fullmatch(request.code_verifier)
        ):
            # A verifier nobody announced is a downgrade attempt (RFC 9700 §4.8.2); a short one proves little.
            return False
        request.link = link
        request.scopes = link.scope.split()
        self.settle_party_claims(request, link)
        return True

    def get_code_challenge(self, code: str, request: Any) -> str | None:
        """Return the challenge of the grant in hand (RFC 7636 §4.4)."""
        return request.link.code_challenge or None

    def get_code_challenge_method(self, code: str, request: Any) -> str | None:
        """Return the method of the grant in hand (RFC 7636 §4.4)."""
        return request.link.code_challenge_method or None

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Compare with the URI of the authorization request; a mismatch is invalid_grant (RFC 6749 §4.1.3, §5.2).

        Only where PKCE binds the code may it be left out (OAuth 2.1 §10.1).
        """
        left_out = request.using_default_redirect_uri and not request.link.code_challenge
        if left_out or redirect_uri != request.link.redirect_uri:
            raise errors.InvalidGrantError(request=request)
        return True

    def get_default_redirect_uri(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> str | None:
        """Return the one registered URI at `/authorize`; at `/token` the one of the grant (RFC 6749 §3.1.2.3)."""
        if hasattr(request, "link"):
            return str(request.link.redirect_uri)
        return str(request.client.default_redirect_uri)

    def invalidate_authorization_code(self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing is left to do: `use_code` has, in the transaction of the tokens."""

    # ---- Tokens -------------------------------------------------------------------------------------------

    def settle_party_claims(self, request: Any, link: Link) -> None:
        """Settle what tokens of this grant state, and what the answer adds."""
        request.rights = scopes.join(self.rights_left(request, link))
        request.subject_claims = {
            "sub": link.retailer_id,
            "retailer_id": link.retailer_id,
            "authorization_id": link.authorization_uid,
            "grant_id": link.grant_uid,
        }
        ends_at = link.authorization_expires_at.astimezone(dt.UTC)
        request.extra_credentials = {
            "granted_scope": request.rights,
            "authorization_expires_at": ends_at.isoformat(timespec="seconds"),
        }

    def rights_left(self, request: Any, link: Link) -> set[str]:
        """Return what was consented to, as far as it still stands, and as a refresh narrows it (RFC 6749 §6)."""
        rights = set(link.consented.split()) & set(link.authorized.split()) & set(request.client.scope.split())
        named = scopes.close(request.scope.split()) if request.grant_type == "refresh_token" and request.scope else []
        return rights.intersection(named) if named else rights

    def _save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        """Write what the answer needs to be true; access tokens themselves leave no row."""
        if request.grant_type == "authorization_code":
            self.use_code(token, request)
        elif request.grant_type == "refresh_token":
            self.renew(token, request)
        if request.link.use_is_due:
            chains.note_use(request.link)

    def save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        """Write in one transaction; the end of a replayed grant must outlive the refusal that follows it."""
        if request.grant_type == "client_credentials":
            return
        try:
            with transaction.atomic():
                self._save_bearer_token(token, request)
        except Replayed as replay:
            Grant.objects.get(pk=request.link.grant_pk).end(replay.kind)
            log.warning("authn_token_reuse", client_id=request.client.client_id, kind=replay.kind.value)
            raise errors.InvalidGrantError(request=request) from replay

    def use_code(self, token: dict[str, Any], request: Any) -> None:
        """Take the code for this exchange: of several at once the database lets one (RFC 6749 §4.1.2)."""
        if not chains.use_code(request.link):
            raise Replayed(Activity.Kind.CODE_REPLAYED)
        if not request.link.gives_access:
            raise errors.InvalidGrantError(request=request)
        chains.add_refresh_token(request.link, token["refresh_token"], request.client.pk)

    def rotate_refresh_token(self, request: Any) -> bool:
        """Whether a refresh gives a new refresh token: as the party is registered (RFC 9700 §2.2.2)."""
        return bool(request.client.refresh_tokens == OAuthClient.RefreshTokens.ROTATING)

    def generate_refresh_token(self, request: Any) -> str:
        """Return a new refresh token: random for a code, derived from its predecessor for a refresh.

        Derived with a secret key, a successor is as unguessable as a random one, and repeating a refresh after
        a lost answer gives the same successor: two refreshes at once cannot make two living chains.
        """
        if request.grant_type == "authorization_code":
            return secrets.token_urlsafe(32)
        # The oldest key: it stays the same while newer ones come.
        return keys.b64url(keyring.hash_keys()[-1].derive("refresh token", request.refresh_token))

    def renew(self, token: dict[str, Any], request: Any) -> None:
        """Replace the refresh token, or repeat its replacement within the window (RFC 9700 §4.14.2).

        A fixed one stays as it is; one that was replaced while its party had rotating ones stays replaced.
        """
        link: Link = request.link
        if self.rotate_refresh_token(request) and chains.replace(link):
            chains.add_refresh_token(link, token["refresh_token"], request.client.pk)
        elif link.replaced_at and link.replaced_at < timezone.now() - REPEAT_WINDOW:
            raise Replayed(Activity.Kind.REFRESH_TOKEN_REPLAYED)

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Find this client's refresh token whose authorisation gives access now (RFC 6749 §6)."""
        link = chains.find_refresh_token(refresh_token, client.pk)
        if link is None or not link.gives_access:
            count_failure(request, client.client_id)
            return False
        request.link = link
        self.settle_party_claims(request, link)
        return True

    def get_original_scopes(self, refresh_token: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """Return what the first answer said, so that a client that repeats it gets it again (RFC 6749 §6)."""
        return list(request.link.scope.split())

    def is_within_original_scope(
        self, request_scopes: list[str], refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Let a refresh name fewer rights than were granted, for this one access token (RFC 6749 §6)."""
        return set(request_scopes) - {OFFLINE_ACCESS} <= set(request.rights.split())

    # ---- Revocation ---------------------------------------------------------------------------------------

    def revoke_token(self, token: str, token_type_hint: str | None, request: Any, *args: Any, **kwargs: Any) -> None:
        """End this client's own token; say nothing about any other (RFC 7009 §2.1).

        A refresh token takes all tokens of its grant with it; an access token ends alone.
        """
        try:
            claims = tokens.verify(token)
        except tokens.InvalidToken:
            chains.end_chain_of(token, request.client.pk)
            return
        if claims["client_id"] == request.client.client_id:
            chains.revoke_access_token(claims["jti"], dt.datetime.fromtimestamp(claims["exp"], dt.UTC))


class Replayed(Exception):
    """A code or refresh token that has been used comes again: somebody else may hold a copy."""

    def __init__(self, kind: Activity.Kind) -> None:
        super().__init__(kind)
        self.kind = kind

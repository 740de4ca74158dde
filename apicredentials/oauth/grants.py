"""The token endpoint's three grants: each from a request to the members of the answer, in the order of its section.

oauthlib answers the authorization endpoint; here it would only have called hooks of ours (docs/decisions.md). Its
errors are what is raised.
"""

import base64
import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Any, NoReturn

import structlog
from django.db import transaction
from django.utils import timezone
from oauthlib.oauth2.rfc6749 import errors

from accounts.models import Actor
from apicredentials import scopes
from apicredentials.keys import keyring
from apicredentials.keys.key_entries import b64url
from apicredentials.models import Grant, OAuthClient
from apicredentials.models.states import Cause
from apicredentials.oauth import access_tokens
from apicredentials.oauth.authentication import authenticate
from apicredentials.oauth.sql import grant_chains
from apicredentials.oauth.sql.find_client import ClientRecord
from apicredentials.oauth.sql.grant_chains import GrantState
from apicredentials.oauth.throttle import count_failure
from apicredentials.oauth.token_requests import MachineRequest
from apicredentials.scopes import OFFLINE_ACCESS, RETAILER

type Answer = dict[str, Any]

log = structlog.get_logger("portal.security")

# How long a refresh token that has been replaced may be repeated, for a client that lost the answer.
REPEAT_WINDOW = dt.timedelta(seconds=30)

CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def grant(request: MachineRequest) -> Answer:
    """Return the answer to a token request (RFC 6749 §5.1); raise the OAuth2Error that says why not (§5.2)."""
    grant_type = request.require("grant_type")
    if grant_type not in GRANTS:
        raise errors.UnsupportedGrantTypeError("This grant_type is not supported.")
    return GRANTS[grant_type](request)


def registered_for(grant_type: OAuthClient.GrantType, request: MachineRequest) -> ClientRecord:
    """Return the authenticated client, which may use no grant but the one it is registered for (§5.2)."""
    client = authenticate(request)
    if client.grant_type != grant_type:
        raise errors.UnauthorizedClientError("This client is not registered for this grant.")
    return client


# ---- Client credentials (§4.4) ----------------------------------------------------------------------------


def client_credentials(request: MachineRequest) -> Answer:
    """Give a seller's own software all its rights for RETAILER, in whatever case it writes that, else those named."""
    client = registered_for(OAuthClient.GrantType.CLIENT_CREDENTIALS, request)
    named = [scope for scope in request.scopes if scope.upper() != RETAILER]
    if not set(named) <= set(client.scope.split()):
        raise errors.InvalidScopeError("A scope is unknown, or not one that this client has.")
    access_token = access_tokens.issue(
        client.client_id,
        "client_credentials",
        scope=scopes.join(named) if named else client.scope,
        seconds=access_tokens.CLIENT_CREDENTIALS_SECONDS,
        claims={"sub": client.client_id, "retailer_id": client.retailer_id},
    )
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": access_tokens.CLIENT_CREDENTIALS_SECONDS,
        "scope": " ".join(named) or RETAILER,
    }


# ---- Authorization code (§4.1.3) --------------------------------------------------------------------------


def authorization_code(request: MachineRequest) -> Answer:
    """Exchange a code, once, for the first tokens of its grant."""
    code = request.require("code")
    client = registered_for(OAuthClient.GrantType.AUTHORIZATION_CODE, request)
    link = grant_chains.find_code(code, client.pk)
    if link is None or link.is_stale_code:
        raise invalid_grant(request, client)
    if not is_verified(request.get("code_verifier"), link, client):
        raise invalid_grant(request, client)
    # Compared as strings with that of the authorization request; only PKCE stands in for it (OAuth 2.1 §10.1).
    redirect_uri = request.get("redirect_uri")
    if redirect_uri != link.redirect_uri and not (redirect_uri is None and link.code_challenge):
        raise invalid_grant(request, client)
    # A code that was used goes on, for it ends what came of it.
    if not (link.gives_access or link.used_at):
        raise invalid_grant(request, client)
    first = secrets.token_urlsafe(32)
    with transaction.atomic():
        # Of several exchanges at once the database lets one.
        is_first = grant_chains.use_code(link)
        if is_first:
            grant_chains.add_refresh_token(link, first, client.pk)
            note_use(link)
    if not is_first:
        end_replayed(link, client, Cause.CODE_REPLAYED)
    rights = scopes.join(rights_left(link, client))
    return access(link, client, "authorization_code", rights) | {"scope": link.scope, "refresh_token": first}


def is_verified(verifier: str | None, link: GrantState, client: ClientRecord) -> bool:
    """Whether the verifier is that of the authorization request's challenge (RFC 7636 §4.6: S256 only).

    Raises MissingCodeVerifierError when there must be one.
    """
    if verifier is None:
        if link.code_challenge or client.is_public or client.pkce_required:
            raise errors.MissingCodeVerifierError
        return True
    # A verifier nobody announced is a downgrade attempt (RFC 9700 §4.8.2); a short one proves little.
    if not link.code_challenge or not CODE_VERIFIER.fullmatch(verifier):
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return secrets.compare_digest(digest, link.code_challenge)


# ---- Refresh token (§6) -----------------------------------------------------------------------------------


def refresh_token(request: MachineRequest) -> Answer:
    """Give the next tokens of a grant; a client that lost the answer may repeat its request for a moment."""
    presented = request.require("refresh_token")
    client = registered_for(OAuthClient.GrantType.AUTHORIZATION_CODE, request)
    link = grant_chains.find_refresh_token(presented, client.pk)
    if link is None or not link.gives_access:
        raise invalid_grant(request, client)
    # One that was replaced while its party had rotating ones stays replaced (RFC 9700 §4.14.2).
    if link.replaced_at and link.replaced_at < timezone.now() - REPEAT_WINDOW:
        end_replayed(link, client, Cause.REFRESH_TOKEN_REPLAYED)
    rights, scope = narrowed(request.scopes, link, client)
    # Whoever copies one from a client without a secret could use it for a year (RFC 9700 §2.2.2).
    is_rotating = client.is_public or client.refresh_tokens == OAuthClient.RefreshTokens.ROTATING
    following = successor(presented) if is_rotating else presented
    with transaction.atomic():
        # Of several at once the database lets one; the others repeat its answer.
        if is_rotating and grant_chains.replace(link):
            grant_chains.add_refresh_token(link, following, client.pk)
        note_use(link)
    return access(link, client, "refresh_token", rights) | {"scope": scope, "refresh_token": following}


def narrowed(named: list[str], link: GrantState, client: ClientRecord) -> tuple[str, str]:
    """Return the rights of this one access token, and what the answer calls them; raise InvalidScopeError.

    A client may repeat what it was told at first, or name fewer rights than are left.
    """
    left = rights_left(link, client)
    rights = scopes.join(left.intersection(scopes.close(named) or left))
    if {*named} != {*link.scope.split()} and not {*named} - {OFFLINE_ACCESS} <= {*rights.split()}:
        raise errors.InvalidScopeError("A scope is unknown, or not one that this client has.")
    return rights, " ".join(named) or link.scope


def successor(token: str) -> str:
    """Return the refresh token that follows this one.

    Derived with a secret key, it is as unguessable as a random one, and repeating a refresh after a lost answer
    gives the same: two refreshes at once cannot make two living chains.
    """
    # The oldest key: it stays the same while newer ones come.
    return b64url(keyring.hash_keys()[-1].derive("refresh token", token))


def invalid_grant(request: MachineRequest, client: ClientRecord) -> errors.OAuth2Error:
    """Return the refusal of a code or refresh token, counted: one who guesses is to be slowed down."""
    count_failure(request.address, client.client_id)
    return errors.InvalidGrantError("The code or refresh token is unknown, used, ended, or not for this request.")


# ---- What a third party gets ------------------------------------------------------------------------------


def rights_left(link: GrantState, client: ClientRecord) -> set[str]:
    """Return what was consented to, as far as it still stands."""
    return {*link.consented.split()} & {*link.authorized.split()} & {*client.scope.split()}


def note_use(link: GrantState) -> None:
    """Note that the party fetched a token, for the seller to see."""
    if link.use_is_due:
        grant_chains.note_use(link)


def end_replayed(link: GrantState, client: ClientRecord, cause: Cause) -> NoReturn:
    """End every token of this grant: what has been used comes again, so somebody else may hold a copy."""
    Grant.objects.get(pk=link.grant_pk).end(cause, by=Actor.machine())
    log.warning("authn_token_reuse", client_id=client.client_id, kind=cause.value)
    raise errors.InvalidGrantError("It was used before; all that came of it has ended.")


def access(link: GrantState, client: ClientRecord, grant_type: str, rights: str) -> Answer:
    """Return an access token that names its grant and authorisation and ends with it at the latest, and its facts."""
    ends_at = link.authorization_expires_at.astimezone(dt.UTC)
    seconds = access_tokens.seconds_until(ends_at)
    claims = {
        "sub": link.retailer_id,
        "retailer_id": link.retailer_id,
        "authorization_id": link.authorization_uid,
        "grant_id": link.grant_uid,
    }
    return {
        "access_token": access_tokens.issue(client.client_id, grant_type, scope=rights, seconds=seconds, claims=claims),
        "token_type": "Bearer",
        "expires_in": seconds,
        "granted_scope": rights,
        "authorization_expires_at": ends_at.isoformat(timespec="seconds"),
    }


GRANTS: dict[str, Callable[[MachineRequest], Answer]] = {
    "client_credentials": client_credentials,
    "authorization_code": authorization_code,
    "refresh_token": refresh_token,
}

"""The three grants of the token endpoint: each turns a request into the members of the response.

oauthlib validates the authorization endpoint. Here it would only call hooks of ours, so just its errors are used
(docs/decisions.md).
"""

import datetime as dt
import hashlib
import re
import secrets
import uuid
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
from apicredentials.models.usage import ProblemCause
from apicredentials.oauth import access_tokens
from apicredentials.oauth.authentication import authenticate
from apicredentials.oauth.outcomes import count_failed, count_problem, count_token
from apicredentials.oauth.sql import grant_chains
from apicredentials.oauth.sql.find_client import ClientRecord
from apicredentials.oauth.sql.grant_chains import GrantState
from apicredentials.oauth.token_requests import MachineRequest
from apicredentials.scopes import OFFLINE_ACCESS, RETAILER

type Answer = dict[str, Any]

log = structlog.get_logger("portal.security")

# How long after a refresh a client that lost the response may repeat it.
REPEAT_WINDOW = dt.timedelta(seconds=30)

# An authorisation that stopped because of a replay: each further attempt is one more of the same problem.
REPLAYED: dict[str, ProblemCause] = {
    Cause.REFRESH_TOKEN_REPLAYED: ProblemCause.REFRESH_TOKEN_REPLAYED,
    Cause.CODE_REPLAYED: ProblemCause.CODE_REFUSED,
}

CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def grant(request: MachineRequest) -> Answer:
    """Return the response to a token request (RFC 6749 §5.1); raise OAuth2Error to refuse it (§5.2)."""
    grant_type = request.require("grant_type")
    if grant_type not in GRANTS:
        raise errors.UnsupportedGrantTypeError("This grant_type is not supported.")
    request.log_fields["grant_type"] = grant_type
    return GRANTS[grant_type](request)


def registered_for(grant_type: OAuthClient.GrantType, request: MachineRequest) -> ClientRecord:
    """Return the authenticated client; raise UnauthorizedClientError if it is registered for another grant (§5.2)."""
    client = authenticate(request)
    if client.grant_type != grant_type:
        raise errors.UnauthorizedClientError("This client is not registered for this grant.")
    return client


# ---- Client credentials (§4.4) ----------------------------------------------------------------------------


def client_credentials(request: MachineRequest) -> Answer:
    """Issue a token with the named rights, or with all of the client for RETAILER (in any case) or no scope."""
    client = registered_for(OAuthClient.GrantType.CLIENT_CREDENTIALS, request)
    named = [scope for scope in request.scopes if scope.upper() != RETAILER]
    if unknown := [scope for scope in named if scope not in client.scope.split()]:
        count_problem(request, client.client_id, ProblemCause.UNKNOWN_SCOPE, unknown[0])
        raise errors.InvalidScopeError("A scope is unknown, or not one that this client has.")
    access_token = issue(
        request,
        client,
        scope=scopes.join(named) if named else client.scope,
        seconds=access_tokens.CLIENT_CREDENTIALS_SECONDS,
        claims={"sub": client.client_id, "retailer_id": client.retailer_id},
    )
    count_token(request, client.client_id)
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": access_tokens.CLIENT_CREDENTIALS_SECONDS,
        "scope": " ".join(named) or RETAILER,
    }


# ---- Authorization code (§4.1.3) --------------------------------------------------------------------------


def authorization_code(request: MachineRequest) -> Answer:
    """Exchange a code for the first tokens of its grant. A second exchange ends them."""
    code = request.require("code")
    client = registered_for(OAuthClient.GrantType.AUTHORIZATION_CODE, request)
    state = grant_chains.find_code(code, client.pk)
    if state is None or state.is_stale_code:
        raise invalid_grant(request, client, state, ProblemCause.CODE_REFUSED)
    if not is_verified(request.get("code_verifier"), state, client):
        raise invalid_grant(request, client, state, ProblemCause.CODE_REFUSED)
    # It must equal that of the authorization request; only with PKCE may it be left out (OAuth 2.1 §10.1).
    redirect_uri = request.get("redirect_uri")
    if redirect_uri != state.redirect_uri and not (redirect_uri is None and state.code_challenge):
        raise invalid_grant(request, client, state, ProblemCause.CODE_REFUSED)
    # Continue with a used code: its second use must end the grant.
    if not (state.gives_access or state.used_at):
        raise invalid_grant(request, client, state, ProblemCause.CODE_REFUSED)
    first = secrets.token_urlsafe(32)
    with transaction.atomic():
        is_first = grant_chains.use_code(state)
        if is_first:
            grant_chains.add_refresh_token(state, first, client.pk)
            grant_chains.note_use(state)
    if not is_first:
        count_problem(request, state.authorization_uid, ProblemCause.CODE_REFUSED)
        end_replayed(state, client, Cause.CODE_REPLAYED)
    count_token(request, state.authorization_uid)
    rights = scopes.join(rights_left(state, client))
    return access(request, state, client, rights) | {"scope": state.scope, "refresh_token": first}


def is_verified(verifier: str | None, state: GrantState, client: ClientRecord) -> bool:
    """Return whether the verifier matches the challenge of the authorization request (RFC 7636 §4.6, S256 only).

    Raises MissingCodeVerifierError if there is none and there must be one.
    """
    if verifier is None:
        if state.code_challenge or client.is_public or client.pkce_required:
            raise errors.MissingCodeVerifierError
        return True
    # A verifier without a challenge is a downgrade attempt (RFC 9700 §4.8.2).
    if not state.code_challenge or not CODE_VERIFIER.fullmatch(verifier):
        return False
    challenge = b64url(hashlib.sha256(verifier.encode()).digest())
    return secrets.compare_digest(challenge, state.code_challenge)


# ---- Refresh token (§6) -----------------------------------------------------------------------------------


def refresh_token(request: MachineRequest) -> Answer:
    """Issue the next tokens of a grant. A client that lost the answer may repeat its request for 30 seconds."""
    presented = request.require("refresh_token")
    client = registered_for(OAuthClient.GrantType.AUTHORIZATION_CODE, request)
    following = successor(presented)
    state = grant_chains.find_refresh_token(presented, following, client.pk)
    if state is None or not state.gives_access:
        raise invalid_grant(request, client, state, cause_of(state))
    refuse_replayed(request, state, client)
    rights, scope = narrowed(request, state, client)
    # A stolen refresh token of a public client would work for a year if it did not rotate (RFC 9700 §2.2.2).
    is_rotating = client.is_public or client.refresh_tokens == OAuthClient.RefreshTokens.ROTATING
    if is_rotating and not state.replaced_at and not replace(state, following, client):
        # A concurrent request replaced it and may have used the successor too, so look again.
        refuse_replayed(request, grant_chains.find_refresh_token(presented, following, client.pk), client)
    grant_chains.note_use(state)
    count_token(request, state.authorization_uid)
    # One that was replaced is never given out again, even if its party has fixed refresh tokens by now.
    given = following if is_rotating or state.replaced_at else presented
    return access(request, state, client, rights) | {"scope": scope, "refresh_token": given}


def replace(state: GrantState, following: str, client: ClientRecord) -> bool:
    """Replace a refresh token by `following`; return False when a concurrent request has replaced it."""
    with transaction.atomic():
        is_first = grant_chains.replace(state)
        if is_first:
            grant_chains.add_refresh_token(state, following, client.pk)
    return is_first


def refuse_replayed(request: MachineRequest, state: GrantState | None, client: ClientRecord) -> None:
    """End the grant of a replaced refresh token that may not be repeated, and raise InvalidGrantError.

    Only the predecessor of the newest refresh token may be repeated, for a moment and until the newest has been
    used. A repeat therefore always returns a token that works (RFC 9700 §4.14.2).
    """
    if state is None or state.replaced_at is None:
        return
    if state.successor_pk is None or state.replaced_at < timezone.now() - REPEAT_WINDOW:
        count_problem(request, state.authorization_uid, ProblemCause.REFRESH_TOKEN_REPLAYED)
        end_replayed(state, client, Cause.REFRESH_TOKEN_REPLAYED)


def narrowed(request: MachineRequest, state: GrantState, client: ClientRecord) -> tuple[str, str]:
    """Return the rights of this one access token and the `scope` of the response; raise InvalidScopeError.

    A client may repeat the scope of the first response, or name some of the rights that are left.
    """
    named, left = request.scopes, rights_left(state, client)
    rights = scopes.join(left.intersection(scopes.close(named) or left))
    unknown = [scope for scope in named if scope not in {OFFLINE_ACCESS, *rights.split()}]
    if unknown and {*named} != {*state.scope.split()}:
        count_problem(request, state.authorization_uid, ProblemCause.UNKNOWN_SCOPE, unknown[0])
        raise errors.InvalidScopeError("A scope is unknown, or not one that this client has.")
    return rights, " ".join(named) or state.scope


def successor(token: str) -> str:
    """Return the refresh token that replaces this one.

    Derived with a secret key, it cannot be guessed, and a repeated or concurrent refresh returns the same token, so
    that there is never a second chain.
    """
    # The oldest key does not change when a new one is added.
    return b64url(keyring.hash_keys()[-1].derive("refresh token", token))


def cause_of(state: GrantState | None) -> ProblemCause | None:
    """Return why a refresh token gives no access; None if it is unknown or the authorisation's state says it."""
    if state is None:
        return None
    return ProblemCause.CLOSED if state.is_closed else REPLAYED.get(state.end_cause)


def invalid_grant(
    request: MachineRequest, client: ClientRecord, state: GrantState | None, cause: ProblemCause | None
) -> errors.OAuth2Error:
    """Count the refusal of a code or refresh token and return it. Without a grant it is a problem of the client."""
    count_failed(request, client.client_id, state.authorization_uid if state else client.client_id, cause)
    return errors.InvalidGrantError("The code or refresh token is unknown, used, ended, or not for this request.")


# ---- Tokens -----------------------------------------------------------------------------------------------


def rights_left(state: GrantState, client: ClientRecord) -> set[str]:
    """Return the rights of this grant that the authorisation and the party's registration still include."""
    return {*state.consented.split()} & {*state.authorized.split()} & {*client.scope.split()}


def end_replayed(state: GrantState, client: ClientRecord, cause: Cause) -> NoReturn:
    """End every token of this grant. A code or refresh token was used twice, so somebody may have a copy."""
    Grant.objects.get(pk=state.grant_pk).end(cause, by=Actor.machine())
    log.warning("authn_token_reuse", client_id=client.client_id, kind=cause.value)
    raise errors.InvalidGrantError("It was used before; all that came of it has ended.")


def access(request: MachineRequest, state: GrantState, client: ClientRecord, rights: str) -> Answer:
    """Return an access token of a grant, which ends with its authorisation at the latest, and its members."""
    ends_at = state.authorization_expires_at.astimezone(dt.UTC)
    seconds = access_tokens.seconds_until(ends_at)
    claims = {
        "sub": state.retailer_id,
        "retailer_id": state.retailer_id,
        "authorization_id": state.authorization_uid,
        "grant_id": state.grant_uid,
    }
    return {
        "access_token": issue(request, client, scope=rights, seconds=seconds, claims=claims),
        "token_type": "Bearer",
        "expires_in": seconds,
        "granted_scope": rights,
        "authorization_expires_at": ends_at.isoformat(timespec="seconds"),
    }


def issue(request: MachineRequest, client: ClientRecord, *, scope: str, seconds: int, claims: dict[str, Any]) -> str:
    """Return a new access token and record it in the request's log line."""
    jti = str(uuid.uuid4())
    request.log_fields.update(result="authn_token_created", jti=jti)
    return access_tokens.issue(client.client_id, jti, scope=scope, seconds=seconds, claims=claims)


GRANTS: dict[str, Callable[[MachineRequest], Answer]] = {
    "client_credentials": client_credentials,
    "authorization_code": authorization_code,
    "refresh_token": refresh_token,
}

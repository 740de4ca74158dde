"""Revocation of tokens by their client (RFC 7009)."""

import datetime as dt

import structlog

from apicredentials.oauth import access_tokens
from apicredentials.oauth.sql import grant_chains
from apicredentials.oauth.sql.find_client import ClientRecord

log = structlog.get_logger("portal.security")


def revoke(token: str, client: ClientRecord) -> None:
    """Revoke this client's token; ignore a token of another client (§2.1).

    Revoking a refresh token ends all tokens of its grant, revoking an access token ends only that one.
    """
    try:
        claims = access_tokens.verify(token)
    except access_tokens.InvalidToken:
        if grant_chains.end_chain_of(token, client.pk):
            log.info("authn_token_revoked", client_id=client.client_id, kind="refresh_token")
        return
    if claims["client_id"] == client.client_id:
        grant_chains.revoke_access_token(claims["jti"], dt.datetime.fromtimestamp(claims["exp"], dt.UTC))
        log.info("authn_token_revoked", client_id=client.client_id, kind="access_token", jti=claims["jti"])

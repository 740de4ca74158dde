"""Revocation: a client gives back a token of its own (RFC 7009)."""

import datetime as dt

import structlog

from apicredentials.oauth import access_tokens
from apicredentials.oauth.sql import grant_chains
from apicredentials.oauth.sql.find_client import ClientRecord

log = structlog.get_logger("portal.security")


def revoke(token: str, client: ClientRecord) -> None:
    """End this client's own token, and say nothing about any other (§2.1).

    A refresh token takes all tokens of its grant with it; an access token ends alone.
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

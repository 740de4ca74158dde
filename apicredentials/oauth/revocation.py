"""Revocation: a client gives back a token of its own (RFC 7009)."""

import datetime as dt

from apicredentials.models import chains
from apicredentials.models.access import ClientRecord
from apicredentials.oauth import tokens


def revoke(token: str, client: ClientRecord) -> None:
    """End this client's own token, and say nothing about any other (§2.1).

    A refresh token takes all tokens of its grant with it; an access token ends alone.
    """
    try:
        claims = tokens.verify(token)
    except tokens.InvalidToken:
        chains.end_chain_of(token, client.pk)
        return
    if claims["client_id"] == client.client_id:
        chains.revoke_access_token(claims["jti"], dt.datetime.fromtimestamp(claims["exp"], dt.UTC))

"""Revocation of tokens by their client (RFC 7009)."""

import datetime as dt

import structlog
from django.db import transaction

from accounts.models import Actor
from apicredentials.models import Grant
from apicredentials.models.states import Cause
from apicredentials.oauth import access_tokens
from apicredentials.oauth.sql import grant_chains
from apicredentials.oauth.sql.add_counts import storable_address
from apicredentials.oauth.sql.find_client import ClientRecord

log = structlog.get_logger("portal.security")


def revoke(token: str, client: ClientRecord, *, address: str) -> None:
    """Revoke this client's token; ignore a token of another client (§2.1).

    Revoking a refresh token ends all tokens of its grant, revoking an access token ends only that one.
    """
    try:
        claims = access_tokens.verify(token)
    except access_tokens.InvalidToken:
        if end_chain(token, client, address):
            log.info("authn_token_revoked", client_id=client.client_id, kind="refresh_token")
        return
    if claims["client_id"] == client.client_id:
        grant_chains.revoke_access_token(claims["jti"], dt.datetime.fromtimestamp(claims["exp"], dt.UTC))
        log.info("authn_token_revoked", client_id=client.client_id, kind="access_token", jti=claims["jti"])


@transaction.atomic
def end_chain(token: str, client: ClientRecord, address: str) -> bool:
    """End the grant of a refresh token, as Grant.end() does; return False if it had ended or there is none.

    Only the last grant of an authorisation takes the way through the models, which is slow.
    """
    ended = grant_chains.end_chain_of(token, client.pk)
    if ended and ended.is_last:
        related = ("authorization__seller", "authorization__third_party", "authorization__granted_by")
        grant = Grant.objects.select_related(*related).get(pk=ended.grant_pk)
        party = Actor(address=storable_address(address), stand_in=grant.authorization.third_party.name)
        grant.note_end(Cause.ENDED_BY_PARTY, by=party)
    return ended is not None

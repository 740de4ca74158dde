"""Codes and refresh tokens on the hot paths: found, used up, replaced and revoked, a statement each.

A code is the root of a chain and each refresh token a link; `Grant` and `RefreshToken` say what the rows mean.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from apicredentials.models.client_secrets import LAST_USED_PRECISION
from apicredentials.models.tokens import digest
from apicredentials.oauth.sql.statements import aware, execute, fetch, moment


@dataclass(frozen=True, slots=True)
class GrantState:
    """A code or refresh token in hand, and the grant and authorisation that it stands on.

    `gives_access` is whether tokens made of it are worth anything now; of a code, `token_pk` and `replaced_at` are
    None.
    """

    grant_pk: int
    grant_uid: str
    user_pk: int
    scope: str
    consented: str
    redirect_uri: str
    code_challenge: str
    code_challenge_method: str
    authorization_pk: int
    authorization_uid: str
    authorized: str
    retailer_id: str
    gives_access: bool
    token_pk: int | None
    expires: dt.datetime
    used_at: dt.datetime | None
    authorization_expires_at: dt.datetime
    authorization_used_at: dt.datetime | None
    replaced_at: dt.datetime | None

    @property
    def is_stale_code(self) -> bool:
        """Whether its code went unused for too long (RFC 6749 §4.1.2)."""
        return self.used_at is None and timezone.now() >= self.expires

    @property
    def use_is_due(self) -> bool:
        """Whether this use of the authorisation is to be written down: once a minute is enough."""
        used_at = self.authorization_used_at
        return used_at is None or timezone.now() - used_at >= LAST_USED_PRECISION


_STATE = """
SELECT g.id, g.uid, g.user_id, g.scope, g.rights, g.redirect_uri, g.code_challenge, g.code_challenge_method,
       a.id, a.uid, a.scope, s.retailer_id,
       g.revoked_at IS NULL AND a.ended_at IS NULL AND a.expires_at > %s AND s.closed_at IS NULL
       AND COALESCE(u.is_active, %s),
       {link_pk}, g.expires, g.used_at, a.expires_at, a.last_used_at, {link_replaced}
  FROM {{grant}} g
  JOIN {{authorization}} a ON a.id = g.authorization_id
  JOIN {{seller}} s ON s.id = a.seller_id
  LEFT JOIN {{user}} u ON u.id = a.granted_by_id
"""
_BY_CODE = _STATE.format(link_pk="NULL", link_replaced="NULL") + " WHERE g.code_hash = %s AND g.application_id = %s"
_BY_REFRESH_TOKEN = (
    _STATE.format(link_pk="t.id", link_replaced="t.revoked")
    + "  JOIN {refresh_token} t ON t.grant_id = g.id WHERE t.token_checksum = %s AND t.application_id = %s"
)
_USE_CODE = "UPDATE {grant} SET used_at = %s WHERE id = %s AND used_at IS NULL"
_REPLACE = "UPDATE {refresh_token} SET revoked = %s WHERE id = %s AND revoked IS NULL"
_ADD = """
INSERT INTO {refresh_token} (token_checksum, grant_id, application_id, user_id, created, updated)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_END = """
UPDATE {grant} SET revoked_at = %s
 WHERE revoked_at IS NULL
   AND id IN (SELECT t.grant_id FROM {refresh_token} t WHERE t.token_checksum = %s AND t.application_id = %s)
"""
_NOTE_USE = "UPDATE {authorization} SET last_used_at = %s WHERE id = %s"
_REVOKE = "INSERT INTO {revoked} (jti, expires) VALUES (%s, %s) ON CONFLICT DO NOTHING"


def find_code(code: str, client_pk: int) -> GrantState | None:
    """Return the link of this client's code, used or not."""
    return _link(fetch(_BY_CODE, [moment(timezone.now()), False, digest(code), client_pk]))


def find_refresh_token(token: str, client_pk: int) -> GrantState | None:
    """Return the link of this client's refresh token, replaced or not."""
    return _link(fetch(_BY_REFRESH_TOKEN, [moment(timezone.now()), False, digest(token), client_pk]))


def _link(row: tuple[Any, ...] | None) -> GrantState | None:
    return row and GrantState(*row[:14], *map(aware, row[14:]))  # type: ignore[return-value]


def use_code(link: GrantState) -> bool:
    """Take a code for one exchange; of several at once the database lets one (RFC 6749 §4.1.2)."""
    return execute(_USE_CODE, [moment(timezone.now()), link.grant_pk]) == 1


def replace(link: GrantState) -> bool:
    """Mark a refresh token as replaced; of several at once the database lets one."""
    return execute(_REPLACE, [moment(timezone.now()), link.token_pk]) == 1


def add_refresh_token(link: GrantState, token: str, client_pk: int) -> None:
    """Write the next refresh token of this chain."""
    now = moment(timezone.now())
    execute(_ADD, [digest(token), link.grant_pk, client_pk, link.user_pk, now, now])


def note_use(link: GrantState) -> None:
    """Note that the party fetched a token."""
    execute(_NOTE_USE, [moment(timezone.now()), link.authorization_pk])


def end_chain_of(token: str, client_pk: int) -> bool:
    """End every token of the grant that this client's refresh token belongs to; return whether one lived."""
    return execute(_END, [moment(timezone.now()), digest(token), client_pk]) == 1


def revoke_access_token(jti: str, expires: dt.datetime) -> None:
    """Write that an access token is worth nothing any more; a second time does nothing."""
    execute(_REVOKE, [jti, moment(expires)])

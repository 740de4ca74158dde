"""Codes and refresh tokens on the hot paths: one statement each to find, use, replace and revoke them.

A grant's code is the root of its chain of refresh tokens; see `Grant` and `RefreshToken` for the rows.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from apicredentials.keys.hash_keys import digest
from apicredentials.models.client_secrets import use_is_due
from apicredentials.oauth.sql.statements import aware, execute, fetch, moment


@dataclass(frozen=True, slots=True)
class GrantState:
    """A presented code or refresh token, with its grant and authorisation.

    `gives_access` is False when a token issued for it would be rejected. `end_cause` is that of its authorisation,
    empty if it has not ended. Of a refresh token, `replaced_at` is when it was replaced, and `successor_pk` is the
    refresh token that replaced it, as long as that one is unused.
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
    is_closed: bool
    end_cause: str
    token_pk: int | None
    successor_pk: int | None
    expires: dt.datetime
    used_at: dt.datetime | None
    authorization_expires_at: dt.datetime
    authorization_used_at: dt.datetime | None
    replaced_at: dt.datetime | None

    @property
    def is_stale_code(self) -> bool:
        """Return whether the code expired before it was used (RFC 6749 §4.1.2)."""
        return self.used_at is None and timezone.now() >= self.expires


_STATE = """
SELECT g.id, g.uid, g.user_id, g.scope, g.rights, g.redirect_uri, g.code_challenge, g.code_challenge_method,
       a.id, a.uid, a.scope, s.retailer_id,
       g.revoked_at IS NULL AND a.ended_at IS NULL AND a.expires_at > %s AND s.closed_at IS NULL
       AND COALESCE(u.is_active, %s), s.closed_at IS NOT NULL, a.end_cause,
       {presented}, {successor}, g.expires, g.used_at, a.expires_at, a.last_used_at, {replaced}
  FROM {{grant}} g
  JOIN {{authorization}} a ON a.id = g.authorization_id
  JOIN {{seller}} s ON s.id = a.seller_id
  LEFT JOIN {{user}} u ON u.id = a.granted_by_id
  {where}
"""
_BY_CODE = _STATE.format(
    presented="NULL",
    successor="NULL",
    replaced="NULL",
    where="WHERE g.code_hash = %s AND g.application_id = %s",
)
_BY_REFRESH_TOKEN = _STATE.format(
    presented="t.id",
    successor="n.id",
    replaced="t.revoked",
    where="""
  JOIN {refresh_token} t ON t.grant_id = g.id
  LEFT JOIN {refresh_token} n ON n.token_checksum = %s AND n.grant_id = g.id AND n.revoked IS NULL
 WHERE t.token_checksum = %s AND t.application_id = %s
""",
)
_USE_CODE = "UPDATE {grant} SET used_at = %s WHERE id = %s AND used_at IS NULL"
_REPLACE = "UPDATE {refresh_token} SET revoked = %s WHERE id = %s AND revoked IS NULL"
_ADD = """
INSERT INTO {refresh_token} (token_checksum, grant_id, application_id, user_id, created, updated)
VALUES (%s, %s, %s, %s, %s, %s)
"""
# Returns whether the authorisation has another grant that gives tokens; a test compares it with
# GrantQuerySet.usable(). Two grants are enough to know that. They are locked before the update, lowest id first, so
# that of two simultaneous revocations the second waits for the first and sees it. SQLite knows no alias in RETURNING.
_END = """
WITH presented AS (
  SELECT t.grant_id, g.authorization_id
    FROM {refresh_token} t
    JOIN {grant} g ON g.id = t.grant_id
   WHERE t.token_checksum = %s AND t.application_id = %s
), usable AS (
  SELECT g.id
    FROM {grant} g
   WHERE g.authorization_id = (SELECT authorization_id FROM presented) AND g.revoked_at IS NULL
     AND (g.used_at IS NOT NULL OR g.expires > %s)
   ORDER BY g.id
   LIMIT 2
   {lock_rows}
)
UPDATE {grant} SET revoked_at = %s
 WHERE id = (SELECT grant_id FROM presented) AND revoked_at IS NULL AND (SELECT COUNT(*) FROM usable) > 0
RETURNING id, EXISTS (SELECT 1 FROM usable WHERE usable.id <> {grant}.id)
"""
_NOTE_USE = "UPDATE {authorization} SET last_used_at = %s WHERE id = %s"
_REVOKE = "INSERT INTO {revoked} (jti, expires) VALUES (%s, %s) ON CONFLICT DO NOTHING"


def find_code(code: str, client_pk: int) -> GrantState | None:
    """Return the state of this client's code, used or not."""
    return _state(fetch(_BY_CODE, [moment(timezone.now()), False, digest(code), client_pk]))


def find_refresh_token(token: str, successor: str, client_pk: int) -> GrantState | None:
    """Return the state of this client's refresh token, replaced or not; `successor` is the one that replaces it."""
    parameters = [moment(timezone.now()), False, digest(successor), digest(token), client_pk]
    return _state(fetch(_BY_REFRESH_TOKEN, parameters))


def _state(row: tuple[Any, ...] | None) -> GrantState | None:
    return row and GrantState(*row[:17], *map(aware, row[17:]))  # type: ignore[return-value]


def use_code(state: GrantState) -> bool:
    """Mark a code as used; return False when another request was first (RFC 6749 §4.1.2)."""
    return execute(_USE_CODE, [moment(timezone.now()), state.grant_pk]) == 1


def replace(state: GrantState) -> bool:
    """Mark a refresh token as replaced; return False when another request was first."""
    return execute(_REPLACE, [moment(timezone.now()), state.token_pk]) == 1


def add_refresh_token(state: GrantState, token: str, client_pk: int) -> None:
    """Store the next refresh token of this chain, as a digest."""
    now = moment(timezone.now())
    execute(_ADD, [digest(token), state.grant_pk, client_pk, state.user_pk, now, now])


def note_use(state: GrantState) -> None:
    """Store when the party last got a token, for the seller's page, at most once a minute."""
    if use_is_due(state.authorization_used_at):
        execute(_NOTE_USE, [moment(timezone.now()), state.authorization_pk])


@dataclass(frozen=True, slots=True)
class EndedChain:
    """A grant that has just ended. `is_last` is whether its authorisation has no other one that gives tokens."""

    grant_pk: int
    is_last: bool


def end_chain_of(token: str, client_pk: int) -> EndedChain | None:
    """End the grant of this client's refresh token; return None if it had ended or there is none."""
    now = moment(timezone.now())
    ended = fetch(_END, [digest(token), client_pk, now, now])
    return EndedChain(ended[0], is_last=not ended[1]) if ended else None


def revoke_access_token(jti: str, expires: dt.datetime) -> None:
    """Store that an access token is revoked. Idempotent."""
    execute(_REVOKE, [jti, moment(expires)])

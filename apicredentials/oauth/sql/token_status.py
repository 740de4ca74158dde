"""The current status of an access token, in one statement."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from apicredentials.oauth.sql.statements import fetch, moment


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """The rights that an access token has now, and its seller."""

    rights: str
    is_closed: bool
    retailer_id: str
    display_name: str
    company_name: str
    vat_number: str
    kvk_number: str
    registration_date: dt.date | str


_SELLER = "s.closed_at, s.retailer_id, s.display_name, s.company_name, s.vat_number, s.kvk_number, s.registration_date"
_NOT_REVOKED = "NOT EXISTS (SELECT 1 FROM {revoked} r WHERE r.jti = %s)"
# A leaked secret may have been used to get tokens. They stay invalid after the client is resumed.
_NOT_LEAKED = "(c.leaked_at IS NULL OR c.leaked_at < %s)"

_CREDENTIAL = f"""
SELECT c.scope, c.scope, {_SELLER}
  FROM {{client}} c
  JOIN {{seller}} s ON s.id = c.seller_id
 WHERE c.client_id = %s AND c.deleted_at IS NULL AND c.paused_at IS NULL AND {_NOT_LEAKED}
   AND {_NOT_REVOKED}
"""  # noqa: S608

_AUTHORIZATION = f"""
SELECT a.scope, c.scope, {_SELLER}
  FROM {{authorization}} a
  JOIN {{client}} c ON c.id = a.third_party_id
  JOIN {{seller}} s ON s.id = a.seller_id
  JOIN {{user}} u ON u.id = a.granted_by_id
  JOIN {{grant}} g ON g.authorization_id = a.id
 WHERE a.uid = %s AND g.uid = %s AND c.client_id = %s AND a.ended_at IS NULL AND a.expires_at > %s
   AND g.revoked_at IS NULL AND c.deleted_at IS NULL AND c.paused_at IS NULL AND u.is_active AND {_NOT_LEAKED}
   AND {_NOT_REVOKED}
"""  # noqa: S608


def token_status(claims: dict[str, Any]) -> TokenStatus | None:
    """Return the status of a token with these verified claims, or None if it is revoked."""
    # `iat` is in whole seconds. A token of the leak's own second stays valid: the new secret may have got it.
    issued_by = moment(dt.datetime.fromtimestamp(claims["iat"] + 1, dt.UTC))
    if "authorization_id" in claims:
        names = [claims["authorization_id"], claims["grant_id"], claims["client_id"]]
        row = fetch(_AUTHORIZATION, [*names, moment(timezone.now()), issued_by, claims["jti"]])
    else:
        row = fetch(_CREDENTIAL, [claims["client_id"], issued_by, claims["jti"]])
    if row is None:
        return None
    given, registered, closed_at, *seller = row
    return TokenStatus(_both(_both(claims["scope"], given), registered), closed_at is not None, *seller)


def _both(stated: str, current: str) -> str:
    """Return the stated rights that are still current, so that narrowing takes effect at once."""
    if stated == current:
        return stated
    kept = set(current.split())
    return " ".join(scope for scope in stated.split() if scope in kept)

"""The client of a token request and the live secret it presented, in one statement."""

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone

from apicredentials.models.clients import OAuthClient
from apicredentials.oauth.sql.statements import aware, fetch, moment


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A client as the token endpoint needs it. `secret_pk` is None when no live secret matched."""

    pk: int
    client_id: str
    grant_type: str
    client_type: str
    scope: str
    refresh_tokens: str
    pkce_required: bool
    retailer_id: str | None
    secret_pk: int | None
    secret_used_at: dt.datetime | None

    @property
    def is_public(self) -> bool:
        """Return whether the client cannot keep a secret (RFC 6749 §2.1)."""
        return self.client_type == OAuthClient.CLIENT_PUBLIC


_MATCH = """
SELECT c.id, c.client_id, c.authorization_grant_type, c.client_type, c.scope, c.refresh_tokens, c.pkce_required,
       s.retailer_id, x.id, x.last_used_at
  FROM {client} c
  LEFT JOIN {seller} s ON s.id = c.seller_id
  LEFT JOIN {secret} x ON x.client_id = c.id AND x.hash IN ({hashes}) AND (x.ends_at IS NULL OR x.ends_at > %s)
 WHERE c.client_id = %s AND c.deleted_at IS NULL AND c.paused_at IS NULL AND s.closed_at IS NULL
"""


def find_client(client_id: str, hashes: list[str]) -> ClientRecord | None:
    """Return the usable client with that id and its live secret among `hashes`.

    None for an unknown, paused or deleted client and for one of a closed seller, always after the same statement.
    """
    row = fetch(_MATCH, [*hashes, moment(timezone.now()), client_id], hashes=len(hashes))
    if row is None:
        return None
    *rest, secret_used_at = row
    return ClientRecord(*rest, aware(secret_used_at))  # type: ignore[call-arg]

"""The client of a token request and the secret it presented, in one statement."""

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone

from apicredentials.models.clients import OAuthClient
from apicredentials.models.usage import ProblemCause
from apicredentials.oauth.sql.statements import aware, fetch, moment


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A client as the token endpoint needs it. `secret_pk` is None when no secret matched."""

    pk: int
    client_id: str
    grant_type: str
    client_type: str
    scope: str
    refresh_tokens: str
    pkce_required: bool
    retailer_id: str | None
    secret_pk: int | None
    is_deleted: bool
    is_paused: bool
    is_closed: bool
    secret_is_live: bool
    secret_used_at: dt.datetime | None

    @property
    def is_public(self) -> bool:
        """Return whether the client cannot keep a secret (RFC 6749 §2.1)."""
        return self.client_type == OAuthClient.CLIENT_PUBLIC

    def refusal(self, sent_secret: bool, for_reading: bool = False) -> ProblemCause | None:
        """Return why this client is not authenticated, or None if it is.

        `for_reading` is for its own data: a suspended third party may read them, but a client without a secret may
        not, because anybody can send its id.
        """
        if self.secret_pk is None and (sent_secret or for_reading or not self.is_public):
            return ProblemCause.WRONG_SECRET
        # A deleted client is shown as history only, so it needs no cause of its own.
        if self.is_deleted or (self.secret_pk is not None and not self.secret_is_live):
            return ProblemCause.ENDED_SECRET
        if self.is_closed:
            return ProblemCause.CLOSED
        may_read = for_reading and self.grant_type == OAuthClient.GrantType.AUTHORIZATION_CODE
        return ProblemCause.PAUSED if self.is_paused and not may_read else None


# The states are selected instead of filtered on, so that the reason of a refusal needs no second query and takes the
# same time as an unknown client. Of two matching secrets (raw and decoded) a live one comes first.
_MATCH = """
SELECT c.id, c.client_id, c.authorization_grant_type, c.client_type, c.scope, c.refresh_tokens, c.pkce_required,
       s.retailer_id, x.id, c.deleted_at IS NOT NULL, c.paused_at IS NOT NULL, s.closed_at IS NOT NULL,
       x.id IS NOT NULL AND (x.ends_at IS NULL OR x.ends_at > %s) AS secret_is_live, x.last_used_at
  FROM {client} c
  LEFT JOIN {seller} s ON s.id = c.seller_id
  LEFT JOIN {secret} x ON x.client_id = c.id AND x.hash IN ({hashes})
 WHERE c.client_id = %s
 ORDER BY secret_is_live DESC
 LIMIT 1
"""


def find_client(client_id: str, hashes: list[str]) -> ClientRecord | None:
    """Return the client with that id, in any state, and its secret among `hashes`."""
    row = fetch(_MATCH, [moment(timezone.now()), *hashes, client_id], hashes=len(hashes))
    if row is None:
        return None
    *rest, secret_used_at = row
    return ClientRecord(*rest, aware(secret_used_at))  # type: ignore[call-arg]

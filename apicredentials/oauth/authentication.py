"""Client authentication at `/token`, `/revoke`, `/introspect` and `/authorizations` (RFC 6749 §2.3.1).

Accepted are Basic, the body, or both with the same values. The two halves of Basic are compared as they are first,
and form-decoded only if that does not match.
"""

import base64
import re
from urllib.parse import unquote_plus

from oauthlib.oauth2.rfc6749 import errors

from apicredentials.keys import secret_format
from apicredentials.keys.hash_keys import digest
from apicredentials.models.client_secrets import hashes_of, note_use, use_is_due
from apicredentials.models.usage import ProblemCause
from apicredentials.oauth.outcomes import count_failed
from apicredentials.oauth.sql.find_client import ClientRecord, find_client
from apicredentials.oauth.throttle import count_failure
from apicredentials.oauth.token_requests import MachineRequest

# A lower-case UUID. Ids of authorisations have the same form.
CLIENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def authenticate(request: MachineRequest, *, for_reading: bool = False) -> ClientRecord:
    """Return the authenticated client and store the use of its secret. `for_reading` is that of ClientRecord.refusal.

    Raises InvalidClientError, the same for an unknown client, a wrong secret and a paused or deleted client, and
    InvalidRequestError when header and body contradict each other.
    """
    client_id, secrets = _credentials(request)
    if not CLIENT_ID.fullmatch(client_id):
        # Look up an id that does not exist, so that the answer takes the same time.
        client_id = UNKNOWN
    request.log_fields["client_id"] = client_id
    well_formed = [secret for secret in secrets if secret_format.is_well_formed(secret)]
    hashes = [stored for secret in well_formed or [""] for stored in hashes_of(digest(secret))]
    # A cut-off or mistyped secret belongs to nobody. It needs no query, whichever client it was sent for.
    client = find_client(client_id, hashes) if well_formed or not secrets else None
    cause = client.refusal(bool(secrets), for_reading) if client else ProblemCause.WRONG_SECRET
    if client is None or cause:
        # An unknown client is counted too, so that it takes the same time; it is left out when the counts are written.
        count_failed(request, client_id, client_id, cause)
        raise errors.InvalidClientError("Client authentication failed.")
    if client.secret_pk is not None and use_is_due(client.secret_used_at):
        note_use(client.secret_pk, address=request.address, agent=request.agent)
    return client


def _credentials(request: MachineRequest) -> tuple[str, list[str]]:
    """Return the client id and the secrets to try: none, one, or one raw and one decoded."""
    try:
        basic = _basic(request.authorization)
    except ValueError as error:
        count_failure(request.address, UNKNOWN)
        raise errors.InvalidClientError("The Authorization header is not valid Basic authentication.") from error
    in_body = (request.get("client_id"), request.get("client_secret"))
    if basic is None:
        return in_body[0] or "", [in_body[1]] if in_body[1] else []
    spellings = list(dict.fromkeys([basic, (unquote_plus(basic[0]), unquote_plus(basic[1]))]))
    if not any(_agree(in_body, spelling) for spelling in spellings):
        raise errors.InvalidRequestError("The client credentials in the header and in the body differ.")
    client_id = next((client_id for client_id, _ in spellings if CLIENT_ID.fullmatch(client_id)), "")
    return client_id, [secret for _, secret in spellings if secret]


def _agree(in_body: tuple[str | None, str | None], basic: tuple[str, str]) -> bool:
    return all(ours is None or ours == theirs for ours, theirs in zip(in_body, basic, strict=True))


def _basic(header: str) -> tuple[str, str] | None:
    """Return id and secret of a Basic header, or None for no header; raise ValueError if it is malformed.

    Another scheme is no client authentication either: HTTP clients send left-over headers such as an old token.
    """
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    client_id, colon, secret = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
    if not colon:
        raise ValueError
    return client_id, secret

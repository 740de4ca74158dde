"""Client authentication at `/token`, `/revoke` and `/introspect` (RFC 6749 §2.3.1).

Strict where it protects, lenient where real clients are not to blame: Basic, body, or both when they say the
same; the two halves of Basic as they are first, and form-decoded only when that does not match.
"""

import base64
import re
from urllib.parse import unquote_plus

from oauthlib.oauth2.rfc6749 import errors

from apicredentials.keys import secret_format
from apicredentials.models.client_secrets import fingerprint, hashes_of, note_use
from apicredentials.oauth.refusals import note_refusal
from apicredentials.oauth.sql.find_client import ClientRecord, find_client
from apicredentials.oauth.throttle import count_failure, refuse_repeated
from apicredentials.oauth.token_requests import MachineRequest

CLIENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def authenticate(request: MachineRequest) -> ClientRecord:
    """Return the client that a request proves to come from, and note the use of its secret.

    Raises InvalidClientError, the same for an unknown client, a wrong secret, a paused or deleted client, and
    InvalidRequestError when two ways of authentication contradict each other.
    """
    client_id, secrets = _credentials(request)
    if not CLIENT_ID.fullmatch(client_id):
        # Looked up as one that nobody has: the same work, the same time.
        client_id = UNKNOWN
    well_formed = [secret for secret in secrets if secret_format.is_well_formed(secret)]
    hashes = [stored for secret in well_formed or [""] for stored in hashes_of(fingerprint(secret))]
    attempt = " ".join((request.address, client_id, *hashes))
    if well_formed:
        refuse_repeated(attempt)
    # A secret that is cut off or mistyped is nobody's: that takes no query, and says nothing of the client.
    client = find_client(client_id, hashes) if well_formed or not secrets else None
    if client is None or (client.secret_pk is None and (secrets or not client.is_public)):
        if count_failure(request.address, client_id, attempt) == 1:
            note_refusal(client_id, hashes, address=request.address)
        raise errors.InvalidClientError("Client authentication failed.")
    if client.secret_pk is not None and client.use_is_due:
        note_use(client.secret_pk, address=request.address, agent=request.agent)
    return client


def _credentials(request: MachineRequest) -> tuple[str, list[str]]:
    """Return the client id, and the secrets it may mean: none, one, or one raw and one decoded."""
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
    """Return id and secret of a Basic header, None when there is none; raise ValueError on a bad one."""
    if not header:
        return None
    scheme, _, value = header.partition(" ")
    client_id, colon, secret = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
    if scheme.lower() != "basic" or not colon:
        raise ValueError
    return client_id, secret

"""`GET /authorizations`: a third party's own consents, with their states."""

import datetime as dt
from typing import Any

from django.conf import settings
from oauthlib.oauth2.rfc6749 import errors

from apicredentials import scopes
from apicredentials.models import OAuthClient, ThirdPartyAuthorization
from apicredentials.oauth.authentication import CLIENT_ID, authenticate
from apicredentials.oauth.endpoints import for_clients
from apicredentials.oauth.token_requests import MachineRequest

PAGE_SIZE = 100


@for_clients("GET", "HEAD")
def authorizations(request: MachineRequest) -> dict[str, Any]:
    """List the consents of sellers to the authenticated third party, past ones too, in pages.

    The cursor is the id of the last one of a page. Ids do not change, so pages neither repeat nor skip a row.
    """
    client = authenticate(request, for_reading=True)
    if client.grant_type != OAuthClient.GrantType.AUTHORIZATION_CODE:
        raise errors.UnauthorizedClientError("Only third parties have authorizations.", status_code=403)
    rows = ThirdPartyAuthorization.objects.filter(third_party=client.pk).with_parties().order_by("uid")
    cursor = request.get("cursor")
    if cursor is not None:
        if not CLIENT_ID.fullmatch(cursor):
            raise errors.InvalidRequestError("The cursor is not one of ours.")
        rows = rows.filter(uid__gt=cursor)
    found = list(rows[: PAGE_SIZE + 1])
    page = found[:PAGE_SIZE]
    following = f"{settings.ISSUER_URL}/authorizations?cursor={page[-1].uid}" if len(found) > PAGE_SIZE else None
    return {"authorizations": [describe(authorization) for authorization in page], "next": following}


def describe(authorization: ThirdPartyAuthorization) -> dict[str, str]:
    """Return what its party may know of an authorisation. `scope` is what is left of the rights now."""
    return {
        "authorization_id": authorization.uid,
        "retailer_id": authorization.seller.retailer_id,
        "display_name": authorization.seller.display_name,
        "scope": scopes.join(authorization.rights),
        "state": authorization.state.value,
        "granted_at": rfc3339(authorization.granted_at),
        "expires_at": rfc3339(authorization.expires_at),
    }


def rfc3339(moment: dt.datetime) -> str:
    """Return a moment in UTC, in whole seconds."""
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")

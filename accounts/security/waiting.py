"""The request that waits behind signing in: a third party's authorization request, or another page."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.http import HttpRequest
from django.urls import reverse

from accounts.access import is_local
from accounts.required_factor import remembered
from apicredentials.models import ThirdParty
from apicredentials.oauth.authentication import CLIENT_ID


def waiting_party(address: str) -> ThirdParty | None:
    """Return the party whose authorization request is at this address."""
    try:
        parts = urlsplit(address)
        client_id = parse_qs(parts.query).get("client_id", [""])[0]
    except ValueError:  # "http://[": not an address at all
        return None
    if parts.path != reverse("authorize") or not CLIENT_ID.fullmatch(client_id):
        return None
    return ThirdParty.objects.get_queryset().present().filter(client_id=client_id).first()


def waiting_context(request: HttpRequest, address: str | None = None) -> dict[str, Any]:
    """Return the template context for a page before `address` (default: the one in the session).

    An invitation leads on to the request in the session.
    """
    following = remembered(request) if address is None else address
    following = following if is_local(following, request) else ""
    is_invitation = following.partition("?")[0] == reverse("invitation")
    party = waiting_party(remembered(request, "authorize") if is_invitation else following)
    return {"following": following, "third_party": party, "is_invitation": is_invitation}

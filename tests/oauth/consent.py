"""Assertions on authorization requests: an error shown or sent back, a consent stored or not."""

from typing import TYPE_CHECKING

from django.test import Client

from apicredentials.models import Activity, Grant, ThirdPartyAuthorization
from tests.oauth.flow import ISSUER, STATE, sent_back
from tests.people import says
from tests.rights import posted

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response


def nothing_was_recorded() -> bool:
    consents = Activity.objects.filter(kind=Activity.Kind.PARTY_AUTHORIZED)
    return not any(rows.exists() for rows in (ThirdPartyAuthorization.objects, Grant.objects, consents))


def assert_shown(answer: "Response", status: int = 400) -> None:
    """Assert that the error is on a page of the portal, which redirects nowhere (RFC 6749 §4.1.2.1)."""
    assert answer.status_code == status
    assert "Location" not in answer
    assert "Verbinden lukt niet" in says(answer)
    assert "http-equiv" not in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"


def assert_sent_back(answer: "Response", error: str) -> None:
    """Assert a redirect to the party with error, state and issuer (RFC 6749 §4.1.2.1, RFC 9207 §2)."""
    received = sent_back(answer)
    received.pop("error_description", None)
    assert received == {"error": error, "state": STATE, "iss": ISSUER}
    assert answer["Cache-Control"] == "no-store"


def post(http: Client, address: str, shown: str) -> "Response":
    return http.post(address, {"shown": shown, "allow": "yes", **posted(["orders:read"])})

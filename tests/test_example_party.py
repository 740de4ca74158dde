"""The example third party: responses that it must refuse, and escaping of text from others."""

import pytest

from portal.example_party import pages
from portal.example_party.portal_client import PortalClient, Refused

PORTAL = PortalClient(
    name="Portaal <&>",
    issuer="http://localhost:8000",
    client_id="id",
    client_secret="geheim",
    redirect_uri="http://127.0.0.1:8001/terug",
)
GOOD = {"code": "code", "state": "toestand", "iss": PORTAL.issuer}


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({}, "hoort niet bij een aanvraag"),
        (GOOD | {"state": "andere"}, "hoort niet bij een aanvraag"),
        (GOOD | {"iss": "https://elders.example"}, "komt niet van het portaal"),
        ({"code": "code", "state": "toestand"}, "komt niet van het portaal"),
        ({"error": "access_denied", "state": "toestand"}, "komt niet van het portaal"),
        ({"error": "access_denied", "state": "toestand", "iss": PORTAL.issuer}, "geen toestemming gegeven"),
        ({"error": "invalid_scope", "state": "toestand", "iss": PORTAL.issuer}, "invalid_scope"),
        ({"state": "toestand", "iss": PORTAL.issuer}, "geen code"),
    ],
)
def test_invalid_or_refused_response_raises(answer: dict[str, str], complaint: str) -> None:
    with pytest.raises(Refused, match=complaint):
        PORTAL.finish(answer, state="toestand", verifier="verifier")


def test_response_without_a_request_is_refused() -> None:
    with pytest.raises(Refused, match="hoort niet bij een aanvraag"):
        PORTAL.finish(GOOD | {"state": ""}, state="", verifier="")


def test_text_from_others_is_escaped() -> None:
    page = pages.home(PORTAL, {"scope": "<i>"}, "<b>", "<u>").decode()
    assert not [sent for sent in ("<i>", "<b>", "<u>", "<&>") if sent in page]
    assert "Portaal &lt;&amp;&gt;" in page

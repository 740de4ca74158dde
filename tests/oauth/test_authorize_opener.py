"""Cross-Origin-Opener-Policy: lifted on every response between `/authorize` and the callback, kept elsewhere."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.models import Seller
from tests.factories import PASSWORD
from tests.oauth.flow import Software, decide, request_address
from tests.people import PROVE, SIGN_IN

COOP = "Cross-Origin-Opener-Policy"
SWITCH = "/instellingen/verkoper/"


def test_sign_in_keeps_the_opener(seller: Seller, party: Software) -> None:
    """Including redirects, because a single response with same-origin cuts off the opener."""
    http, address = Client(), request_address(party)
    first = http.get(address)
    wrong = http.post(SIGN_IN, {"login": "x@x.example", "password": "x", "next": address})
    right = http.post(SIGN_IN, {"login": seller.members.get().email, "password": PASSWORD, "next": address})
    for answer in (first, http.get(first["Location"]), wrong, right):
        assert answer[COOP] == "unsafe-none"
    assert right.status_code == 302


def test_proof_of_identity_keeps_the_opener(owner: Client, party: Software) -> None:
    asked = owner.get(request_address(party, prompt="login"))
    proven = owner.post(PROVE, {"password": PASSWORD, "next": request_address(party)})
    for answer in (asked, owner.get(asked["Location"]), proven):
        assert answer[COOP] == "unsafe-none"


def test_consent_and_choice_of_account_keep_the_opener(owner: Client, party: Software) -> None:
    address = request_address(party)
    for answer in (owner.get(address), decide(owner, address), decide(owner, address, scopes=[])):
        assert answer[COOP] == "unsafe-none"
    assert owner.get(f"{SWITCH}?{urlencode({'next': address})}")[COOP] == "unsafe-none"


def test_errors_keep_the_opener(party: Software) -> None:
    for address in ("/authorize", request_address(party, client_id="x"), request_address(party, scope="x")):
        assert Client().get(address)[COOP] == "unsafe-none"
    assert Client(enforce_csrf_checks=True).post(request_address(party)).status_code == 403
    assert Client(enforce_csrf_checks=True).post(request_address(party))[COOP] == "unsafe-none"


@pytest.mark.parametrize(
    "address", [SIGN_IN, f"{SIGN_IN}?next=/instellingen/api/", f"{SIGN_IN}?next=/authorizeX", "/x"]
)
def test_other_pages_are_cut_off_from_their_opener(db: None, address: str) -> None:
    assert Client().get(address)[COOP] == "same-origin"


def test_settings_page_is_cut_off_from_its_opener(owner: Client) -> None:
    assert owner.get("/instellingen/api/")[COOP] == "same-origin"


@pytest.mark.parametrize("page", ["/instellingen/api/", "/instellingen/beveiliging/", "/wachtwoord/wijzigen/", "/x"])
def test_next_does_not_keep_the_opener_of_a_page_that_does_not_follow_it(owner: Client, page: str) -> None:
    for answer in (owner.get(page, {"next": "/authorize"}), owner.post(page, {"next": "/authorize"})):
        assert answer[COOP] == "same-origin"

"""A third party asks for access (steps 4 to 7), with only HTTP requests and operators' commands."""

import base64
import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.clients.visitor import REDIRECT_URI, Visitor, new_credential, new_party, new_visitor
from tests.served import Served

SETTINGS = "/instellingen/api/"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MONTHS = ["januari", "februari", "maart", "april", "mei", "juni", "juli"]
MONTHS += ["augustus", "september", "oktober", "november", "december"]


@dataclass
class Party:
    """The site of a third party that uses the API on a seller's behalf."""

    portal: Served
    client_id: str
    client_secret: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The address of the link "Koppelen met Verkopersportaal" (RFC 6749 §4.1.1, RFC 7636 §4.3)."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": "offline_access",
            "state": self.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.portal}/authorize?{urlencode(query)}"

    def receive(self, address: str) -> dict[str, str]:
        """Check the redirect back and return its parameters (RFC 6749 §4.1.2, RFC 9207 §2.4)."""
        path, _, query = address.partition("?")
        received = dict(parse_qsl(query, strict_parsing=True))
        assert path == REDIRECT_URI
        assert received.pop("state") == self.state
        assert received.pop("iss") == str(self.portal)
        return received

    def fetch(self, **form: str) -> httpx.Response:
        """Request tokens and keep them."""
        answer = httpx.post(f"{self.portal}/token", data=form, auth=(self.client_id, self.client_secret))
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer

    def exchange(self, code: str) -> httpx.Response:
        """Exchange a code for tokens."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        return self.fetch(**form, code_verifier=self.verifier)

    def refresh(self) -> httpx.Response:
        """Exchange the refresh token for new tokens."""
        return self.fetch(grant_type="refresh_token", refresh_token=self.tokens["refresh_token"])

    def call(self, path: str = "/retailer/retailers/current") -> httpx.Response:
        """Call the API."""
        return httpx.get(f"{self.portal}{path}", headers={"Authorization": f"Bearer {self.tokens['access_token']}"})


def own_token(portal: Served, credential: tuple[str, str]) -> httpx.Response:
    """`curl -u ID:SECRET -d grant_type=client_credentials …/token`."""
    return httpx.post(f"{portal}/token", data={"grant_type": "client_credentials"}, auth=credential)


@pytest.fixture(scope="module")
def seller(served: Served) -> Iterator[Visitor]:
    visitor = new_visitor(served, "Appels & Peren")
    with visitor.http:
        yield visitor


@pytest.fixture(scope="module")
def credential(served: Served, seller: Visitor) -> tuple[str, str]:
    return new_credential(served, seller)


@pytest.fixture(scope="module")
def party(served: Served) -> Party:
    return Party(served, *new_party(served))


# The tests are steps of one journey: they run in this order, and each continues where the previous one ended.


def test_4_sellers_own_software_gets_a_token_and_uses_it(
    served: Served, seller: Visitor, credential: tuple[str, str]
) -> None:
    answer = own_token(served, credential)
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    token = body.pop("access_token")
    assert body == {"token_type": "Bearer", "expires_in": 299, "scope": "RETAILER"}
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{served}/retailer/retailers/current", headers=headers).json()["retailerId"] == seller.retailer_id
    assert httpx.get(f"{served}/verify", headers=headers).headers["X-Client-Id"] == credential[0]
    (kid,) = [key["kid"] for key in httpx.get(f"{served}/.well-known/jwks.json").json()["keys"]]
    assert json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "==")) == {
        "alg": "ES256",
        "kid": kid,
        "typ": "at+jwt",
    }


def test_6_seller_signs_in_and_sees_the_request(seller: Visitor, party: Party) -> None:
    seller.open(party.address)
    assert "Doorgaan naar Partij" in seller.page.words
    assert seller.sign_in() == party.address
    now = dt.datetime.now(AMSTERDAM)
    day = now.day if (now.month, now.day) != (2, 29) else 28
    for expected in (
        "Partij",
        "partij.example",
        "Appels & Peren",
        seller.retailer_id,
        seller.email,
        f"{day} {MONTHS[now.month - 1]} {now.year + 1}",
    ):
        assert expected in seller.page.words


def test_6_weigeren_records_nothing_and_redirects_back(seller: Visitor, party: Party) -> None:
    assert party.receive(seller.press("Weigeren")) == {"error": "access_denied"}
    seller.open(f"{party.portal}{SETTINGS}")
    assert not seller.page.buttons("Verwijderen", of="Partij")


def test_6_toestaan_redirects_back_with_a_code_for_tokens(seller: Visitor, party: Party) -> None:
    received = party.receive(seller.decide(party.address, "Toestaan"))
    answer = party.exchange(received["code"])
    assert answer.status_code == 200, answer.text
    assert party.tokens["scope"] == "offline_access"
    assert party.call().json()["retailerId"] == seller.retailer_id
    assert party.call("/verify?scope=orders:manage").status_code == 204


def test_6_refreshing_does_not_move_the_end_date(party: Party) -> None:
    before = dict(party.tokens)
    assert party.refresh().status_code == 200
    assert party.tokens["refresh_token"] != before["refresh_token"]
    assert party.tokens["authorization_expires_at"] == before["authorization_expires_at"]
    assert party.call().status_code == 200


def test_7_seller_sees_the_party_and_its_end_date(seller: Visitor, party: Party) -> None:
    seller.open(f"{party.portal}{SETTINGS}")
    ends_at = dt.datetime.fromisoformat(party.tokens["authorization_expires_at"]).astimezone(AMSTERDAM)
    assert "Geautoriseerde partijen voor de Retailer API" in seller.page.headings
    assert f"{ends_at.day} {MONTHS[ends_at.month - 1]} {ends_at.year}" in seller.page.words


def test_7_another_seller_cannot_see_or_remove_the_party(served: Served, seller: Visitor, party: Party) -> None:
    """Step 8: 404 at the address of the first seller's authorisation."""
    form = next(form for form, _ in seller.page.buttons("Verwijderen") if "/partijen/" in form["action"])
    other = new_visitor(served, "Noten")
    with other.http:
        other.open(f"{served}/inloggen/")
        other.sign_in()
        assert "Partij" not in other.page.part("main").words
        for method in ("GET", "POST"):
            assert other.http.request(method, f"{served}{form['action']}").status_code in {403, 404}
    assert party.call().status_code == 200


def test_7_verwijderen_ends_access_and_refreshing_at_once(
    served: Served, seller: Visitor, party: Party, credential: tuple[str, str]
) -> None:
    form = next(form for form, _ in seller.page.buttons("Verwijderen") if "/partijen/" in form["action"])
    seller.open(f"{served}{form['action']}")
    seller.press("Verwijderen")
    assert party.call().status_code == 401
    assert party.call("/verify").status_code == 401
    answer = party.refresh()
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert own_token(served, credential).status_code == 200


def test_5_deleting_the_sellers_own_credential_ends_it_at_once(
    served: Served, seller: Visitor, credential: tuple[str, str]
) -> None:
    token = own_token(served, credential).json()["access_token"]
    seller.open(f"{served}{SETTINGS}credentials/{credential[0]}/verwijderen/")
    seller.press("Verwijderen")
    answer = own_token(served, credential)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert httpx.get(f"{served}/verify", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_log_contains_no_secret_after_these_steps(served: Served, party: Party, credential: tuple[str, str]) -> None:
    for secret in (party.client_secret, credential[1], *map(str, party.tokens.values())):
        assert len(secret) < 20 or secret not in served.log
    assert party.state not in served.log

"""A seller's first day, with only a browser, `curl` and an operator's command (steps 2 to 5 and 8)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.journeys.pages import Page
from tests.served import Served

PASSWORD = "een-wachtwoord-voor-tests"
CLIENT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECRET = re.compile(r"rts_[A-Za-z0-9]{82}")


@dataclass
class Person:
    """A user with a browser without JavaScript."""

    portal: Served
    email: str
    retailer_id: str
    browser: httpx.Client = field(default_factory=lambda: httpx.Client(follow_redirects=True))
    status: int = 0
    html: str = ""
    page: Page = field(default_factory=lambda: Page(""))

    def open(self, path: str) -> Page:
        """Open an address."""
        return self.see(self.browser.get(f"{self.portal}{path}"))

    def press(self, button: str, *, of: str = "", **filled: str) -> Page:
        """Fill in the form with that button, by its labels, and press it."""
        form = self.page.part("main").form(button, of=of)
        if form.method == "get":
            return self.see(self.browser.get(form.address, params=form.fill(**filled)))
        return self.see(self.browser.post(form.address, data=form.fill(**filled)))

    def follow(self, link: str) -> Page:
        """Click a link."""
        return self.see(self.browser.get(self.page.part("main").link(link)))

    def see(self, answer: httpx.Response) -> Page:
        """Parse a response as the current page."""
        self.status, self.html = answer.status_code, answer.text
        self.page = Page(answer.text, str(answer.url))
        return self.page

    def sign_in(self) -> Page:
        """Sign in from the root address."""
        self.open("/")
        return self.press("Inloggen", **{"E-mailadres": self.email, "Wachtwoord": PASSWORD})

    def save_contact(self) -> Page:
        """Fill in the technical contact."""
        return self.press("Opslaan", **{"Naam": "Kim Techniek", "E-mailadres": "kim@winkel.example"})

    def create_credential(self, name: str) -> str:
        """Create a credential and return its id."""
        before = set(CLIENT_ID.findall(self.html))
        self.press("Aanmaken")
        self.press("Aanmaken", Naam=name)
        (client_id,) = set(CLIENT_ID.findall(self.page.words)) - before
        return str(client_id)

    def show_secret(self, name: str) -> str:
        """Reveal the secret and return it."""
        self.press("Toon secret", of=name)
        (secret,) = set(SECRET.findall(self.html))
        return str(secret)


def new_seller(portal: Served, name: str) -> Person:
    """Create a seller with the operator's command, and return its owner with a browser."""
    email = f"{uuid4().hex}@winkel.example"
    made = portal.manage_json("create_seller", "--name", name, "--email", email, "--password-stdin", stdin=PASSWORD)
    return Person(portal, email, made["retailer_id"])


@pytest.fixture
def newcomer(served: Served) -> Iterator[Person]:
    """The owner of a seller that was just created."""
    person = new_seller(served, "Appels & Peren")
    with person.browser:
        yield person


@pytest.fixture
def first(newcomer: Person) -> Person:
    """The same owner, signed in and with the contact saved, which completes step 2."""
    newcomer.sign_in()
    newcomer.save_contact()
    return newcomer


@pytest.fixture
def second(served: Served) -> Iterator[Person]:
    """The owner of another seller, after the same steps."""
    person = new_seller(served, "Noten")
    with person.browser:
        person.sign_in()
        person.save_contact()
        yield person


@dataclass
class Software:
    """The seller's own program: `curl` with an id and a secret."""

    portal: Served
    client_id: str
    secret: str

    def get_token(self) -> httpx.Response:
        """`curl -u ID:SECRET -d grant_type=client_credentials …/token`."""
        data = {"grant_type": "client_credentials"}
        return httpx.post(f"{self.portal}/token", data=data, auth=(self.client_id, self.secret))

    def call(self, path: str, token: str) -> httpx.Response:
        """`curl -H "Authorization: Bearer …" …`."""
        return httpx.get(f"{self.portal}{path}", headers={"Authorization": f"Bearer {token}"})


def headings(person: Person) -> list[str]:
    return person.page.part("main").headings


def give_software(person: Person, name: str) -> Software:
    """Create a credential, reveal its secret, and configure software with both."""
    client_id = person.create_credential(name)
    return Software(person.portal, client_id, person.show_secret(name))


def test_2_sign_in_find_the_page_and_save_a_contact(newcomer: Person) -> None:
    newcomer.sign_in()
    assert f"Appels & Peren Verkoper {newcomer.retailer_id}" in newcomer.page.part("header").words
    newcomer.open("/instellingen/")
    assert "Diensten" in headings(newcomer)
    main = newcomer.page.part("main")
    (link,) = [link for link in main.root.all("a") if link.words.startswith("API Instellingen")]
    newcomer.open(link["href"])
    assert headings(newcomer)[:3] == ["API Instellingen", "Technisch contact", "Zo gaat het verder"]
    assert "Client credentials voor de Retailer API" not in headings(newcomer)
    newcomer.save_contact()
    sections = [each.words for each in newcomer.page.part("main").root.all("h2")]
    assert sections == [
        "Technisch contact",
        "Client credentials voor de Retailer API",
        "Geautoriseerde partijen voor de Retailer API",
    ]


def test_3_create_a_credential_and_see_its_secret_once(first: Person) -> None:
    software = give_software(first, "Magazijn")
    address = f"{first.portal}/instellingen/api/credentials/{software.client_id}/secret/"
    assert first.browser.post(address).status_code == 403  # refused without the form's CSRF token
    first.open("/instellingen/api/")
    assert software.client_id in first.html
    assert software.secret not in first.html
    assert f"…{software.secret[-4:]}" in first.page.words
    assert not first.page.buttons("Toon secret")


def test_3_a_second_tab_gets_no_secret(first: Person) -> None:
    first.create_credential("Magazijn")
    tabs = [Person(first.portal, first.email, first.retailer_id, first.browser) for _ in range(2)]
    for tab in tabs:
        tab.open("/instellingen/api/")
    assert SECRET.fullmatch(tabs[0].show_secret("Magazijn"))
    tabs[1].press("Toon secret", of="Magazijn")
    assert tabs[1].status == 409
    assert not SECRET.search(tabs[1].html)


def test_4_credential_gives_access_to_the_api(first: Person) -> None:
    software = give_software(first, "Magazijn")
    answer = software.get_token().json()
    token = answer.pop("access_token")
    assert answer == {"token_type": "Bearer", "expires_in": 299, "scope": "RETAILER"}
    seller = software.call("/retailer/retailers/current", token)
    assert seller.status_code == 200
    assert (seller.json()["retailerId"], seller.json()["displayName"]) == (first.retailer_id, "Appels & Peren")
    verified = software.call("/verify?scope=orders:manage", token)
    assert verified.status_code == 204
    assert verified.headers["X-Retailer-Id"] == first.retailer_id
    assert verified.headers["X-Client-Id"] == software.client_id


def test_4_token_verifies_offline(first: Person) -> None:
    software = give_software(first, "Magazijn")
    metadata = httpx.get(f"{first.portal}/.well-known/oauth-authorization-server").json()
    keys = KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())
    token = jwt.decode(software.get_token().json()["access_token"], keys, algorithms=["ES256"])
    claims: dict[str, Any] = token.claims
    assert token.header["typ"] == "at+jwt"
    assert (claims["iss"], claims["client_id"]) == (first.portal.url, software.client_id)
    assert claims["retailer_id"] == first.retailer_id
    assert claims["exp"] - claims["iat"] == 299
    resource = httpx.get(f"{first.portal}/.well-known/oauth-protected-resource").json()["resource"]
    assert claims["aud"] == resource


def test_5_deleting_a_credential_ends_its_secret_and_every_token(first: Person, second: Person) -> None:
    software, other = give_software(first, "Magazijn"), give_software(second, "Magazijn")
    token, others_token = (each.get_token().json()["access_token"] for each in (software, other))
    first.open("/instellingen/api/")
    first.press("Verwijderen", of="Magazijn")
    assert software.call("/verify", token).status_code == 204  # still valid: the page asks for confirmation first
    first.press("Verwijderen")
    assert not first.page.buttons("Verwijderen", of="Magazijn")
    assert software.get_token().status_code == 401
    assert software.get_token().json()["error"] == "invalid_client"
    assert software.call("/retailer/retailers/current", token).status_code == 401
    assert software.call("/verify", token).status_code == 401
    assert other.call("/verify", others_token).status_code == 204
    assert other.get_token().status_code == 200


def test_8_second_seller_cannot_access_anything_of_the_first(first: Person, second: Person) -> None:
    client_id = first.create_credential("Magazijn")
    second.open("/instellingen/api/")
    assert client_id not in second.html
    assert "Appels" not in second.html
    assert first.retailer_id not in second.html
    second.open("/instellingen/api/contact/")
    token = second.page.part("main").form("Opslaan").fill()["csrfmiddlewaretoken"][0]
    pages = set(re.findall(rf'"(/[^"]*{client_id}[^"]*)"', first.html))
    assert len(pages) >= 2
    for path in pages:
        unknown = path.replace(client_id, str(uuid4()))
        for method in ("GET", "HEAD", "POST"):
            answers = [
                second.browser.request(method, f"{second.portal}{each}", data={"csrfmiddlewaretoken": token})
                for each in (path, unknown)
            ]
            # The page itself takes no POST, of anybody.
            assert [answer.status_code for answer in answers] in ([404, 404], [405, 405])
            assert Page(answers[0].text).words == Page(answers[1].text).words
    switch = {"csrfmiddlewaretoken": token, "seller": first.retailer_id}
    assert second.browser.post(f"{second.portal}/instellingen/verkoper/", data=switch).status_code == 404
    first.open("/instellingen/api/")
    assert SECRET.fullmatch(first.show_secret("Magazijn"))

"""A seller with a browser without JavaScript, who is redirected between a third party and the portal."""

from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from tests.journeys.pages import Page
from tests.served import Served

PASSWORD = "een-wachtwoord-voor-tests"
REDIRECT_URI = "https://partij.example/terug"


@dataclass
class Visitor:
    """A user of one seller, with a browser."""

    portal: Served
    email: str
    retailer_id: str
    http: httpx.Client = field(default_factory=httpx.Client)
    page: Page = field(default_factory=lambda: Page(""))

    def open(self, address: str) -> str:
        """Open an address, follow all redirects within the portal, and return the last address, there or elsewhere."""
        return self.see(self.http.get(address))

    def press(self, button: str, *, of: str = "", **filled: str) -> str:
        """Fill in the form with that button, by its labels, press it, and return the address that follows."""
        form = self.page.part("main").form(button, of=of)
        return self.see(self.http.request(form.method, form.address, data=form.fill(**filled)))

    def see(self, answer: httpx.Response) -> str:
        """Handle a response. An address of another site is not requested, because no server exists there."""
        while answer.next_request is not None:
            if not str(answer.next_request.url).startswith(str(self.portal)):
                return answer.headers["Location"]
            answer = self.http.send(answer.next_request)
        assert answer.status_code < 500, answer.text
        self.page = Page(answer.text, str(answer.url))
        return str(answer.url)

    def sign_in(self) -> str:
        """Fill in the current sign-in page."""
        return self.press("Inloggen", **{"E-mailadres": self.email, "Wachtwoord": PASSWORD})

    def decide(self, address: str, button: str) -> str:
        """Open an authorization request, sign in if asked, press that button, and return the address that follows."""
        self.open(address)
        if self.page.buttons("Inloggen"):
            self.sign_in()
        return self.press(button)


def new_visitor(portal: Served, name: str = "Appels & Peren") -> Visitor:
    """Create a seller with the operator's command, and return its owner with a browser."""
    email = f"{uuid4().hex}@winkel.example"
    made = portal.manage_json(
        *("create_seller", "--name", name, "--email", email, "--password-stdin"),
        *("--contact-name", "Kim Techniek", "--contact-email", email),
        stdin=PASSWORD,
    )
    return Visitor(portal, email, made["retailer_id"])


def new_credential(portal: Served, seller: Visitor) -> tuple[str, str]:
    """Create client credentials with the operator's command; return id and secret."""
    made = portal.manage_json("create_credential", "--seller", seller.retailer_id, "--name", uuid4().hex)
    return made["client_id"], made["client_secret"]


def new_party(portal: Served, *options: str, name: str = "") -> tuple[str, str]:
    """Register a third party with the operator's command; return id and secret ('' for a public one)."""
    name = name or f"Partij {uuid4().hex[:8]}"
    made = portal.manage_json("register_third_party", "--name", name, "--redirect-uri", REDIRECT_URI, *options)
    return made["client_id"], made["client_secret"] or ""

"""Both sides of the protocol in tests: software with a secret, and a seller with a browser."""

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from django.test import Client

from accounts.models import Actor
from apicredentials.keys.key_entries import b64url, b64url_decode
from apicredentials.models import OAuthClient
from tests.factories import REDIRECT_URI
from tests.rights import posted

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}
BODY = urlencode(GRANT)
ISSUER = "http://testserver"
STATE = "een-toestand"
VERIFIER = "een-verifier-van-ten-minste-43-tekens~en.zo_voort"


def s256(verifier: str) -> str:
    """Return the code challenge of a verifier (RFC 7636 §4.2)."""
    return b64url(hashlib.sha256(verifier.encode()).digest())


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


# ---- Software ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Software:
    """A registered client with its secret."""

    client_id: str
    secret: str

    @property
    def authorization(self) -> str:
        return basic(self.client_id, self.secret)

    def post(self, path: str, **form: str) -> "Response":
        """Post a form with HTTP Basic, or with `client_id` in the form if there is no secret."""
        if not self.secret:
            return post(path, client_id=self.client_id, **form)
        return post(path, authorization=self.authorization, **form)

    def token(self, **form: str) -> "Response":
        return self.post("/token", **form)

    def exchange(self, code: str, **changes: str | None) -> "Response":
        """Exchange a code that was requested with `request_address`."""
        form: dict[str, str | None] = {"code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        return self.token(grant_type="authorization_code", **given(form | changes))

    def refresh(self, refresh_token: str, **form: str) -> "Response":
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **form)

    def access_token(self, **form: str) -> str:
        """Return an access token of the client credentials grant (RFC 6749 §4.4)."""
        return str(self.token(grant_type="client_credentials", **form).json()["access_token"])


def software(client: OAuthClient) -> Software:
    """Reveal the secret of a client and return both; a public client gets none."""
    return Software(client.client_id, "" if client.is_public else client.reveal(by=Actor()))


def post(path: str, *, authorization: str = "", **form: str) -> "Response":
    """Post a well-formed form."""
    return Client().post(path, urlencode(form), content_type=FORM, headers=header(authorization))


def send(path: str, body: str | bytes = b"", *, content_type: str = FORM, authorization: str = "") -> "Response":
    """Post arbitrary bytes, which no HTTP library would encode like this."""
    return Client().generic("POST", path, body, content_type, headers=header(authorization))


def header(authorization: str) -> dict[str, str]:
    return {"Authorization": authorization} if authorization else {}


def verify(access_token: str, *scopes: str) -> "Response":
    """Call `/verify` as a gateway does."""
    return Client().get("/verify", {"scope": scopes}, headers=header(f"Bearer {access_token}"))


def rights(access_token: str) -> str:
    """Return the rights that the token has now; '' if it is not valid."""
    answer = verify(access_token)
    assert answer.status_code in {204, 401}
    return str(answer.get("X-Scopes", ""))


def claims(access_token: str) -> dict[str, Any]:
    """Return the claims of a token without verifying it."""
    stated: dict[str, Any] = json.loads(b64url_decode(access_token.split(".")[1]))
    return stated


def assert_error(answer: "Response", error: str, status: int = 400) -> None:
    """Assert an error of RFC 6749 §5.2: code, JSON, no-store, no cookie."""
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["error"] == error
    assert answer.status_code == status
    assert answer["Cache-Control"] == "no-store"
    assert not answer.cookies


# ---- The seller -------------------------------------------------------------------------------------------


def request_address(party: Software, **changes: str | None) -> str:
    """Return the URL of a complete authorization request, with `changes` (None leaves a parameter out)."""
    parameters: dict[str, str | None] = {
        "response_type": "code",
        "client_id": party.client_id,
        "redirect_uri": REDIRECT_URI,
        "scope": "offline_access",
        "state": STATE,
        "code_challenge": s256(VERIFIER),
        "code_challenge_method": "S256",
    }
    return f"/authorize?{urlencode(given(parameters | changes))}"


def decide(http: Client, address: str, allow: str = "yes", scopes: Iterable[str] | None = None) -> "Response":
    """Open the consent page and submit a decision; `scopes` are the rights left ticked, all by default."""
    page = http.get(address)
    assert page.status_code == 200, page.headers
    chosen = page.context["form"].fields["scopes"].initial if scopes is None else scopes
    return http.post(address, {"shown": page.context["shown"], "allow": allow, **posted(chosen)})


def sent_back(answer: "Response") -> dict[str, str]:
    """Return the parameters of the redirect to the party, each once (RFC 6749 §3.1)."""
    assert answer.status_code == 302, answer.content
    address, _, query = answer["Location"].partition("?")
    assert address == REDIRECT_URI
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def given(parameters: dict[str, str | None]) -> dict[str, str]:
    """Return the parameters that are not None."""
    return {name: value for name, value in parameters.items() if value is not None}

"""The complete client side of a third party: PKCE, tokens, and calls to the API."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests
from authlib.common.security import generate_token  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session, OAuthError  # type: ignore[import-untyped]

# Any rights that the seller chooses, and a refresh token.
SCOPE = "offline_access"
MEDIA_TYPE = "application/vnd.retailer.v10+json"
TIMEOUT_SECONDS = 10


class Refused(Exception):
    """The portal refused; `str()` is a Dutch sentence."""


@dataclass
class PortalClient:
    """A client of RFC 6749, registered with the portal."""

    name: str
    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The metadata of the portal (RFC 8414)."""
        address = f"{self.issuer}/.well-known/oauth-authorization-server"
        metadata: dict[str, Any] = requests.get(address, timeout=TIMEOUT_SECONDS).json()
        if metadata["issuer"] != self.issuer:
            raise Refused(f"Op {self.issuer} antwoordt een andere server.")
        return metadata

    def session(self, token: dict[str, Any] | None = None) -> OAuth2Session:
        """Return an Authlib session, which handles PKCE and builds the requests."""
        return OAuth2Session(
            self.client_id,
            self.client_secret,
            scope=SCOPE,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            token=token,
            default_timeout=TIMEOUT_SECONDS,
        )

    def start(self) -> tuple[str, str, str]:
        """Return the authorization URL, and the state and PKCE verifier to keep until the seller returns."""
        verifier = generate_token(64)
        address, state = self.session().create_authorization_url(
            self.metadata["authorization_endpoint"], code_verifier=verifier
        )
        return address, state, verifier

    def finish(self, answer: dict[str, str], *, state: str, verifier: str) -> dict[str, Any]:
        """Exchange the code of an authorization response for tokens; raise Refused if it is not an answer to ours."""
        if not state or answer.get("state") != state:
            raise Refused("Dit antwoord hoort niet bij een aanvraag uit deze browser. Begin opnieuw.")
        if answer.get("iss") != self.issuer:
            raise Refused("Dit antwoord komt niet van het portaal waar we je heen stuurden. Begin opnieuw.")
        if answer.get("error") == "access_denied":
            raise Refused("Je hebt geen toestemming gegeven. Dat is prima: Orderwijs kan nergens bij.")
        if "code" not in answer:
            raise Refused(f"Het portaal kon de aanvraag niet behandelen ({answer.get('error', 'geen code')}).")
        return self._ask_tokens(code=answer["code"], code_verifier=verifier, grant_type="authorization_code")

    def refresh(self, token: dict[str, Any]) -> dict[str, Any]:
        """Return new tokens; raise Refused when the access has ended."""
        return self._ask_tokens(refresh_token=token["refresh_token"], grant_type="refresh_token")

    def call_api(self, token: dict[str, Any]) -> requests.Response:
        """Call the Retailer API: which seller is this?"""
        address = f"{self.issuer}/retailer/retailers/current"
        response: requests.Response = self.session(token).get(address, headers={"Accept": MEDIA_TYPE})
        return response

    def _ask_tokens(self, **parameters: str) -> dict[str, Any]:
        try:
            received = self.session().fetch_token(self.metadata["token_endpoint"], **parameters)
        except OAuthError as error:
            raise Refused(f"Het portaal geeft geen tokens ({error.error}). Koppel opnieuw.") from error
        # Authlib adds this member; the portal did not send it.
        return {name: value for name, value in received.items() if name != "expires_at"}

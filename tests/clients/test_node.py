"""openid-client and oauth4webapi, two JavaScript libraries, against the production server.

They run under Node.js, one process per act. The state that a web application keeps in its session is passed as JSON.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from apicredentials.oauth import access_tokens as our_tokens
from tests.clients.visitor import REDIRECT_URI, Visitor
from tests.conftest import ON_CI
from tests.oauth.flow import claims
from tests.served import COMMAND_SECONDS, Served

FOLDER = Path(__file__).with_name("node")
PROGRAMS = ("node", "npm")
METHODS = ["client_secret_basic", "client_secret_post"]


@pytest.fixture(scope="module", autouse=True)
def _libraries() -> None:
    """Install the libraries if the lock file has changed, under a lock because test processes run in parallel."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing and not ON_CI:
        pytest.skip(f"no {' or '.join(missing)} here")
    lock, done = FOLDER / "package-lock.json", FOLDER / "node_modules/.fetched"
    with lock.open("rb") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        fetched = hashlib.sha256(locked.read()).hexdigest()
        if not done.exists() or done.read_text() != fetched:
            command = ["npm", "ci", "--ignore-scripts"]
            subprocess.run(command, cwd=FOLDER, capture_output=True, timeout=COMMAND_SECONDS, check=True)
            done.write_text(fetched)


class Failed(Exception):
    """An error thrown by a library."""

    def __init__(self, message: str, error: str = "", code: str = "") -> None:
        super().__init__(f"{error} {code} {message}")


@dataclass(frozen=True)
class Software:
    """Software that uses one of the libraries, configured with credentials and the issuer only."""

    script: str
    issuer: str
    client_id: str
    secret: str
    method: str = "client_secret_basic"

    def __call__(self, act: str, **options: Any) -> Any:
        """Run one act; raise Failed if the library throws."""
        who = {"issuer": self.issuer, "clientId": self.client_id, "clientSecret": self.secret, "method": self.method}
        done = subprocess.run(
            ["node", FOLDER / self.script],  # noqa: S607 - wherever Node.js is
            input=json.dumps({"act": act} | who | options),
            env=os.environ | {"NODE_ENV": "production"},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outcome = json.loads(done.stdout)
        if "failed" in outcome:
            raise Failed(**outcome["failed"])
        return outcome

    def retailer_id(self, access_token: str) -> str:
        """Call the API and return the seller's number."""
        return str(
            self("call", accessToken=access_token, url=f"{self.issuer}/retailer/retailers/current")["retailerId"]
        )

    def connect(self, shop: Visitor, scope: str = "offline_access", button: str = "Toestaan") -> tuple[str, Any]:
        """Send the seller's browser to the portal; return the redirect back, and the state that was kept."""
        asked = self("authorizationUrl", redirectUri=REDIRECT_URI, scope=scope)
        return shop.decide(asked["url"], button), asked["kept"]

    def tokens_for(self, shop: Visitor, scope: str = "offline_access") -> Any:
        """Run the whole code flow: to the portal, consent, back, exchange."""
        back, kept = self.connect(shop, scope)
        return self("authorizationCode", back=back, kept=kept)


@pytest.fixture(params=["openid_client.mjs", "oauth4webapi.mjs"])
def script(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def seller_software(served: Served, script: str, credential: tuple[str, str]) -> Software:
    return Software(script, str(served), *credential)


@pytest.fixture
def party_software(served: Served, script: str, party: tuple[str, str]) -> Software:
    return Software(script, str(served), *party)


# ---- Discovery and client credentials ---------------------------------------------------------------------


def test_endpoints_are_found_from_the_issuer(served: Served, seller_software: Software) -> None:
    """RFC 8414 §3.3: the libraries refuse metadata with another issuer."""
    found = seller_software("metadata")
    assert found["token_endpoint"] == f"{served}/token"
    assert found["jwks_uri"] == f"{served}/.well-known/jwks.json"


@pytest.mark.parametrize(
    ("method", "scope"), list(zip(METHODS, ["", "retailer-info:read orders:manage"], strict=True)), ids=METHODS
)
def test_client_credentials(seller_software: Software, shop: Visitor, method: str, scope: str) -> None:
    software = replace(seller_software, method=method)
    made = software("clientCredentials", scope=scope)
    assert (made["token_type"], made["expires_in"]) == ("bearer", 299)  # the libraries convert token_type to lower case
    assert made["scope"] == (scope or "RETAILER")
    assert "refresh_token" not in made
    assert software.retailer_id(made["access_token"]) == shop.retailer_id


@pytest.mark.parametrize("method", METHODS)
def test_wrong_secret_is_reported(seller_software: Software, method: str) -> None:
    """RFC 6749 §5.2: both libraries read the challenge before the body."""
    wrong = replace(seller_software, secret=seller_software.secret[:-1], method=method)
    with pytest.raises(Failed, match=r"CHALLENGE|invalid_client"):
        wrong("clientCredentials")


def test_missing_right_is_reported(seller_software: Software) -> None:
    with pytest.raises(Failed, match="invalid_scope"):
        seller_software("clientCredentials", scope="onzin:read")


# ---- The code flow ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_code_flow_with_pkce_refresh_and_revocation(party_software: Software, shop: Visitor, method: str) -> None:
    software = replace(party_software, method=method)
    first = software.tokens_for(shop)
    assert (first["scope"], first["expires_in"]) == ("offline_access", 599)
    assert software.retailer_id(first["access_token"]) == shop.retailer_id
    second = software("refresh", refreshToken=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    assert second["authorization_expires_at"] == first["authorization_expires_at"]
    assert software.retailer_id(second["access_token"]) == shop.retailer_id
    assert software("revoke", token=second["refresh_token"]) == {}
    with pytest.raises(Failed, match="invalid_grant"):
        software("refresh", refreshToken=second["refresh_token"])
    with pytest.raises(Failed, match="invalid_token"):
        software.retailer_id(second["access_token"])


def test_requested_rights_are_returned(party_software: Software, shop: Visitor) -> None:
    scope = "offline_access retailer-info:read orders:manage"
    first = party_software.tokens_for(shop, scope)
    assert first["scope"] == scope
    assert party_software("refresh", refreshToken=first["refresh_token"])["scope"] == scope


def test_public_party_needs_no_secret(served: Served, script: str, shop: Visitor, public_party: str) -> None:
    software = Software(script, str(served), public_party, "", method="none")
    first = software.tokens_for(shop)
    assert software.retailer_id(first["access_token"]) == shop.retailer_id
    assert software("revoke", token=first["access_token"]) == {}


def test_weigeren_is_reported(party_software: Software, shop: Visitor) -> None:
    back, kept = party_software.connect(shop, button="Weigeren")
    with pytest.raises(Failed, match="access_denied"):
        party_software("authorizationCode", back=back, kept=kept)


@pytest.mark.parametrize("parameter", ["state", "iss"])
def test_response_to_another_request_is_refused_before_the_exchange(
    party_software: Software, shop: Visitor, parameter: str
) -> None:
    """RFC 6749 §10.12, RFC 9207 §2.4: the libraries compare `state` and `iss`, which the portal must return."""
    back, kept = party_software.connect(shop)
    query = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    for forged in (query | {parameter: "https://elders.example"}, {k: v for k, v in query.items() if k != parameter}):
        with pytest.raises(Failed, match=parameter):
            party_software("authorizationCode", back=f"{REDIRECT_URI}?{urlencode(forged)}", kept=kept)
    assert party_software("authorizationCode", back=back, kept=kept)["refresh_token"]


# ---- Checking tokens --------------------------------------------------------------------------------------


def test_resource_server_introspects(served: Served, seller_software: Software) -> None:
    """RFC 7662."""
    made = served.manage_json("register_resource_server", "--name", f"API {seller_software.script}")
    server = replace(seller_software, client_id=made["client_id"], secret=made["client_secret"])
    token = seller_software("clientCredentials", scope="orders:read")["access_token"]
    told = server("introspect", token=token)
    assert (told["active"], told["client_id"], told["scope"]) == (True, seller_software.client_id, "orders:read")
    seller_software("revoke", token=token)
    assert server("introspect", token=token) == {"active": False}


@pytest.fixture
def verifier(seller_software: Software) -> Software:
    """An API that verifies tokens with `validateJwtAccessToken`."""
    return replace(seller_software, script="oauth4webapi.mjs", secret="", method="none")


@pytest.mark.parametrize("script", ["oauth4webapi.mjs"], indirect=True)
def test_token_is_verified_offline(
    served: Served, seller_software: Software, party_software: Software, verifier: Software, shop: Visitor
) -> None:
    """RFC 9068 §4; the expected audience comes from the resource metadata (RFC 9728 §3.3)."""
    audience = verifier("resource", url=str(served))["resource"]
    own = seller_software("clientCredentials", scope="orders:read")["access_token"]
    told = verifier("validate", accessToken=own, audience=audience)
    assert (told["sub"], told["client_id"]) == (seller_software.client_id, seller_software.client_id)
    assert (told["retailer_id"], told["scope"]) == (shop.retailer_id, "orders:read")
    partys = party_software.tokens_for(shop, "offline_access orders:read")["access_token"]
    told = verifier("validate", accessToken=partys, audience=audience)
    assert (told["sub"], told["client_id"]) == (shop.retailer_id, party_software.client_id)
    assert told["scope"] == "orders:read"
    assert re.fullmatch(r"[0-9a-f-]{36}", told["authorization_id"])


@pytest.mark.parametrize("script", ["oauth4webapi.mjs"], indirect=True)
def test_token_with_wrong_audience_time_or_signature_is_refused_offline(
    served: Served, seller_software: Software, verifier: Software
) -> None:
    token = seller_software("clientCredentials")["access_token"]
    audience = str(served)
    stated = claims(token)
    for wrong, reason in (
        (token[:-8] + "AAAAAAAA", "signature"),
        (our_tokens.sign(stated | {"exp": 1}), "exp"),
        (our_tokens.sign(stated | {"iss": "https://elders.example"}), "iss"),
    ):
        with pytest.raises(Failed, match=f"(?i){reason}"):
            verifier("validate", accessToken=wrong, audience=audience)
    with pytest.raises(Failed, match="aud"):
        verifier("validate", accessToken=token, audience="https://elders.example")

"""Authlib, used as documented, against the production server."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.common.security import generate_token  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session, OAuthError  # type: ignore[import-untyped]

from tests.clients.visitor import REDIRECT_URI, Visitor
from tests.served import Served


def software(credentials: tuple[str, str], **options: Any) -> Any:
    client_id, secret = credentials
    return OAuth2Session(client_id, secret or None, redirect_uri=REDIRECT_URI, code_challenge_method="S256", **options)


def retailer_id(served: Served, client: Any) -> str:
    """Call the API with the library's token, and return the seller's number."""
    answer = client.get(f"{served}/retailer/retailers/current")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["retailerId"])


def connect(served: Served, shop: Visitor, client: Any, *, pkce: bool = True, **options: Any) -> dict[str, Any]:
    """Run the whole code flow: to the portal, consent, back, exchange."""
    verifier = generate_token(48) if pkce else None
    address, state = client.create_authorization_url(f"{served}/authorize", code_verifier=verifier, **options)
    back = shop.decide(address, "Toestaan")
    assert back.startswith(f"{REDIRECT_URI}?")
    more = {"code_verifier": verifier} if verifier else {}
    token: dict[str, Any] = client.fetch_token(f"{served}/token", authorization_response=back, state=state, **more)
    return token


# ---- Client credentials -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "scope"),
    [("client_secret_basic", None), ("client_secret_post", "retailer-info:read orders:manage")],
)
def test_client_credentials(
    served: Served, shop: Visitor, credential: tuple[str, str], method: str, scope: str | None
) -> None:
    with software(credential, token_endpoint_auth_method=method, scope=scope) as client:
        token = client.fetch_token(f"{served}/token", grant_type="client_credentials")
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 299)
        assert token["scope"] == (scope or "RETAILER")
        assert "refresh_token" not in token
        assert retailer_id(served, client) == shop.retailer_id


def test_wrong_secret(served: Served, credential: tuple[str, str]) -> None:
    with (
        software((credential[0], credential[1][:-1])) as client,
        pytest.raises(OAuthError, match="invalid_client"),
    ):
        client.fetch_token(f"{served}/token", grant_type="client_credentials")


# ---- The code flow ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_code_flow_with_pkce_refresh_and_revocation(
    served: Served, shop: Visitor, party: tuple[str, str], method: str
) -> None:
    options = {"token_endpoint_auth_method": method, "revocation_endpoint_auth_method": method}
    with software(party, scope="offline_access", **options) as client:
        first = connect(served, shop, client)
        assert first["scope"] == "offline_access"
        assert "retailer-info:read" in first["granted_scope"].split()
        assert retailer_id(served, client) == shop.retailer_id
        second = client.refresh_token(f"{served}/token")
        assert second["refresh_token"] != first["refresh_token"]
        assert second["authorization_expires_at"] == first["authorization_expires_at"]
        assert retailer_id(served, client) == shop.retailer_id
        assert client.revoke_token(f"{served}/revoke", token=second["refresh_token"]).status_code == 200
        assert client.get(f"{served}/verify").status_code == 401
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.refresh_token(f"{served}/token", refresh_token=second["refresh_token"])


def test_named_rights(served: Served, shop: Visitor, party: tuple[str, str]) -> None:
    with software(party, scope="offline_access retailer-info:read orders:manage") as client:
        token = connect(served, shop, client)
        assert token["scope"] == "offline_access retailer-info:read orders:manage"
        assert client.refresh_token(f"{served}/token")["scope"] == token["scope"]
        assert client.get(f"{served}/verify?scope=orders:read").status_code == 204
        assert client.get(f"{served}/verify?scope=offers:read").status_code == 403


def test_public_party(served: Served, shop: Visitor, public_party: str) -> None:
    with software((public_party, ""), scope="offline_access") as client:
        token = connect(served, shop, client)
        assert retailer_id(served, client) == shop.retailer_id
        client.refresh_token(f"{served}/token")
        assert client.revoke_token(f"{served}/revoke", token=token["access_token"]).status_code == 200


def test_party_without_pkce(served: Served, shop: Visitor, old_party: tuple[str, str]) -> None:
    with software(old_party, scope="offline_access") as client:
        first = connect(served, shop, client, pkce=False)
        for _ in range(2):
            assert client.refresh_token(f"{served}/token")["refresh_token"] == first["refresh_token"]
        assert retailer_id(served, client) == shop.retailer_id


def test_weigeren_raises_the_librarys_error(served: Served, shop: Visitor, party: tuple[str, str]) -> None:
    with software(party, scope="offline_access") as client:
        address, state = client.create_authorization_url(f"{served}/authorize", code_verifier=generate_token(48))
        back = shop.decide(address, "Weigeren")
        received = parse_qs(urlsplit(back).query)
        assert received == {"error": ["access_denied"], "state": [state], "iss": [str(served)]}


def test_another_verifier_is_refused(served: Served, shop: Visitor, party: tuple[str, str]) -> None:
    with software(party, scope="offline_access") as client:
        address, state = client.create_authorization_url(f"{served}/authorize", code_verifier=generate_token(48))
        back = shop.decide(address, "Toestaan")
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.fetch_token(
                f"{served}/token", authorization_response=back, state=state, code_verifier=generate_token(48)
            )


# ---- Features of the library ------------------------------------------------------------------------------


def test_expired_token_is_refreshed_automatically(served: Served, shop: Visitor, party: tuple[str, str]) -> None:
    with software(party, scope="offline_access", token_endpoint=f"{served}/token") as client:
        first = dict(connect(served, shop, client))
        client.token = first | {"expires_at": 1, "access_token": "verlopen"}
        assert retailer_id(served, client) == shop.retailer_id
        assert client.token["refresh_token"] != first["refresh_token"]


def test_resource_server_introspects(served: Served, credential: tuple[str, str]) -> None:
    """RFC 7662."""
    made = served.manage_json("register_resource_server", "--name", f"API {credential[0][:8]}")
    with software(credential) as seller, software((made["client_id"], made["client_secret"])) as gateway:
        token = seller.fetch_token(f"{served}/token", grant_type="client_credentials")
        for hint in ("access_token", "refresh_token"):
            answer = gateway.introspect_token(f"{served}/introspect", token=token["access_token"], token_type_hint=hint)
            assert answer.json()["client_id"] == credential[0]

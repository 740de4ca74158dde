"""requests-oauthlib, used as documented, against the production server."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidGrantError, WebApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session  # type: ignore[import-untyped]

from tests.clients.visitor import REDIRECT_URI, Visitor
from tests.served import Served


def retailer_id(served: Served, session: OAuth2Session) -> str:
    """Call the API with the library's token, and return the seller's number."""
    answer = session.get(
        f"{served}/retailer/retailers/current", headers={"Accept": "application/vnd.retailer.v10+json"}
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["retailerId"])


def third_party(client_id: str, *, pkce: str | None = "S256", scope: str = "offline_access") -> OAuth2Session:
    return OAuth2Session(client_id, redirect_uri=REDIRECT_URI, scope=scope.split(), pkce=pkce)


def connect(served: Served, shop: Visitor, session: OAuth2Session, **options: Any) -> dict[str, Any]:
    """Run the whole code flow: to the portal, consent, back, exchange."""
    address, _ = session.authorization_url(f"{served}/authorize")
    back = shop.decide(address, "Toestaan")
    token: dict[str, Any] = session.fetch_token(f"{served}/token", authorization_response=back, **options)
    return token


# ---- Client credentials -----------------------------------------------------------------------------------


def test_client_credentials_in_the_header(served: Served, shop: Visitor, credential: tuple[str, str]) -> None:
    client_id, _ = credential
    with OAuth2Session(client=BackendApplicationClient(client_id)) as session:
        token = session.fetch_token(f"{served}/token", auth=HTTPBasicAuth(*credential))
        assert (token["expires_in"], token["scope"]) == (299, ["RETAILER"])
        assert retailer_id(served, session) == shop.retailer_id


@pytest.mark.parametrize("include_client_id", [None, True])
def test_client_credentials_with_the_librarys_defaults(
    served: Served, shop: Visitor, credential: tuple[str, str], include_client_id: bool | None
) -> None:
    """In the header, and with `include_client_id` also the id in the body."""
    client_id, secret = credential
    with OAuth2Session(client=BackendApplicationClient(client_id, scope=["RETAILER"])) as session:
        session.fetch_token(f"{served}/token", client_secret=secret, include_client_id=include_client_id)
        assert retailer_id(served, session) == shop.retailer_id


def test_client_credentials_in_header_and_body(served: Served, shop: Visitor, credential: tuple[str, str]) -> None:
    """Many hand-written programs send both."""
    client_id, secret = credential
    with OAuth2Session(client=BackendApplicationClient(client_id)) as session:
        session.fetch_token(
            f"{served}/token", auth=HTTPBasicAuth(*credential), client_secret=secret, include_client_id=True
        )
        assert retailer_id(served, session) == shop.retailer_id


def test_wrong_secret(served: Served, credential: tuple[str, str]) -> None:
    with (
        OAuth2Session(client=BackendApplicationClient(credential[0])) as session,
        pytest.raises(InvalidClientError),
    ):
        session.fetch_token(f"{served}/token", client_secret=credential[1][:-1])


# ---- The code flow ----------------------------------------------------------------------------------------


def test_code_flow_with_pkce_and_refresh(served: Served, shop: Visitor, party: tuple[str, str]) -> None:
    client_id, secret = party
    with third_party(client_id) as session:
        first = connect(served, shop, session, client_secret=secret)
        assert first["scope"] == ["offline_access"]
        assert retailer_id(served, session) == shop.retailer_id
        second = session.refresh_token(f"{served}/token", auth=HTTPBasicAuth(*party))
        assert second["refresh_token"] != first["refresh_token"]
        third = session.refresh_token(f"{served}/token", client_id=client_id, client_secret=secret)
        assert third["refresh_token"] != second["refresh_token"]
        assert retailer_id(served, session) == shop.retailer_id


def test_fully_granted_rights_are_not_a_change_of_scope(served: Served, shop: Visitor, party: tuple[str, str]) -> None:
    """The library raises if the scope in the response differs from the requested one."""
    client_id, secret = party
    with third_party(client_id, scope="offline_access orders:manage retailer-info:read") as session:
        connect(served, shop, session, client_secret=secret)
        session.refresh_token(f"{served}/token", auth=HTTPBasicAuth(*party))
        assert retailer_id(served, session) == shop.retailer_id


def test_public_party(served: Served, shop: Visitor, public_party: str) -> None:
    with third_party(public_party) as session:
        connect(served, shop, session, include_client_id=True)
        session.refresh_token(f"{served}/token", client_id=public_party)
        assert retailer_id(served, session) == shop.retailer_id


def test_party_without_pkce_and_with_a_fixed_refresh_token(
    served: Served, shop: Visitor, old_party: tuple[str, str]
) -> None:
    client_id, secret = old_party
    with third_party(client_id, pkce=None) as session:
        first = connect(served, shop, session, client_secret=secret)
        second = session.refresh_token(f"{served}/token", auth=HTTPBasicAuth(*old_party))
        assert second["refresh_token"] == first["refresh_token"]
        assert retailer_id(served, session) == shop.retailer_id


def test_expired_token_is_refreshed_automatically(served: Served, shop: Visitor, party: tuple[str, str]) -> None:
    client_id, secret = party
    with third_party(client_id) as session:
        token = connect(served, shop, session, client_secret=secret)
    kept: list[dict[str, Any]] = []
    with OAuth2Session(
        client=WebApplicationClient(client_id),
        token=token | {"expires_in": -1, "expires_at": 1},
        auto_refresh_url=f"{served}/token",
        auto_refresh_kwargs={"client_id": client_id, "client_secret": secret},
        token_updater=kept.append,
    ) as session:
        assert retailer_id(served, session) == shop.retailer_id
    assert kept[0]["refresh_token"] != token["refresh_token"]


def test_removed_party(served: Served, shop: Visitor, party: tuple[str, str]) -> None:
    """RFC 7009 without the library, which has no function for it."""
    client_id, secret = party
    with third_party(client_id) as session:
        token = connect(served, shop, session, client_secret=secret)
        answer = session.post(
            f"{served}/revoke", data={"token": token["refresh_token"]}, auth=HTTPBasicAuth(*party), withhold_token=True
        )
        assert (answer.status_code, answer.json()) == (200, {})
        with pytest.raises(InvalidGrantError):
            session.refresh_token(f"{served}/token", auth=HTTPBasicAuth(*party))


def test_library_checks_state_and_response_contains_iss(served: Served, shop: Visitor, party: tuple[str, str]) -> None:
    """RFC 9207."""
    with third_party(party[0]) as session:
        address, state = session.authorization_url(f"{served}/authorize", approval_prompt="auto")
        received = parse_qs(urlsplit(shop.decide(address, "Toestaan")).query)
        assert received["state"] == [state]
        assert received["iss"] == [str(served)]

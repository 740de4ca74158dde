"""The introspection endpoint (RFC 7662), open to registered resource servers only."""

import datetime as dt
from typing import Any

from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import Actor, Seller
from apicredentials import scopes
from apicredentials.models import ClientCredential, ThirdPartyAuthorization
from tests.oauth.flow import ISSUER, Software, assert_error, claims, post

ALL = scopes.join(scopes.ALL)


def introspect(gateway: Software, token: str, **form: str) -> dict[str, Any]:
    answer = gateway.post("/introspect", token=token, **form)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Type"] == "application/json"
    body: dict[str, Any] = answer.json()
    return body


def is_active(gateway: Software, token: str) -> bool:
    """Return `active`. The response for an inactive token must have no other member (RFC 7662 §2.2)."""
    body = introspect(gateway, token)
    assert body["active"] or body == {"active": False}
    return bool(body["active"])


def test_token_of_a_credential_is_described(gateway: Software, warehouse: Software, seller: Seller) -> None:
    """RFC 7662 §2.2; `scope` lists the rights, although the token response said RETAILER."""
    token = warehouse.access_token()
    stated = claims(token)
    assert introspect(gateway, token) == {
        "active": True,
        "token_type": "Bearer",
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": warehouse.client_id,
        "client_id": warehouse.client_id,
        "retailer_id": seller.retailer_id,
        "scope": ALL,
        "iat": stated["iat"],
        "exp": stated["exp"],
        "jti": stated["jti"],
    }


def test_token_of_a_party_is_described(
    gateway: Software, party: Software, tokens: dict[str, Any], seller: Seller
) -> None:
    body = introspect(gateway, tokens["access_token"])
    assert (body["active"], body["scope"]) == (True, ALL)
    assert (body["client_id"], body["retailer_id"]) == (party.client_id, seller.retailer_id)
    assert body["authorization_id"] == ThirdPartyAuthorization.objects.get().uid
    assert "grant_id" not in body


def test_scope_is_reduced_to_the_current_rights(gateway: Software, warehouse: Software) -> None:
    token = warehouse.access_token()
    ClientCredential.objects.get().change_rights(["orders:manage"], by=Actor())
    assert introspect(gateway, token)["scope"] == "orders:read orders:manage"


def test_token_type_hint_is_ignored(gateway: Software, warehouse: Software) -> None:
    """RFC 7662 §2.1."""
    assert introspect(gateway, warehouse.access_token(), token_type_hint="refresh_token")["active"] is True


# ---- Invalid tokens ---------------------------------------------------------------------------------------


def test_expired_token_is_not_active(gateway: Software, warehouse: Software, time_machine: TimeMachineFixture) -> None:
    start = timezone.now().replace(microsecond=0)
    time_machine.move_to(start, tick=False)
    token = warehouse.access_token()
    time_machine.move_to(start + dt.timedelta(seconds=298), tick=False)
    assert is_active(gateway, token)
    time_machine.move_to(start + dt.timedelta(seconds=299), tick=False)
    assert not is_active(gateway, token)


def test_revoked_token_is_not_active(gateway: Software, warehouse: Software) -> None:
    """Revoked in any way: tests/sql/test_token_status.py has them all."""
    token = warehouse.access_token()
    warehouse.post("/revoke", token=token)
    assert not is_active(gateway, token)


def test_token_of_a_closed_seller_is_not_active(gateway: Software, warehouse: Software) -> None:
    token = warehouse.access_token()
    Seller.objects.update(closed_at=timezone.now())
    assert not is_active(gateway, token)


def test_anything_but_an_access_token_is_not_active(gateway: Software, code: str, tokens: dict[str, Any]) -> None:
    """Resource servers never receive codes or refresh tokens."""
    for token in (tokens["refresh_token"], code, "x", "a.b.c", "é", "x" * 100_000, "eyJhbGciOiJub25lIn0.e30."):
        assert not is_active(gateway, token)


# ---- Client authentication --------------------------------------------------------------------------------


def test_only_resource_servers_may_introspect(warehouse: Software, party: Software) -> None:
    """RFC 7662 §4: otherwise any client could scan for valid tokens."""
    token = warehouse.access_token()
    for client in (warehouse, party):
        assert_error(client.post("/introspect", token=token), "unauthorized_client")


def test_authentication_is_required(gateway: Software, warehouse: Software) -> None:
    """RFC 7662 §2.1; the token itself does not authenticate either."""
    token = warehouse.access_token()
    wrong = Software(gateway.client_id, gateway.secret[:-1])
    assert_error(post("/introspect", token=token), "invalid_client", 401)
    assert_error(post("/introspect", authorization=f"Bearer {token}", token=token), "invalid_client", 401)
    assert_error(post("/introspect", client_id=gateway.client_id, token=token), "invalid_client", 401)
    assert_error(wrong.post("/introspect", token=token), "invalid_client", 401)


def test_resource_server_may_authenticate_in_the_body(gateway: Software, warehouse: Software) -> None:
    form = {"client_id": gateway.client_id, "client_secret": gateway.secret, "token": warehouse.access_token()}
    assert post("/introspect", **form).json()["active"] is True


def test_missing_token_is_an_invalid_request(gateway: Software) -> None:
    assert_error(gateway.post("/introspect"), "invalid_request")

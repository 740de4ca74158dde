"""The client credentials grant, with which a seller's own software gets a token (RFC 6749 §4.4)."""

import time

import pytest
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials import scopes
from apicredentials.models import ClientCredential
from tests.factories import ClientCredentialFactory
from tests.oauth.flow import GRANT, ISSUER, Software, assert_error, claims, rights, software, verify

ALL = scopes.join(scopes.ALL)


@pytest.fixture
def orders_only(seller: Seller) -> Software:
    return software(ClientCredentialFactory(seller=seller, scope="orders:read orders:manage"))


def row(client: Software) -> ClientCredential:
    found: ClientCredential = ClientCredential.objects.get(client_id=client.client_id)
    return found


# ---- The response -----------------------------------------------------------------------------------------


def test_response_is_what_existing_clients_expect(warehouse: Software) -> None:
    """RFC 6749 §5.1, and no refresh token (§4.4.3)."""
    answer = warehouse.token(**GRANT)
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("application/json", "no-store")
    assert not answer.cookies
    body = answer.json()
    assert body.pop("access_token")
    assert body == {"token_type": "Bearer", "expires_in": 299, "scope": "RETAILER"}


@pytest.mark.parametrize("allowed", [ALL, "orders:read", ""])
def test_scope_retailer_is_case_insensitive_and_returned_as_retailer(seller: Seller, allowed: str) -> None:
    """Existing clients refuse any other value, regardless of the credential's rights."""
    client = software(ClientCredentialFactory(seller=seller, scope=allowed))
    for scope in ("RETAILER", "retailer", "rEtAiLeR"):
        body = client.token(scope=scope, **GRANT).json()
        assert body["scope"] == "RETAILER"
        assert claims(body["access_token"])["scope"] == allowed


def test_token_contains_the_rights(orders_only: Software) -> None:
    """RFC 9068 §2.2.3."""
    token = orders_only.access_token()
    assert claims(token)["scope"] == "orders:read orders:manage"
    assert rights(token) == "orders:read orders:manage"


def test_response_lists_the_requested_rights(warehouse: Software) -> None:
    """RFC 6749 §3.3; manage includes read."""
    body = warehouse.token(scope="offers:manage orders:read", **GRANT).json()
    assert body["scope"] == "offers:manage orders:read"
    assert claims(body["access_token"])["scope"] == "offers:read offers:manage orders:read"


def test_rights_requested_with_retailer_narrow_it(warehouse: Software) -> None:
    body = warehouse.token(scope="RETAILER orders:read", **GRANT).json()
    assert body["scope"] == "orders:read"
    assert rights(body["access_token"]) == "orders:read"


def test_missing_or_unknown_right_is_an_invalid_scope(orders_only: Software) -> None:
    """RFC 6749 §5.2."""
    missing = ["offers:read", "orders:read offers:read", "offline_access", "orders:delete", "a" * 5000]
    malformed = ["Orders:read", "orders:read\u200b", "orders:read\tretailer", "orders:read  orders:manage", " ", "*"]
    for scope in missing + malformed:
        assert_error(orders_only.token(scope=scope, **GRANT), "invalid_scope")


# ---- The token --------------------------------------------------------------------------------------------


def test_token_has_the_required_claims(warehouse: Software, seller: Seller) -> None:
    """RFC 9068 §2.2: `sub` is the client if no resource owner is involved."""
    before = int(time.time())
    stated = claims(warehouse.access_token())
    issued_at = stated["iat"]
    assert before <= issued_at <= time.time()
    assert stated.pop("jti")
    assert stated == {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": warehouse.client_id,
        "client_id": warehouse.client_id,
        "retailer_id": seller.retailer_id,
        "scope": ALL,
        "iat": issued_at,
        "exp": issued_at + 299,
    }


def test_every_token_has_a_unique_jti(warehouse: Software) -> None:
    """RFC 9068 §2.2: `jti`."""
    tokens = [warehouse.access_token() for _ in range(3)]
    assert len({claims(token)["jti"] for token in tokens}) == 3


# ---- Later changes by the seller --------------------------------------------------------------------------


def test_narrower_rights_apply_at_once_to_issued_tokens(warehouse: Software) -> None:
    token = warehouse.access_token()
    row(warehouse).change_rights(["orders:read"], by=Actor())
    assert rights(token) == "orders:read"
    assert verify(token, "orders:manage").status_code == 403


def test_wider_rights_apply_to_new_tokens_only(orders_only: Software) -> None:
    """RFC 6749 §1.4: a token represents the rights granted when it was issued."""
    token = orders_only.access_token()
    row(orders_only).change_rights(scopes.ALL, by=Actor())
    assert rights(token) == "orders:read orders:manage"
    assert rights(orders_only.access_token()) == ALL


def test_deleting_ends_the_secret_and_every_issued_token(warehouse: Software, orders_only: Software) -> None:
    tokens = [warehouse.access_token(), warehouse.access_token(scope="orders:read")]
    row(warehouse).delete_softly(by=Actor())
    assert [verify(token).status_code for token in tokens] == [401, 401]
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)
    assert verify(orders_only.access_token()).status_code == 204


def test_closing_the_seller_ends_access(warehouse: Software, seller: Seller) -> None:
    token = warehouse.access_token()
    seller.closed_at = timezone.now()
    seller.save()
    assert verify(token).status_code == 403
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)

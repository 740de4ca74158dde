"""The client credentials grant: a seller's own software gets a token for that seller (RFC 6749 §4.4)."""

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


# ---- The answer -------------------------------------------------------------------------------------------


def test_the_answer_is_what_existing_clients_expect(warehouse: Software) -> None:
    """RFC 6749 §5.1, and no refresh token (§4.4.3)."""
    body = warehouse.token(**GRANT).json()
    assert body.pop("access_token")
    assert body == {"token_type": "Bearer", "expires_in": 299, "scope": "RETAILER"}


@pytest.mark.parametrize("scope", ["RETAILER", "retailer", "Retailer", "rEtAiLeR"])
@pytest.mark.parametrize("allowed", [ALL, "orders:read", ""])
def test_retailer_in_any_case_is_answered_as_retailer(seller: Seller, allowed: str, scope: str) -> None:
    """Existing clients refuse anything else, whatever the credential may do."""
    client = software(ClientCredentialFactory(seller=seller, scope=allowed))
    body = client.token(scope=scope, **GRANT).json()
    assert body["scope"] == "RETAILER"
    assert claims(body["access_token"])["scope"] == allowed


def test_the_rights_stand_in_the_token(orders_only: Software) -> None:
    """RFC 9068 §2.2.3."""
    token = orders_only.access_token()
    assert claims(token)["scope"] == "orders:read orders:manage"
    assert rights(token) == "orders:read orders:manage"


def test_named_rights_are_answered_by_their_names(warehouse: Software) -> None:
    """RFC 6749 §3.3; manage includes read."""
    body = warehouse.token(scope="offers:manage orders:read", **GRANT).json()
    assert body["scope"] == "offers:manage orders:read"
    assert claims(body["access_token"])["scope"] == "offers:read offers:manage orders:read"


def test_rights_named_beside_retailer_narrow_it(warehouse: Software) -> None:
    body = warehouse.token(scope="RETAILER orders:read", **GRANT).json()
    assert body["scope"] == "orders:read"
    assert rights(body["access_token"]) == "orders:read"


@pytest.mark.parametrize(
    "scope",
    [
        "offers:read",
        "orders:read offers:read",
        "offline_access",
        "orders:delete",
        "Orders:read",
        "orders:read\u200b",
        "orders:read\tretailer",
        "orders:read  orders:manage",
        " ",
        "*",
        "a" * 5000,
    ],
)
def test_a_right_it_does_not_have_or_nobody_knows_is_an_invalid_scope(orders_only: Software, scope: str) -> None:
    """RFC 6749 §5.2."""
    assert_error(orders_only.token(scope=scope, **GRANT), "invalid_scope")


# ---- The token --------------------------------------------------------------------------------------------


def test_the_token_states_who_what_and_until_when(warehouse: Software, seller: Seller) -> None:
    """RFC 9068 §2.2: `sub` is the client where no person takes part."""
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


def test_no_two_tokens_are_the_same(warehouse: Software) -> None:
    """RFC 9068 §2.2: `jti`."""
    tokens = [warehouse.access_token() for _ in range(3)]
    assert len({claims(token)["jti"] for token in tokens}) == 3


# ---- What the seller does afterwards ----------------------------------------------------------------------


def test_narrower_rights_take_hold_at_once(warehouse: Software) -> None:
    token = warehouse.access_token()
    row(warehouse).change_rights(["orders:read"], by=Actor())
    assert rights(token) == "orders:read"
    assert verify(token, "orders:manage").status_code == 403


def test_wider_rights_are_for_new_tokens_only(orders_only: Software) -> None:
    """RFC 6749 §1.4: a token represents what was granted when it was made."""
    token = orders_only.access_token()
    row(orders_only).change_rights(scopes.ALL, by=Actor())
    assert rights(token) == "orders:read orders:manage"
    assert rights(orders_only.access_token()) == ALL


def test_deleting_ends_the_secret_and_every_token_already_made(warehouse: Software, orders_only: Software) -> None:
    tokens = [warehouse.access_token(), warehouse.access_token(scope="orders:read")]
    row(warehouse).delete_softly(by=Actor())
    assert [verify(token).status_code for token in tokens] == [401, 401]
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)
    assert verify(orders_only.access_token()).status_code == 204


def test_pausing_ends_access_until_it_is_resumed(warehouse: Software) -> None:
    token = warehouse.access_token()
    row(warehouse).pause(by=Actor())
    assert verify(token).status_code == 401
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)
    row(warehouse).resume(by=Actor())
    assert verify(token).status_code == 204
    assert warehouse.token(**GRANT).status_code == 200


def test_closing_the_seller_ends_access(warehouse: Software, seller: Seller) -> None:
    token = warehouse.access_token()
    seller.closed_at = timezone.now()
    seller.save()
    assert verify(token).status_code == 403
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)

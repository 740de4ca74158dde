"""`/verify`, which a gateway calls before it forwards a request (RFC 6750, RFC 9728 §5.1)."""

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import Actor, Seller
from apicredentials import scopes
from apicredentials.models import ClientCredential
from tests.factories import ClientCredentialFactory, SellerFactory
from tests.oauth.flow import Software, header, software, verify

ALL = scopes.join(scopes.ALL)


@pytest.fixture
def seller(db: None) -> Seller:
    return SellerFactory()


@pytest.fixture
def warehouse(seller: Seller) -> Software:
    return software(ClientCredentialFactory(seller=seller))


def challenge(answer: Any) -> dict[str, str]:
    """Return the parameters of the WWW-Authenticate header (RFC 6750 §3)."""
    scheme, _, members = answer["WWW-Authenticate"].partition(" ")
    assert scheme == "Bearer"
    return dict(re.findall(r'(\w+)="([^"]*)"', members))


# ---- Accepted tokens --------------------------------------------------------------------------------------


def test_valid_token_returns_seller_client_and_rights(warehouse: Software, seller: Seller) -> None:
    answer = verify(warehouse.access_token())
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["X-Retailer-Id"] == seller.retailer_id
    assert answer["X-Client-Id"] == warehouse.client_id
    assert answer["X-Scopes"] == ALL
    assert answer["Cache-Control"] == "no-store"
    assert not answer.cookies


@pytest.mark.parametrize(
    "required", [["orders:read"], ["orders:manage"], ["orders:read", "offers:manage"], ["orders:read", "orders:read"]]
)
def test_token_with_the_required_rights_is_accepted(warehouse: Software, required: list[str]) -> None:
    assert verify(warehouse.access_token(), *required).status_code == 204


def test_manage_includes_read(warehouse: Software) -> None:
    assert verify(warehouse.access_token(scope="orders:manage"), "orders:read").status_code == 204


def test_accept_header_is_ignored(warehouse: Software) -> None:
    """The gateway forwards the Accept header of the original request."""
    for accept in ("text/html", "application/xml;q=0.1", "nonsense", ""):
        headers = header(f"Bearer {warehouse.access_token()}") | {"Accept": accept}
        assert Client().get("/verify", headers=headers).status_code == 204


def test_scheme_is_case_insensitive(warehouse: Software) -> None:
    """RFC 9110 §11.1."""
    for scheme in ("bearer", "BEARER", "Bearer "):
        answer = Client().get("/verify", headers=header(f"{scheme} {warehouse.access_token()}"))
        assert answer.status_code == 204


def test_head_request_gets_the_same_response(warehouse: Software) -> None:
    answer = Client().head("/verify", headers=header(f"Bearer {warehouse.access_token()}"))
    assert (answer.status_code, answer["X-Client-Id"]) == (204, warehouse.client_id)


# ---- Refused tokens ---------------------------------------------------------------------------------------


def test_missing_token_gets_a_challenge_without_an_error_code(db: None) -> None:
    """RFC 6750 §3.1: the response SHOULD NOT include an error code."""
    for authorization in ("", "Bearer", "Bearer ", "Basic YTpi", "Token x", "x" * 10_000):
        answer = Client().get("/verify", headers=header(authorization))
        assert answer.status_code == 401
        assert set(challenge(answer)) == {"realm", "resource_metadata"}


def test_malformed_token_is_invalid(db: None) -> None:
    """RFC 6750 §3.1."""
    for token in ("x", "a.b.c", "\x00", "é", "a b", "x" * 100_000, "eyJhbGciOiJub25lIn0.e30."):
        answer = verify(token)
        assert answer.status_code == 401
        assert challenge(answer)["error"] == "invalid_token"


def test_expired_token_is_invalid(warehouse: Software, time_machine: TimeMachineFixture) -> None:
    start = timezone.now().replace(microsecond=0)
    time_machine.move_to(start, tick=False)
    token = warehouse.access_token()
    time_machine.move_to(start + dt.timedelta(seconds=299), tick=False)
    answer = verify(token)
    assert (answer.status_code, answer.json()["title"]) == (401, "Expired JWT")
    assert challenge(answer)["error"] == "invalid_token"


def test_revoked_token_is_invalid(warehouse: Software) -> None:
    token = warehouse.access_token()
    warehouse.post("/revoke", token=token)
    answer = verify(token)
    assert (answer.status_code, challenge(answer)["error"]) == (401, "invalid_token")


@pytest.mark.parametrize("required", [["orders:manage"], ["orders:read", "offers:read"], ["orders:read", "nope"]])
def test_missing_right_is_named(warehouse: Software, required: list[str]) -> None:
    """RFC 6750 §3.1 insufficient_scope: 403."""
    answer = verify(warehouse.access_token(scope="orders:read"), *required)
    assert answer.status_code == 403
    told = challenge(answer)
    assert (told["error"], told["scope"]) == ("insufficient_scope", required[-1])
    assert required[-1] in answer.json()["detail"]
    assert "X-Retailer-Id" not in answer


def test_unknown_required_right_refuses_every_token(warehouse: Software) -> None:
    """A typing error in a gateway's configuration must not give access."""
    for required in ("orders:delete", "", "orders:read offers:read", "RETAILER", "\x00", "é" * 5000, '"'):
        answer = verify(warehouse.access_token(), required)
        assert (answer.status_code, challenge(answer)["error"]) == (403, "insufficient_scope")
        assert verify("x", required).status_code == 401


def test_closed_seller_is_refused(warehouse: Software, seller: Seller) -> None:
    token = warehouse.access_token()
    Seller.objects.update(closed_at=timezone.now())
    answer = verify(token)
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("Account is not active")


@pytest.mark.parametrize("act", ["pause", "delete_softly"])
def test_changes_by_the_seller_apply_to_the_next_call(warehouse: Software, act: str) -> None:
    token = warehouse.access_token()
    assert verify(token).status_code == 204
    getattr(ClientCredential.objects.get(), act)(by=Actor())
    assert verify(token).status_code == 401


# ---- Requests ---------------------------------------------------------------------------------------------


def test_token_is_read_from_the_header_only(warehouse: Software) -> None:
    """RFC 6750 §2.3, RFC 9700 §4.3.2."""
    token = warehouse.access_token()
    assert Client().get("/verify", {"access_token": token}).status_code == 401
    assert Client().get("/verify", headers={"Cookie": f"access_token={token}"}).status_code == 401
    assert Client().generic("GET", "/verify", f"access_token={token}").status_code == 401


def test_only_get_and_head_are_allowed(warehouse: Software) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        answer = Client().generic(method, "/verify", headers=header(f"Bearer {warehouse.access_token()}"))
        assert answer.status_code == 405
        assert answer["Allow"] == "GET, HEAD"
        assert answer.json()["status"] == 405


def test_malformed_query_is_refused(db: None) -> None:
    for query in ("&".join(["scope=orders:read"] * 5000), "scope=%ff", "scope=%00", "%ff=%00"):
        answer = Client().get("/verify", QUERY_STRING=query)
        assert answer.status_code in {400, 401, 403}
        assert answer["Content-Type"].endswith("json")


def test_request_id_is_returned(db: None) -> None:
    for offered in ("abc-123", "A.b_c", "x" * 64):
        assert Client().get("/verify", headers={"X-Request-ID": offered})["X-Request-ID"] == offered


def test_request_id_that_could_forge_a_log_line_is_replaced(db: None) -> None:
    """V16.4.1."""
    for offered in ("", "x" * 65, "a b", "a\r\nb", "é", "<script>"):
        answer = Client().get("/verify", headers={"X-Request-ID": offered})
        assert re.fullmatch(r"[0-9a-f]{32}", answer["X-Request-ID"])

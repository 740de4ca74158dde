"""`/retailer/retailers/current`: the seller's own data, and the API's refusals."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import Seller
from tests.factories import ClientCredentialFactory, SellerFactory
from tests.logged import listening
from tests.oauth.flow import Software, header, software

ADDRESS = "/retailer/retailers/current"
MEDIA_TYPE = "application/vnd.retailer.v10+json"


@pytest.fixture
def seller(db: None) -> Seller:
    return SellerFactory(
        display_name="Café d’Été",
        company_name="Été B.V.",
        vat_number="NL001234567B01",
        kvk_number="12345678",
        registration_date=dt.date(2020, 2, 29),
    )


@pytest.fixture
def warehouse(seller: Seller) -> Software:
    return software(ClientCredentialFactory(seller=seller))


@pytest.fixture
def token(warehouse: Software) -> str:
    return warehouse.access_token()


def call(token: str, **headers: str) -> Any:
    return Client().get(ADDRESS, headers=header(f"Bearer {token}") | headers)


def assert_problem(answer: Any, status: int, title: str) -> str:
    """Assert a problem document of the API and return its detail."""
    assert answer["Content-Type"] == MEDIA_TYPE
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "violations"}
    assert (answer.status_code, body["status"], body["title"]) == (status, status, title)
    return str(body["detail"])


# ---- Responses --------------------------------------------------------------------------------------------


def test_data_of_the_seller_is_returned(token: str, seller: Seller) -> None:
    answer = call(token)
    assert answer.status_code == 200
    assert answer["Content-Type"] == MEDIA_TYPE
    assert answer["Cache-Control"] == "no-store"
    assert answer.json() == {
        "retailerId": seller.retailer_id,
        "displayName": "Café d’Été",
        "companyName": "Été B.V.",
        "vatNumber": "NL001234567B01",
        "kvkNumber": "12345678",
        "registrationDate": "2020-02-29",
    }


# ---- Media types ------------------------------------------------------------------------------------------


ACCEPTABLE = [
    "application/vnd.retailer.v9+json",
    "Application/VND.Retailer.V123+JSON",
    "  application/json  ",
    "application/*",
    "",
    "text/html, application/vnd.retailer.v10+json",
    "text/html;q=0.9,*/*;q=0.1",
    "application/vnd.retailer.v10+json; charset=utf-8",
    "text/html;q=0, application/json;q=0.5",
]
NOT_ACCEPTABLE = [
    "text/html",
    "text/*",
    "application/vnd.retailer+json",
    "application/vnd.retailer.v+json",
    "application/vnd.retailer.v10+jsonx",
    "json",
    "application/json;q=0",
    "application/vnd.retailer.v10+json; Q=0.000",
    "x" * 10_000,
    "é",
]


def test_vendor_media_types_are_returned_if_acceptable(token: str) -> None:
    """RFC 9110 §12.5.1."""
    for accept in ACCEPTABLE:
        answer = call(token, Accept=accept)
        assert (answer.status_code, answer["Content-Type"]) == (200, MEDIA_TYPE), accept


def test_other_media_types_are_not_acceptable(token: str) -> None:
    """RFC 9110 §15.5.7; with and without a token."""
    for accept in NOT_ACCEPTABLE:
        assert MEDIA_TYPE in assert_problem(call(token, Accept=accept), 406, "Not Acceptable")
        assert_problem(Client().get(ADDRESS, headers={"Accept": accept}), 406, "Not Acceptable")


def test_missing_accept_header_accepts_anything(token: str) -> None:
    """RFC 9110 §12.5.1."""
    assert call(token).status_code == 200


# ---- Refusals ---------------------------------------------------------------------------------------------


def test_missing_token_gets_a_challenge(db: None) -> None:
    """RFC 6750 §3."""
    answer = Client().get(ADDRESS)
    assert_problem(answer, 401, "Unauthorized")
    assert answer["WWW-Authenticate"].startswith('Bearer realm="Retailer API"')


def test_expired_token_is_reported_as_expired(token: str, time_machine: TimeMachineFixture) -> None:
    """Existing clients look for exactly these words."""
    time_machine.move_to(timezone.now() + dt.timedelta(seconds=300), tick=False)
    answer = call(token)
    detail = assert_problem(answer, 401, "Expired JWT")
    assert detail.startswith("JWT expired at ")
    ended_at = dt.datetime.fromisoformat(detail.removeprefix("JWT expired at "))
    assert dt.timedelta(0) <= timezone.now() - ended_at < dt.timedelta(seconds=5)
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_malformed_token_is_reported_as_invalid(db: None) -> None:
    for broken in ("x", "a.b.c", "é", "\x00", "x" * 50_000):
        assert_problem(call(broken), 401, "Invalid JWT")


def test_revoked_token_is_reported_as_revoked(warehouse: Software, token: str) -> None:
    warehouse.post("/revoke", token=token)
    assert_problem(call(token), 401, "Revoked JWT")


def test_closed_seller_is_reported_as_not_active(token: str) -> None:
    Seller.objects.update(closed_at=timezone.now())
    assert assert_problem(call(token), 403, "Forbidden").startswith("Account is not active")


def test_missing_right_is_named(warehouse: Software) -> None:
    """RFC 6750 §3.1."""
    answer = call(warehouse.access_token(scope="orders:manage"))
    assert "retailer-info:read" in assert_problem(answer, 403, "Forbidden")
    assert 'error="insufficient_scope"' in answer["WWW-Authenticate"]
    assert 'scope="retailer-info:read"' in answer["WWW-Authenticate"]


def test_required_right_is_sufficient(warehouse: Software) -> None:
    assert call(warehouse.access_token(scope="retailer-info:read")).status_code == 200


def test_removed_right_is_missing_in_the_next_call(warehouse: Software, token: str) -> None:
    type(ClientCredentialFactory.build()).objects.filter(client_id=warehouse.client_id).update(scope="orders:read")
    assert_problem(call(token), 403, "Forbidden")


def test_only_get_and_head_are_allowed(token: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = Client().generic(method, ADDRESS, headers=header(f"Bearer {token}"))
        assert_problem(answer, 405, "Method Not Allowed")
        assert answer["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("address", [f"{ADDRESS}/", "/retailer/retailers/", "/retailer/retailers/1234567", "/retailer"])
def test_other_addresses_of_the_api_do_not_exist(token: str, address: str) -> None:
    assert Client().get(address, headers=header(f"Bearer {token}")).status_code in {302, 404}


# ---- Request ids ------------------------------------------------------------------------------------------


def test_request_id_is_in_the_response_and_in_every_log_line(token: str) -> None:
    with listening() as log:
        assert call(token, **{"X-Request-ID": "vraag-42"})["X-Request-ID"] == "vraag-42"
    assert log.lines
    assert all("vraag-42" in line for line in log.lines)


def test_error_response_has_a_request_id(db: None) -> None:
    assert Client().get(ADDRESS, headers={"X-Request-ID": "vraag-43"})["X-Request-ID"] == "vraag-43"
    assert len(Client().get(ADDRESS)["X-Request-ID"]) == 32

"""Counts of use and problems at `/token`, `/verify` and `/retailer/…`: their subject and cause."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import Actor, Seller
from apicredentials.keys import secret_format
from apicredentials.models import ClientCredential, OAuthClient, ThirdPartyAuthorization, Usage
from apicredentials.oauth import counting
from apicredentials.oauth.throttle import FAILURES_PER_CLIENT
from tests.factories import ClientCredentialFactory
from tests.oauth.flow import Software

type Counted = dict[tuple[str, str, str], int]


@pytest.fixture(autouse=True)
def _forget_other_tests() -> Iterator[None]:
    counting._counts._take()
    yield
    counting._counts._take()


@pytest.fixture
def authorization(tokens: dict[str, Any]) -> ThirdPartyAuthorization:
    """The authorisation of `tokens`, without the count of the exchange."""
    counting._counts._take()
    return ThirdPartyAuthorization.objects.get()


def counted() -> Counted:
    """Write and return the counts, by subject, event and right."""
    counting.flush()
    return {(row.subject, row.event, row.right): row.count for row in Usage.objects.all()}


def call(token: str, path: str = "/verify", **headers: str) -> int:
    return Client().get(path, headers={"Authorization": f"Bearer {token}"} | headers).status_code


# ---- Use ----------------------------------------------------------------------------------------------------


def test_token_of_a_credential_is_counted(warehouse: Software) -> None:
    warehouse.access_token()
    warehouse.access_token(scope="orders:read")
    assert counted() == {(warehouse.client_id, "token_request", ""): 2}


def test_tokens_of_a_third_party_are_counted_for_the_authorisation(party: Software, tokens: dict[str, Any]) -> None:
    assert party.refresh(tokens["refresh_token"]).status_code == 200
    assert counted() == {(ThirdPartyAuthorization.objects.get().uid, "token_request", ""): 2}


def test_calls_of_a_credential_are_counted(warehouse: Software) -> None:
    token = warehouse.access_token()
    assert call(token, "/verify?scope=orders:read") == 204
    assert call(token, "/retailer/retailers/current") == 200
    assert counted()[warehouse.client_id, "api_call", ""] == 2


def test_calls_of_a_third_party_are_counted_for_the_authorisation(
    authorization: ThirdPartyAuthorization, tokens: dict[str, Any]
) -> None:
    assert call(tokens["access_token"]) == 204
    assert call(tokens["access_token"], "/retailer/retailers/current") == 200
    assert counted() == {(authorization.uid, "api_call", ""): 2}


def test_address_and_software_of_a_call_are_stored(warehouse: Software) -> None:
    call(warehouse.access_token(), **{"User-Agent": "magazijn/2.1"})
    counting.flush()
    row = Usage.objects.get(event="api_call")
    assert (row.address, row.agent) == ("127.0.0.1", "magazijn/2.1")


def test_refused_token_or_format_is_not_counted(warehouse: Software) -> None:
    token = warehouse.access_token()
    counting._counts._take()
    assert call("onzin") == 401
    assert call(token, "/retailer/retailers/current", Accept="text/html") == 406
    assert call(token, "/verify?scope=no%20scope") == 403
    assert Client().get("/verify").status_code == 401
    assert counted() == {}


# ---- Problems of client authentication ----------------------------------------------------------------------


def change(software: Software, **values: Any) -> None:
    OAuthClient.objects.filter(client_id=software.client_id).update(**values)


def end_secret(software: Software) -> None:
    ClientCredential.objects.get(client_id=software.client_id).secrets.update(ends_at=timezone.now())


@pytest.mark.parametrize(
    ("cause", "act"),
    [
        ("paused", lambda software: change(software, paused_at=timezone.now())),
        ("closed", lambda software: Seller.objects.update(closed_at=timezone.now())),
        ("ended_secret", end_secret),
        ("ended_secret", lambda software: change(software, deleted_at=timezone.now())),
    ],
)
def test_refused_client_is_counted_with_its_cause(warehouse: Software, cause: str, act: Any) -> None:
    act(warehouse)
    answer = warehouse.token(grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert counted() == {(warehouse.client_id, cause, ""): 1}


@pytest.mark.parametrize("secret", [secret_format.generate(), "afgebroken"], ids=["well-formed", "cut off"])
def test_wrong_secret_is_counted(warehouse: Software, secret: str) -> None:
    change(warehouse, paused_at=timezone.now())  # resuming would not help while the secret is wrong
    assert Software(warehouse.client_id, secret).token(grant_type="client_credentials").status_code == 401
    assert counted() == {(warehouse.client_id, "wrong_secret", ""): 1}


def test_several_causes_within_a_minute_are_all_counted(warehouse: Software) -> None:
    Software(warehouse.client_id, secret_format.generate()).token(grant_type="client_credentials")
    change(warehouse, paused_at=timezone.now())
    warehouse.token(grant_type="client_credentials")
    change(warehouse, paused_at=None)
    warehouse.token(grant_type="client_credentials", scope="orders:reed")
    assert set(counted()) == {
        (warehouse.client_id, "wrong_secret", ""),
        (warehouse.client_id, "paused", ""),
        (warehouse.client_id, "unknown_scope", "orders:reed"),
    }


def test_ended_secret_is_counted_while_the_new_one_works(seller: Seller) -> None:
    credential = ClientCredentialFactory(seller=seller)
    old = credential.reveal(by=Actor())
    new = credential.rotate(overlap=dt.timedelta(), by=Actor())
    assert Software(credential.client_id, old).token(grant_type="client_credentials").status_code == 401
    assert Software(credential.client_id, new).token(grant_type="client_credentials").status_code == 200
    assert counted() == {
        (credential.client_id, "ended_secret", ""): 1,
        (credential.client_id, "token_request", ""): 1,
    }


@pytest.mark.django_db
def test_unknown_client_is_not_written() -> None:
    assert Software(str(uuid4()), secret_format.generate()).token(grant_type="client_credentials").status_code == 401
    assert counted() == {}


def test_too_many_attempts_are_counted(warehouse: Software, time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(dt.datetime(2026, 6, 1, 12, 0, tzinfo=dt.UTC), tick=False)
    for _ in range(FAILURES_PER_CLIENT + 2):
        Software(warehouse.client_id, secret_format.generate()).token(grant_type="client_credentials")
    assert counted() == {
        (warehouse.client_id, "wrong_secret", ""): FAILURES_PER_CLIENT,
        (warehouse.client_id, "too_many_attempts", ""): 2,
    }


# ---- Problems of rights, codes and refresh tokens -------------------------------------------------------------


def test_missing_right_is_counted_by_its_name(warehouse: Software) -> None:
    token = warehouse.access_token(scope="orders:read")
    counting._counts._take()
    assert call(token, "/verify?scope=offers:read") == 403
    assert call(token, "/retailer/retailers/current") == 403
    assert counted() == {
        (warehouse.client_id, "missing_right", "offers:read"): 1,
        (warehouse.client_id, "missing_right", "retailer-info:read"): 1,
    }


def test_call_for_a_closed_seller_is_counted(authorization: ThirdPartyAuthorization, tokens: dict[str, Any]) -> None:
    Seller.objects.update(closed_at=timezone.now())
    assert call(tokens["access_token"]) == 403
    assert counted() == {(authorization.uid, "closed", ""): 1}


def test_unknown_scope_at_a_refresh_is_counted(
    party: Software, authorization: ThirdPartyAuthorization, tokens: dict[str, Any]
) -> None:
    assert party.refresh(tokens["refresh_token"], scope="offline_access orders:reed").status_code == 400
    assert counted() == {(authorization.uid, "unknown_scope", "orders:reed"): 1}


def test_unknown_code_is_counted_for_the_party(party: Software) -> None:
    assert party.exchange("verzonnen").status_code == 400
    assert counted() == {(party.client_id, "code_refused", ""): 1}


def test_expired_code_is_counted_for_the_authorisation(
    party: Software, code: str, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(timezone.now() + dt.timedelta(seconds=61), tick=False)
    assert party.exchange(code).status_code == 400
    assert counted() == {(ThirdPartyAuthorization.objects.get().uid, "code_refused", ""): 1}


def test_code_used_twice_is_counted(party: Software, code: str, authorization: ThirdPartyAuthorization) -> None:
    assert party.exchange(code).status_code == 400
    assert counted() == {(authorization.uid, "code_refused", ""): 1}


def test_old_refresh_token_is_counted(
    party: Software,
    tokens: dict[str, Any],
    authorization: ThirdPartyAuthorization,
    time_machine: TimeMachineFixture,
) -> None:
    party.refresh(tokens["refresh_token"])
    counting._counts._take()
    time_machine.move_to(timezone.now() + dt.timedelta(minutes=2), tick=False)
    assert party.refresh(tokens["refresh_token"]).status_code == 400
    assert counted() == {(authorization.uid, "refresh_token_replayed", ""): 1}


def test_stopped_authorisation_counts_each_further_attempt(
    party: Software,
    tokens: dict[str, Any],
    authorization: ThirdPartyAuthorization,
    time_machine: TimeMachineFixture,
) -> None:
    newest = party.refresh(tokens["refresh_token"]).json()["refresh_token"]
    time_machine.move_to(timezone.now() + dt.timedelta(minutes=2), tick=False)
    party.refresh(tokens["refresh_token"])
    counting._counts._take()
    assert party.refresh(newest).status_code == 400
    assert counted() == {(authorization.uid, "refresh_token_replayed", ""): 1}


def test_refresh_for_a_closed_seller_is_counted(
    party: Software, authorization: ThirdPartyAuthorization, tokens: dict[str, Any]
) -> None:
    Seller.objects.update(closed_at=timezone.now())
    assert party.refresh(tokens["refresh_token"]).status_code == 400
    assert counted() == {(authorization.uid, "closed", ""): 1}


def test_refresh_of_a_suspended_party_is_counted_for_the_party(
    party: Software, authorization: ThirdPartyAuthorization, tokens: dict[str, Any]
) -> None:
    change(party, paused_at=timezone.now())
    assert party.refresh(tokens["refresh_token"]).status_code == 401
    assert counted() == {(party.client_id, "paused", ""): 1}


def test_removed_party_is_not_counted_as_a_problem(
    party: Software, authorization: ThirdPartyAuthorization, tokens: dict[str, Any]
) -> None:
    authorization.revoke(by=Actor())
    assert party.refresh(tokens["refresh_token"]).status_code == 400
    assert counted() == {}

"""`GET /authorizations`: a third party lists its consents and their states."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Actor, Seller, User
from apicredentials.keys import secret_format
from apicredentials.models import ThirdParty, ThirdPartyAuthorization
from apicredentials.models.leak_reports import report_leak_of
from apicredentials.models.states import Cause, State
from apicredentials.oauth.throttle import FAILURES_PER_CLIENT
from tests.factories import SellerFactory, ThirdPartyAuthorizationFactory, ThirdPartyFactory
from tests.oauth.flow import ISSUER, Software, assert_error, basic, header, software

ADDRESS = "/authorizations"


def read(client: Software, address: str = ADDRESS) -> Any:
    return Client().get(address, headers=header(client.authorization))


def listed(client: Software) -> list[dict[str, str]]:
    answer = read(client)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, str]] = answer.json()["authorizations"]
    return found


@pytest.fixture
def row(party: Software) -> ThirdParty:
    row: ThirdParty = ThirdParty.objects.get(client_id=party.client_id)
    return row


@pytest.fixture
def authorization(row: ThirdParty) -> ThirdPartyAuthorization:
    return ThirdPartyAuthorizationFactory(third_party=row, scope="orders:manage orders:read")


# ---- Content ------------------------------------------------------------------------------------------------


def test_party_without_consents_gets_an_empty_list(party: Software) -> None:
    answer = read(party)
    assert (answer.status_code, answer.json()) == (200, {"authorizations": [], "next": None})
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    assert not answer.cookies


def test_consents_of_the_party_are_listed(party: Software, row: ThirdParty, time_machine: Any) -> None:
    time_machine.move_to(dt.datetime(2026, 5, 17, 12, 0, 0, 123456, tzinfo=dt.UTC), tick=False)
    seller = SellerFactory(display_name="Fietsen & zo")
    authorization = ThirdPartyAuthorizationFactory(third_party=row, seller=seller, scope="orders:manage orders:read")
    assert listed(party) == [
        {
            "authorization_id": authorization.uid,
            "retailer_id": seller.retailer_id,
            "display_name": "Fietsen & zo",
            "scope": "orders:read orders:manage",
            "state": "active",
            "granted_at": "2026-05-17T12:00:00+00:00",
            "expires_at": "2027-05-17T12:00:00+00:00",
        }
    ]


def test_right_removed_from_the_registration_is_not_listed(
    party: Software, row: ThirdParty, authorization: ThirdPartyAuthorization
) -> None:
    row.change(by=Actor(), scope="orders:read")
    assert [each["scope"] for each in listed(party)] == ["orders:read"]


def test_consents_to_another_party_are_not_listed(party: Software, authorization: ThirdPartyAuthorization) -> None:
    stranger = software(ThirdPartyFactory())
    other = ThirdPartyAuthorizationFactory(
        seller=authorization.seller, third_party=ThirdParty.objects.get(client_id=stranger.client_id)
    )
    assert [each["authorization_id"] for each in listed(party)] == [authorization.uid]
    assert [each["authorization_id"] for each in listed(stranger)] == [other.uid]


# ---- States -------------------------------------------------------------------------------------------------


def replay(authorization: ThirdPartyAuthorization) -> None:
    authorization.stop(Cause.REFRESH_TOKEN_REPLAYED, by=Actor.machine())


def switch_giver_off(authorization: ThirdPartyAuthorization) -> None:
    User.objects.update(is_active=False)


def end_year(authorization: ThirdPartyAuthorization) -> None:
    ThirdPartyAuthorization.objects.update(expires_at=timezone.now())


def end_soon(authorization: ThirdPartyAuthorization) -> None:
    ThirdPartyAuthorization.objects.update(expires_at=timezone.now() + dt.timedelta(days=1))


def close_seller(authorization: ThirdPartyAuthorization) -> None:
    Seller.objects.update(closed_at=timezone.now())


STATES = [
    (end_soon, State.ACTIVE),
    (end_year, State.EXPIRED),
    (lambda authorization: authorization.revoke(by=Actor()), State.REVOKED),
    (replay, State.STOPPED),
    (switch_giver_off, State.STOPPED),
    (close_seller, State.SUSPENDED),
    (lambda authorization: authorization.third_party.pause(by=Actor()), State.SUSPENDED),
]


@pytest.mark.parametrize(("act", "state"), STATES)
def test_state_is_the_one_on_the_sellers_page(
    party: Software, authorization: ThirdPartyAuthorization, act: Any, state: State
) -> None:
    act(authorization)
    assert [each["state"] for each in listed(party)] == [state.value]


def test_replaced_consent_is_listed_with_the_new_one(party: Software, authorization: ThirdPartyAuthorization) -> None:
    authorization.revoke(by=Actor())
    ThirdPartyAuthorizationFactory(third_party=authorization.third_party, seller=authorization.seller)
    assert sorted(each["state"] for each in listed(party)) == ["active", "revoked"]


# ---- Pages --------------------------------------------------------------------------------------------------


@pytest.fixture
def many(row: ThirdParty) -> set[str]:
    """The ids of 201 consents: two full pages and a third with one."""
    seller = SellerFactory()
    made = ThirdPartyAuthorizationFactory.build_batch(
        201, third_party=row, seller=seller, ended=True, granted_by=seller.members.get()
    )
    return {each.uid for each in ThirdPartyAuthorization.objects.bulk_create(made)}


def test_following_next_lists_every_consent_once(party: Software, many: set[str]) -> None:
    address, pages = ADDRESS, []
    while address:
        answer = read(party, address).json()
        pages.append([each["authorization_id"] for each in answer["authorizations"]])
        address = answer["next"]
        assert address is None or address.startswith(f"{ISSUER}/authorizations?cursor=")
    assert [len(page) for page in pages] == [100, 100, 1]
    assert {each for page in pages for each in page} == many


def test_full_last_page_has_no_next(party: Software, many: set[str]) -> None:
    kept = sorted(many)[:100]
    ThirdPartyAuthorization.objects.exclude(uid__in=kept).delete()
    answer = read(party).json()
    assert (len(answer["authorizations"]), answer["next"]) == (100, None)


def test_cursor_works_after_its_consent_was_deleted(party: Software, many: set[str]) -> None:
    following = read(party).json()["next"]
    ThirdPartyAuthorization.objects.get(uid=sorted(many)[99]).delete()
    assert len(read(party, following).json()["authorizations"]) == 100


def test_cursor_of_another_party_lists_own_consents_only(party: Software, many: set[str]) -> None:
    following = read(party).json()["next"]
    answer = read(software(ThirdPartyFactory()), following)
    assert answer.json() == {"authorizations": [], "next": None}


def test_malformed_cursor_is_an_invalid_request(party: Software) -> None:
    for cursor in ("x", "1", "%00", "%FF", "a&cursor=b", "é", "' OR 1=1", "0" * 36):
        assert_error(read(party, f"{ADDRESS}?cursor={cursor}"), "invalid_request")


def test_next_uses_the_issuer_and_not_the_host_header(party: Software, many: set[str]) -> None:
    answer = Client().get(ADDRESS, headers=header(party.authorization) | {"Host": "localhost"})
    assert answer.json()["next"].startswith(f"{ISSUER}/")


def test_page_takes_two_statements_for_any_number_of_rows(party: Software, many: set[str]) -> None:
    read(party)  # the first use of a minute is stored
    for left in (201, 1, 0):
        ThirdPartyAuthorization.objects.exclude(uid__in=sorted(many)[:left]).delete()
        with CaptureQueriesContext(connection) as queries:
            assert len(listed(party)) == min(left, 100)
        assert len(queries) == 2


# ---- Client authentication ----------------------------------------------------------------------------------


@pytest.mark.parametrize("client", ["warehouse", "gateway"])
def test_other_kinds_of_clients_are_refused(client: str, request: pytest.FixtureRequest) -> None:
    assert_error(read(request.getfixturevalue(client)), "unauthorized_client", 403)


def test_authentication_is_required(party: Software, authorization: ThirdPartyAuthorization) -> None:
    answer = Client().get(ADDRESS)
    assert_error(answer, "invalid_client", 401)
    assert answer["WWW-Authenticate"].startswith("Basic ")
    assert_error(read(replace(party, secret=secret_format.generate())), "invalid_client", 401)
    assert_error(read(replace(party, secret="")), "invalid_client", 401)
    assert_error(Client().get(f"{ADDRESS}?client_id={party.client_id}"), "invalid_client", 401)


def test_access_token_does_not_authenticate(tokens: dict[str, Any]) -> None:
    answer = Client().get(ADDRESS, headers=header(f"Bearer {tokens['access_token']}"))
    assert_error(answer, "invalid_client", 401)


def test_public_party_is_refused(db: None) -> None:
    """Its client id is public, so anybody could read the list."""
    public = software(ThirdPartyFactory(public=True))
    assert_error(Client().get(f"{ADDRESS}?client_id={public.client_id}"), "invalid_client", 401)
    assert_error(Client().get(ADDRESS, headers=header(basic(public.client_id, ""))), "invalid_client", 401)


def test_secret_in_the_url_is_refused(party: Software) -> None:
    answer = Client().get(f"{ADDRESS}?client_id={party.client_id}&client_secret={party.secret}")
    assert_error(answer, "invalid_request")


def test_leaked_secret_is_refused(party: Software, row: ThirdParty, authorization: ThirdPartyAuthorization) -> None:
    report_leak_of(row, by=Actor())
    assert_error(read(party), "invalid_client", 401)


def test_new_secret_after_a_leak_is_accepted(
    row: ThirdParty, party: Software, authorization: ThirdPartyAuthorization
) -> None:
    report_leak_of(row, by=Actor())
    row.refresh_from_db()
    renewed = replace(party, secret=row.rotate(overlap=dt.timedelta(), by=Actor()))
    assert [each["state"] for each in listed(renewed)] == ["suspended"]


def test_suspended_party_still_gets_no_token(party: Software, row: ThirdParty) -> None:
    row.pause(by=Actor())
    assert listed(party) == []
    assert_error(party.refresh("x"), "invalid_client", 401)
    assert_error(party.post("/revoke", token="x"), "invalid_client", 401)


def test_failures_share_the_throttle_of_token(party: Software, time_machine: Any) -> None:
    time_machine.move_to(dt.datetime(2026, 5, 17, 12, tzinfo=dt.UTC), tick=False)
    wrong = replace(party, secret=secret_format.generate())
    for _ in range(FAILURES_PER_CLIENT - 1):
        wrong.token(grant_type="client_credentials")
    assert read(wrong).status_code == 401
    answer = read(wrong)
    assert_error(answer, "temporarily_unavailable", 429)
    assert answer["Retry-After"] == "60"
    assert read(party).status_code == 200


def test_only_get_and_head_are_allowed(party: Software) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        answer = Client().generic(method, ADDRESS, headers=header(party.authorization))
        assert_error(answer, "invalid_request", 405)
        assert answer["Allow"] == "GET, HEAD"


def test_head_gets_the_headers_of_get(party: Software) -> None:
    answer = Client().head(ADDRESS, headers=header(party.authorization))
    assert (answer.status_code, answer["Content-Type"], answer.content) == (200, "application/json", b"")

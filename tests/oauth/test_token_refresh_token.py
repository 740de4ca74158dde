"""Refreshing (RFC 6749 §6, RFC 9700 §4.14.2): rotating refresh tokens, or fixed ones if registered so."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from time_machine import TimeMachineFixture

from accounts.models import Actor
from apicredentials import scopes
from apicredentials.keys.hash_keys import new_hash_key
from apicredentials.models import Activity, RefreshToken, ThirdParty, ThirdPartyAuthorization
from apicredentials.oauth.sql import grant_chains
from apicredentials.oauth.sql.grant_chains import GrantState
from tests.factories import ThirdPartyFactory
from tests.oauth.flow import (
    Software,
    assert_error,
    claims,
    decide,
    request_address,
    rights,
    sent_back,
    software,
)

ALL = scopes.join(scopes.ALL)
FIXED = ThirdParty.RefreshTokens.FIXED


def connect(owner: Client, party: Software, ticked: list[str] | None = None, **changes: str | None) -> dict[str, Any]:
    """Return the tokens for an authorization request that the owner allows."""
    code = sent_back(decide(owner, request_address(party, **changes), scopes=ticked))["code"]
    answer: dict[str, Any] = party.exchange(code).json()
    return answer


@pytest.fixture
def fixed(db: None) -> Software:
    """A party registered with fixed refresh tokens."""
    return software(ThirdPartyFactory(refresh_tokens=FIXED))


@pytest.fixture
def later(time_machine: TimeMachineFixture) -> Callable[[float], None]:
    """Stop the clock; each call moves it to that many seconds after the start."""
    start = timezone.now()
    time_machine.move_to(start, tick=False)
    return lambda seconds: time_machine.move_to(start + dt.timedelta(seconds=seconds), tick=False)


# ---- The response -----------------------------------------------------------------------------------------


def test_refresh_returns_a_new_access_token_and_refresh_token(party: Software, tokens: dict[str, Any]) -> None:
    """RFC 6749 §6."""
    answer = party.refresh(tokens["refresh_token"])
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert rights(body.pop("access_token")) == ALL
    assert body.pop("refresh_token") != tokens["refresh_token"]
    assert body == {
        "token_type": "Bearer",
        "expires_in": 599,
        "scope": "offline_access",
        "granted_scope": ALL,
        "authorization_expires_at": tokens["authorization_expires_at"],
    }


def test_refreshing_can_be_repeated(party: Software, tokens: dict[str, Any]) -> None:
    for _ in range(5):
        tokens = party.refresh(tokens["refresh_token"]).json()
    assert rights(tokens["access_token"]) == ALL


def test_previous_access_token_stays_valid_until_it_expires(party: Software, tokens: dict[str, Any]) -> None:
    """Requests in flight must not fail because their client refreshed."""
    party.refresh(tokens["refresh_token"])
    assert rights(tokens["access_token"]) == ALL


def test_stored_hash_does_not_work_as_a_refresh_token(party: Software, tokens: dict[str, Any]) -> None:
    assert tokens
    assert_error(party.refresh(RefreshToken.objects.get().token_checksum), "invalid_grant")


# ---- Scope ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["offline_access", "orders:manage offers:read", "offline_access orders:read"])
def test_refresh_with_the_same_scope_returns_that_scope(owner: Client, party: Software, scope: str) -> None:
    first = connect(owner, party, scope=scope)
    again = party.refresh(first["refresh_token"], scope=scope).json()
    assert again["scope"] == first["scope"] == scope
    assert again["granted_scope"] == first["granted_scope"]


def test_refresh_may_narrow_one_access_token(owner: Client, party: Software) -> None:
    """RFC 6749 §6, §3.3: the scope in the response is that of the access token."""
    first = connect(owner, party, scope="orders:manage offers:read")
    less = party.refresh(first["refresh_token"], scope="orders:read").json()
    assert less["scope"] == less["granted_scope"] == "orders:read"
    assert rights(less["access_token"]) == "orders:read"
    full = party.refresh(less["refresh_token"]).json()
    assert full["scope"] == "orders:manage offers:read"
    assert rights(full["access_token"]) == "offers:read orders:read orders:manage"


def test_refresh_may_narrow_after_a_consent_without_named_rights(party: Software, tokens: dict[str, Any]) -> None:
    less = party.refresh(tokens["refresh_token"], scope="orders:read").json()
    assert less["scope"] == "orders:read"
    assert rights(less["access_token"]) == "orders:read"


def test_refresh_cannot_widen_the_scope(owner: Client, party: Software) -> None:
    """RFC 6749 §6: the scope MUST NOT include any scope not originally granted."""
    tokens = connect(owner, party, ["orders:read", "offers:read"], scope="orders:manage offers:read")
    for scope in ("offers:manage", "orders:read offers:manage", "RETAILER", "x:read", " ", "orders:manage"):
        assert_error(party.refresh(tokens["refresh_token"], scope=scope), "invalid_scope")
    assert party.refresh(tokens["refresh_token"]).status_code == 200


def test_refresh_after_a_narrower_consent_returns_fewer_rights(
    owner: Client, party: Software, tokens: dict[str, Any]
) -> None:
    connect(owner, party, ["orders:read"])
    body = party.refresh(tokens["refresh_token"], scope="offline_access").json()
    assert (body["scope"], body["granted_scope"]) == ("offline_access", "orders:read")
    assert rights(body["access_token"]) == "orders:read"


# ---- Lost responses and stolen tokens ---------------------------------------------------------------------


def test_refresh_repeated_within_thirty_seconds_returns_the_same_successor(
    party: Software, tokens: dict[str, Any], later: Callable[[float], None]
) -> None:
    """A lost response must not end the access, and the repetition must not start a second chain."""
    lost = party.refresh(tokens["refresh_token"]).json()
    later(30)
    found = party.refresh(tokens["refresh_token"]).json()
    assert found["refresh_token"] == lost["refresh_token"]
    assert RefreshToken.objects.filter(revoked=None).count() == 1
    assert rights(found["access_token"]) == ALL
    assert party.refresh(found["refresh_token"]).status_code == 200


def test_only_the_predecessor_of_the_newest_token_may_be_repeated(party: Software, tokens: dict[str, Any]) -> None:
    """A repeat of an older one would return a token that is itself replaced. It is treated as theft."""
    second = party.refresh(tokens["refresh_token"]).json()
    third = party.refresh(second["refresh_token"]).json()
    assert party.refresh(second["refresh_token"]).json()["refresh_token"] == third["refresh_token"]
    assert_error(party.refresh(tokens["refresh_token"]), "invalid_grant")
    assert_error(party.refresh(third["refresh_token"]), "invalid_grant")
    assert [rights(made["access_token"]) for made in (tokens, second, third)] == ["", "", ""]


def test_refresh_overtaken_by_two_others_returns_no_replaced_token(
    party: Software, tokens: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The successor may be used between reading the presented token and replacing it."""
    replace = grant_chains.replace

    def overtaken(state: GrantState) -> bool:
        monkeypatch.setattr(grant_chains, "replace", replace)
        assert party.refresh(party.refresh(tokens["refresh_token"]).json()["refresh_token"]).status_code == 200
        return replace(state)

    monkeypatch.setattr(grant_chains, "replace", overtaken)
    assert_error(party.refresh(tokens["refresh_token"]), "invalid_grant")


def test_later_reuse_of_a_refresh_token_ends_its_chain(
    party: Software, tokens: dict[str, Any], later: Callable[[float], None]
) -> None:
    """RFC 9700 §4.14.2, V10.4.5: the access tokens end too."""
    successor = party.refresh(tokens["refresh_token"]).json()
    later(31)
    assert_error(party.refresh(tokens["refresh_token"]), "invalid_grant")
    assert [rights(made["access_token"]) for made in (tokens, successor)] == ["", ""]
    assert_error(party.refresh(successor["refresh_token"]), "invalid_grant")
    assert (
        Activity.objects.filter(kind=Activity.Kind.PARTY_STOPPED, details__cause="refresh_token_replayed").count() == 1
    )


def test_theft_does_not_end_other_grants_of_the_party(
    owner: Client, party: Software, tokens: dict[str, Any], later: Callable[[float], None]
) -> None:
    other = connect(owner, party)
    party.refresh(tokens["refresh_token"])
    later(31)
    assert_error(party.refresh(tokens["refresh_token"]), "invalid_grant")
    assert rights(other["access_token"]) == ALL


def test_replay_without_the_secret_ends_nothing(
    party: Software, tokens: dict[str, Any], later: Callable[[float], None]
) -> None:
    successor = party.refresh(tokens["refresh_token"]).json()
    later(31)
    assert_error(Software(party.client_id, "rts_wrong").refresh(tokens["refresh_token"]), "invalid_client", 401)
    assert party.refresh(successor["refresh_token"]).status_code == 200


def test_repeated_refresh_returns_the_same_successor_after_a_new_hash_key(
    party: Software, tokens: dict[str, Any], settings: Settings
) -> None:
    lost = party.refresh(tokens["refresh_token"]).json()
    settings.SECRET_HASH_KEYS = f"{new_hash_key()} {settings.SECRET_HASH_KEYS}"
    assert party.refresh(tokens["refresh_token"]).json()["refresh_token"] == lost["refresh_token"]


def test_successor_cannot_be_computed_without_the_key(
    party: Software, tokens: dict[str, Any], settings: Settings
) -> None:
    """The thief of an old token must not be able to compute the new one from it."""
    lost = party.refresh(tokens["refresh_token"]).json()
    RefreshToken.objects.filter(revoked=None).delete()
    RefreshToken.objects.update(revoked=None)
    settings.SECRET_HASH_KEYS = f"{settings.SECRET_HASH_KEYS} {new_hash_key()}"
    assert party.refresh(tokens["refresh_token"]).json()["refresh_token"] != lost["refresh_token"]


# ---- Fixed refresh tokens ---------------------------------------------------------------------------------


def test_fixed_refresh_token_stays_the_same(owner: Client, fixed: Software, later: Callable[[float], None]) -> None:
    tokens = connect(owner, fixed)
    for seconds in (0, 31, 3600):
        later(seconds)
        body = fixed.refresh(tokens["refresh_token"]).json()
        assert body["refresh_token"] == tokens["refresh_token"]
        assert rights(body["access_token"]) == ALL


@pytest.mark.parametrize("registered_as", list(ThirdParty.RefreshTokens))
def test_use_is_stored_once_a_minute(owner: Client, later: Callable[[float], None], registered_as: str) -> None:
    party = software(ThirdPartyFactory(refresh_tokens=registered_as))
    tokens = connect(owner, party)
    start = ThirdPartyAuthorization.objects.get().last_used_at
    assert start is not None
    seen = []
    for seconds in (59, 60):
        later(seconds)
        tokens = party.refresh(tokens["refresh_token"]).json()
        seen.append((ThirdPartyAuthorization.objects.get().last_used_at or start) - start)
    assert seen == [dt.timedelta(0), dt.timedelta(seconds=60)]


def test_replaced_token_stays_invalid_after_switching_to_fixed_tokens(
    party: Software, tokens: dict[str, Any], later: Callable[[float], None]
) -> None:
    successor = party.refresh(tokens["refresh_token"]).json()
    ThirdParty.objects.update(refresh_tokens=FIXED)
    for presented in (successor, tokens):
        assert party.refresh(presented["refresh_token"]).json()["refresh_token"] == successor["refresh_token"]
    later(31)
    assert_error(party.refresh(tokens["refresh_token"]), "invalid_grant")
    assert_error(party.refresh(successor["refresh_token"]), "invalid_grant")


# ---- Tokens of others, and invalid tokens -----------------------------------------------------------------


def test_refresh_token_works_for_its_party_only(party: Software, tokens: dict[str, Any]) -> None:
    """RFC 6749 §6; an attempt by another client ends nothing."""
    stranger = software(ThirdPartyFactory())
    assert_error(stranger.refresh(tokens["refresh_token"]), "invalid_grant")
    assert party.refresh(tokens["refresh_token"]).status_code == 200


def test_anything_but_a_refresh_token_is_an_invalid_grant(party: Software, code: str) -> None:
    """V9.2.3."""
    tokens = party.exchange(code).json()
    assert rights(tokens["refresh_token"]) == ""
    for token in (tokens["access_token"], code, "x", "é", "'; --", "x" * 100_000, "\u202e", "a b"):
        assert_error(party.refresh(token), "invalid_grant")
    assert rights(tokens["access_token"]) == ALL


def test_missing_refresh_token_is_an_invalid_request(party: Software) -> None:
    for form in ({}, {"refresh_token": ""}):
        assert_error(party.token(grant_type="refresh_token", **form), "invalid_request")


# ---- The end ----------------------------------------------------------------------------------------------


def test_refreshing_does_not_move_the_end_of_the_authorisation(
    party: Software, tokens: dict[str, Any], later: Callable[[float], None]
) -> None:
    """V10.4.8."""
    later(86_400 * 300)
    assert (
        party.refresh(tokens["refresh_token"]).json()["authorization_expires_at"] == tokens["authorization_expires_at"]
    )


def test_no_access_token_outlives_the_authorisation(
    party: Software, tokens: dict[str, Any], time_machine: TimeMachineFixture
) -> None:
    ends_at = ThirdPartyAuthorization.objects.get().expires_at
    time_machine.move_to(ends_at - dt.timedelta(seconds=100), tick=False)
    body = party.refresh(tokens["refresh_token"]).json()
    assert body["expires_in"] == 100
    assert claims(body["access_token"])["exp"] <= ends_at.timestamp()
    time_machine.move_to(ends_at - dt.timedelta(seconds=2), tick=False)
    assert rights(body["access_token"]) == ALL
    time_machine.move_to(ends_at, tick=False)
    assert rights(body["access_token"]) == ""
    assert_error(party.refresh(body["refresh_token"]), "invalid_grant")


def test_refresh_token_works_again_after_a_renewal(
    party: Software, tokens: dict[str, Any], time_machine: TimeMachineFixture
) -> None:
    ends_at = ThirdPartyAuthorization.objects.get().expires_at
    time_machine.move_to(ends_at + dt.timedelta(days=3), tick=False)
    assert_error(party.refresh(tokens["refresh_token"]), "invalid_grant")
    ThirdPartyAuthorization.objects.update(expires_at=ends_at + dt.timedelta(days=365))
    assert rights(party.refresh(tokens["refresh_token"]).json()["access_token"]) == ALL


def remove(authorization: ThirdPartyAuthorization) -> None:
    authorization.revoke(by=Actor())


def close_seller(authorization: ThirdPartyAuthorization) -> None:
    type(authorization.seller).objects.update(closed_at=timezone.now())


def switch_user_off(authorization: ThirdPartyAuthorization) -> None:
    assert authorization.granted_by is not None
    type(authorization.granted_by).objects.update(is_active=False)


def forget_user(authorization: ThirdPartyAuthorization) -> None:
    ThirdPartyAuthorization.objects.update(granted_by=None)


@pytest.mark.parametrize("happens", [remove, close_seller, switch_user_off, forget_user])
def test_refresh_is_refused_when_the_authorisation_gives_no_access(
    party: Software, tokens: dict[str, Any], happens: Callable[[ThirdPartyAuthorization], None]
) -> None:
    """V7.4.2, V8.3.2, V10.4.9."""
    happens(ThirdPartyAuthorization.objects.get())
    assert_error(party.refresh(tokens["refresh_token"]), "invalid_grant")
    assert RefreshToken.objects.filter(revoked=None).count() == 1


@pytest.mark.parametrize("field", ["paused_at", "deleted_at"])
def test_deleted_party_is_refused(party: Software, tokens: dict[str, Any], field: str) -> None:
    ThirdParty.objects.update(**{field: timezone.now()})
    assert_error(party.refresh(tokens["refresh_token"]), "invalid_client", 401)
    assert rights(tokens["access_token"]) == ""


def test_narrower_registration_applies_at_once(party: Software, tokens: dict[str, Any]) -> None:
    """RFC 6749 §3.3: a seller cannot grant rights that the party is not registered for."""
    ThirdParty.objects.update(scope="orders:read")
    assert rights(tokens["access_token"]) == "orders:read"
    assert party.refresh(tokens["refresh_token"]).json()["granted_scope"] == "orders:read"


def test_removed_right_cannot_be_requested(owner: Client, party: Software) -> None:
    """RFC 6749 §6: the full original scope may be repeated; a single right in it must still be granted."""
    tokens = connect(
        owner, party, scope="orders:manage offers:read", ticked=["orders:manage", "orders:read", "offers:read"]
    )
    ThirdPartyAuthorization.objects.update(scope="orders:read")
    assert_error(party.refresh(tokens["refresh_token"], scope="offers:read"), "invalid_scope")
    again = party.refresh(tokens["refresh_token"], scope=tokens["scope"]).json()
    assert (again["scope"], again["granted_scope"]) == (tokens["scope"], "orders:read")


def test_client_without_a_secret_always_rotates(owner: Client) -> None:
    """RFC 9700 §2.2.2."""
    party = software(ThirdPartyFactory(client_type=ThirdParty.CLIENT_PUBLIC, refresh_tokens=FIXED))
    tokens = connect(owner, party)
    assert party.refresh(tokens["refresh_token"]).json()["refresh_token"] != tokens["refresh_token"]

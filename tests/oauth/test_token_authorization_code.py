"""The exchange of a code for tokens (RFC 6749 §4.1.3, RFC 7636, RFC 9700 §2.1.1)."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import Actor, Seller
from apicredentials import scopes
from apicredentials.models import Activity, Grant, RefreshToken, ThirdParty, ThirdPartyAuthorization
from tests.factories import REDIRECT_URI, ThirdPartyFactory
from tests.oauth.flow import (
    ISSUER,
    VERIFIER,
    Software,
    assert_error,
    claims,
    decide,
    request_address,
    rights,
    s256,
    sent_back,
    software,
    verify,
)

ALL = scopes.join(scopes.ALL)
NO_PKCE = {"code_challenge": None, "code_challenge_method": None}


@pytest.fixture
def without_pkce(db: None) -> Software:
    """A party registered without PKCE."""
    return software(ThirdPartyFactory(pkce_required=False))


def asked(owner: Client, party: Software, ticked: list[str] | None = None, **changes: str | None) -> str:
    """Return a code for this authorization request."""
    return sent_back(decide(owner, request_address(party, **changes), scopes=ticked))["code"]


def nothing_was_made() -> bool:
    return not RefreshToken.objects.exists()


# ---- The response -----------------------------------------------------------------------------------------


def test_response_to_an_existing_integration(party: Software, code: str) -> None:
    """RFC 6749 §5.1; if `offline_access` alone was requested, `scope` is exactly that."""
    answer = party.exchange(code)
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert len(body.pop("access_token")) > 43
    assert len(body.pop("refresh_token")) >= 43
    ends_at = ThirdPartyAuthorization.objects.get().expires_at
    assert dt.datetime.fromisoformat(body.pop("authorization_expires_at")) == ends_at.replace(microsecond=0)
    assert body == {"token_type": "Bearer", "expires_in": 599, "scope": "offline_access", "granted_scope": ALL}


def test_token_names_seller_party_and_authorisation(party: Software, tokens: dict[str, Any], seller: Seller) -> None:
    """RFC 9068 §2.2."""
    stated = claims(tokens["access_token"])
    assert stated["exp"] - stated["iat"] == 599
    assert {name: stated[name] for name in stated.keys() - {"iat", "exp", "jti", "grant_id"}} == {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": seller.retailer_id,
        "retailer_id": seller.retailer_id,
        "client_id": party.client_id,
        "authorization_id": ThirdPartyAuthorization.objects.get().uid,
        "scope": ALL,
    }


def test_response_lists_the_requested_rights(owner: Client, party: Software) -> None:
    """RFC 6749 §3.3."""
    body = party.exchange(asked(owner, party, scope="offline_access orders:manage offers:read")).json()
    assert body["scope"] == "offline_access orders:manage offers:read"
    assert body["granted_scope"] == "offers:read orders:read orders:manage"
    assert rights(body["access_token"]) == "offers:read orders:read orders:manage"


@pytest.mark.parametrize(
    ("scope", "ticked", "answered"),
    [
        ("orders:manage offers:read", ["orders:manage"], "orders:manage"),
        ("orders:manage", ["orders:read"], "orders:read"),
        ("offline_access orders:manage offers:manage", ["orders:read"], "offline_access orders:read"),
        ("orders:read orders:read", ["orders:read"], "orders:read"),
    ],
)
def test_response_lists_only_the_rights_that_the_seller_granted(
    owner: Client, party: Software, scope: str, ticked: list[str], answered: str
) -> None:
    """RFC 6749 §3.3: the server MUST inform the client when the scope differs from the requested one."""
    body = party.exchange(asked(owner, party, ticked, scope=scope)).json()
    assert body["scope"] == answered
    assert body["granted_scope"] == scopes.join(ticked)
    assert rights(body["access_token"]) == scopes.join(ticked)


# ---- Single use and lifetime ------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400), (3600, 400)])
def test_code_expires_after_sixty_seconds(
    owner: Client, party: Software, time_machine: TimeMachineFixture, seconds: int, status: int
) -> None:
    """RFC 6749 §4.1.2, V10.4.3."""
    start = timezone.now()
    time_machine.move_to(start, tick=False)
    code = asked(owner, party)
    time_machine.move_to(start + dt.timedelta(seconds=seconds), tick=False)
    answer = party.exchange(code)
    assert answer.status_code == status
    assert nothing_was_made() == (status == 400)
    assert status == 200 or answer.json()["error"] == "invalid_grant"


def test_code_works_once_and_its_second_use_ends_its_tokens(party: Software, code: str, tokens: dict[str, Any]) -> None:
    """RFC 6749 §4.1.2, OAuth 2.1 "Reuse of Authorization Codes", V10.4.2."""
    refreshed = party.refresh(tokens["refresh_token"]).json()
    assert_error(party.exchange(code), "invalid_grant")
    assert [rights(made["access_token"]) for made in (tokens, refreshed)] == ["", ""]
    assert_error(party.refresh(refreshed["refresh_token"]), "invalid_grant")
    assert_error(party.exchange(code), "invalid_grant")
    assert Activity.objects.filter(kind=Activity.Kind.PARTY_STOPPED, details__cause="code_replayed").count() == 1


def test_second_use_ends_the_tokens_even_long_after_the_first(
    party: Software, code: str, tokens: dict[str, Any], time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(timezone.now() + dt.timedelta(minutes=5))
    assert_error(party.exchange(code), "invalid_grant")
    assert rights(tokens["access_token"]) == ""


def test_second_use_does_not_end_other_grants_of_the_party(owner: Client, party: Software, code: str) -> None:
    other = party.exchange(asked(owner, party)).json()
    party.exchange(code)
    assert_error(party.exchange(code), "invalid_grant")
    assert rights(other["access_token"]) == ALL


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "https://partij.example/elders"}, "invalid_grant"),
    ],
)
def test_replay_without_proof_ends_nothing(
    party: Software, code: str, tokens: dict[str, Any], changes: dict[str, str | None], error: str
) -> None:
    """OAuth 2.1: otherwise anybody who saw the code could end the party's access."""
    assert_error(party.exchange(code, **changes), error)
    assert_error(Software(party.client_id, "rts_wrong").exchange(code), "invalid_client", 401)
    assert rights(tokens["access_token"]) == ALL


def test_code_is_stored_as_a_hash(code: str) -> None:
    """V10.4.3; at least 128 random bits (V11.5.1): the code has 43 characters of base64url."""
    assert len(code) == 43
    assert all(code not in str(value) for value in Grant.objects.values().get().values())


def test_stored_hash_does_not_work_as_a_code(party: Software, code: str) -> None:
    assert code
    assert_error(party.exchange(Grant.objects.get().code_hash), "invalid_grant")


def test_refresh_token_is_stored_as_a_hash(tokens: dict[str, Any]) -> None:
    stored = RefreshToken.objects.values().get().values()
    assert all(tokens["refresh_token"] not in str(value) for value in stored)


# ---- Bound to the party, the redirect URI and the challenge -----------------------------------------------


def test_code_works_for_its_party_only(party: Software, code: str) -> None:
    """RFC 6749 §4.1.3."""
    assert_error(software(ThirdPartyFactory()).exchange(code), "invalid_grant")
    assert nothing_was_made()
    access_token = party.exchange(code).json()["access_token"]
    assert_error(software(ThirdPartyFactory()).exchange(code), "invalid_grant")
    assert rights(access_token) == ALL


def test_redirect_uri_must_be_the_same_string(owner: Client) -> None:
    """RFC 6749 §4.1.3, and §5.2: invalid_grant. Another registered one is refused too."""
    party = software(ThirdPartyFactory(redirect_uris=f"{REDIRECT_URI} https://partij.example/ander"))
    code = asked(owner, party)
    wrong = ["https://partij.example/ander", f"{REDIRECT_URI}/", f"{REDIRECT_URI}?", f"{REDIRECT_URI}#x", "geen adres"]
    for redirect_uri in (*wrong, REDIRECT_URI.upper(), f" {REDIRECT_URI}"):
        assert_error(party.exchange(code, redirect_uri=redirect_uri), "invalid_grant")
    assert nothing_was_made()


def test_redirect_uri_may_be_omitted_with_pkce(party: Software, code: str) -> None:
    """OAuth 2.1 §10.1."""
    assert party.exchange(code, redirect_uri=None).status_code == 200


def test_redirect_uri_is_required_without_pkce(owner: Client, without_pkce: Software) -> None:
    """RFC 6749 §4.1.3."""
    code = asked(owner, without_pkce, **NO_PKCE)
    assert_error(without_pkce.exchange(code, code_verifier=None, redirect_uri=None), "invalid_grant")
    assert without_pkce.exchange(code, code_verifier=None).status_code == 200


def test_wrong_malformed_or_missing_verifier_is_refused(party: Software, code: str) -> None:
    """RFC 7636 §4.6: invalid_grant; RFC 9700 §4.8.2: PKCE downgrade."""
    malformed = [s256(VERIFIER), "kort", "x" * 129, "é" * 43, "%00" * 43]
    for verifier in ("x" * 43, VERIFIER[:-1], VERIFIER + "x", VERIFIER.upper(), *malformed):
        assert_error(party.exchange(code, code_verifier=verifier), "invalid_grant")
    for missing in (None, ""):
        assert_error(party.exchange(code, code_verifier=missing), "invalid_request")
    assert nothing_was_made()


def test_short_verifier_is_refused_although_its_hash_matches(owner: Client, party: Software) -> None:
    """RFC 7636 §4.1: at least 43 characters."""
    code = asked(owner, party, code_challenge=s256("kort"))
    assert_error(party.exchange(code, code_verifier="kort"), "invalid_grant")


def test_verifier_without_a_challenge_is_refused(owner: Client, without_pkce: Software) -> None:
    """RFC 9700 §4.8.2: an attacker may have removed the challenge from the request."""
    code = asked(owner, without_pkce, **NO_PKCE)
    assert_error(without_pkce.exchange(code), "invalid_grant")
    assert nothing_was_made()


def test_optional_challenge_is_enforced_once_sent(owner: Client, without_pkce: Software) -> None:
    """RFC 9700 §2.1.1."""
    assert_error(without_pkce.exchange(asked(owner, without_pkce), code_verifier=None), "invalid_request")


def test_code_without_pkce_is_refused_after_pkce_became_required(owner: Client, without_pkce: Software) -> None:
    code = asked(owner, without_pkce, **NO_PKCE)
    ThirdParty.objects.update(pkce_required=True)
    assert_error(without_pkce.exchange(code, code_verifier=None), "invalid_request")


def test_public_party_exchanges_with_its_verifier_only(owner: Client) -> None:
    """RFC 7636: the verifier replaces the secret."""
    public = software(ThirdPartyFactory(public=True))
    assert public.exchange(asked(owner, public)).json()["granted_scope"] == ALL


# ---- Invalid codes ----------------------------------------------------------------------------------------


def test_unknown_code_is_an_invalid_grant(party: Software, tokens: dict[str, Any]) -> None:
    for code in (tokens["access_token"], tokens["refresh_token"], "x", "é", "'; --", "x" * 100_000, "\u202e"):
        assert_error(party.exchange(code), "invalid_grant")


def test_missing_code_is_an_invalid_request(party: Software) -> None:
    for form in ({}, {"code": ""}):
        assert_error(party.token(grant_type="authorization_code", **form), "invalid_request")


# ---- Changes between consent and exchange -----------------------------------------------------------------


def remove(authorization: ThirdPartyAuthorization) -> None:
    authorization.revoke(by=Actor())


def let_end(authorization: ThirdPartyAuthorization) -> None:
    ThirdPartyAuthorization.objects.update(expires_at=timezone.now())


def close_seller(authorization: ThirdPartyAuthorization) -> None:
    type(authorization.seller).objects.update(closed_at=timezone.now())


def switch_user_off(authorization: ThirdPartyAuthorization) -> None:
    assert authorization.granted_by is not None
    type(authorization.granted_by).objects.update(is_active=False)


@pytest.mark.parametrize("happens", [remove, let_end, close_seller, switch_user_off])
def test_code_of_an_ended_authorisation_is_refused(
    party: Software, code: str, happens: Callable[[ThirdPartyAuthorization], None]
) -> None:
    happens(ThirdPartyAuthorization.objects.get())
    assert_error(party.exchange(code), "invalid_grant")
    assert nothing_was_made()


def test_paused_party_is_refused(party: Software, code: str) -> None:
    ThirdParty.objects.update(paused_at=timezone.now())
    assert_error(party.exchange(code), "invalid_client", 401)


def test_no_access_token_outlives_the_authorisation(party: Software, code: str) -> None:
    """V10.4.8."""
    ends_at = timezone.now() + dt.timedelta(seconds=100)
    ThirdPartyAuthorization.objects.update(expires_at=ends_at)
    body = party.exchange(code).json()
    assert 90 <= body["expires_in"] <= 100
    assert claims(body["access_token"])["exp"] <= ends_at.timestamp()


def test_narrower_second_consent_narrows_an_unused_code(owner: Client, party: Software, code: str) -> None:
    asked(owner, party, ["orders:read"])
    assert party.exchange(code).json()["granted_scope"] == "orders:read"


def test_wider_second_consent_does_not_widen_earlier_tokens(owner: Client, party: Software) -> None:
    first = party.exchange(asked(owner, party, ["orders:read"])).json()
    second = party.exchange(asked(owner, party, list(scopes.ALL))).json()
    assert rights(first["access_token"]) == "orders:read"
    assert rights(second["access_token"]) == ALL


def test_removing_the_party_ends_its_tokens_for_this_seller_at_once(party: Software, tokens: dict[str, Any]) -> None:
    """RFC 7009 §2.1, V10.4.9."""
    remove(ThirdPartyAuthorization.objects.get())
    assert verify(tokens["access_token"]).status_code == 401
    assert_error(party.refresh(tokens["refresh_token"]), "invalid_grant")

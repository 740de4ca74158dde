"""The revocation endpoint (RFC 7009)."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Actor, Seller, User
from apicredentials import scopes
from apicredentials.models import Activity, OutgoingMail, RevokedAccessToken, ThirdParty, ThirdPartyAuthorization
from tests.factories import ClientCredentialFactory, ThirdPartyFactory
from tests.logged import listening
from tests.oauth.flow import (
    Software,
    assert_error,
    decide,
    post,
    request_address,
    rights,
    sent_back,
    software,
)

ALL = scopes.join(scopes.ALL)


def revoke(client: Software, token: str, **form: str) -> None:
    """Revoke a token; the response is 200 for a valid and an invalid one (RFC 7009 §2.2)."""
    answer = client.post("/revoke", token=token, **form)
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    assert not answer.cookies


# ---- The client's own tokens ------------------------------------------------------------------------------


def test_only_the_revoked_access_token_is_rejected(warehouse: Software) -> None:
    """RFC 7009 §2.1."""
    token, other = warehouse.access_token(), warehouse.access_token()
    revoke(warehouse, token)
    assert [rights(token), rights(other)] == ["", ALL]


def test_revoking_a_partys_access_token_leaves_its_refresh_token(party: Software, tokens: dict[str, Any]) -> None:
    revoke(party, tokens["access_token"])
    assert rights(tokens["access_token"]) == ""
    assert rights(party.refresh(tokens["refresh_token"]).json()["access_token"]) == ALL
    assert ThirdPartyAuthorization.objects.get().state == "active"


def test_revoking_a_refresh_token_ends_every_token_of_its_grant(party: Software, tokens: dict[str, Any]) -> None:
    """RFC 7009 §2.1: SHOULD also invalidate all access tokens of the same grant."""
    refreshed = party.refresh(tokens["refresh_token"]).json()
    revoke(party, refreshed["refresh_token"])
    assert [rights(made["access_token"]) for made in (tokens, refreshed)] == ["", ""]
    for made in (tokens, refreshed):
        assert_error(party.refresh(made["refresh_token"]), "invalid_grant")


def test_revoking_a_replaced_refresh_token_ends_its_grant(party: Software, tokens: dict[str, Any]) -> None:
    refreshed = party.refresh(tokens["refresh_token"]).json()
    revoke(party, tokens["refresh_token"])
    assert rights(refreshed["access_token"]) == ""


def test_other_grants_of_the_party_keep_working(owner: Client, party: Software, tokens: dict[str, Any]) -> None:
    other = party.exchange(sent_back(decide(owner, request_address(party)))["code"]).json()
    revoke(party, tokens["refresh_token"])
    assert rights(other["access_token"]) == ALL
    assert party.refresh(other["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    ("kind", "hint"),
    [("access_token", "refresh_token"), ("refresh_token", "access_token"), ("refresh_token", "é" * 100)],
)
def test_wrong_token_type_hint_is_ignored(party: Software, tokens: dict[str, Any], kind: str, hint: str) -> None:
    """RFC 7009 §2.1: the server MUST extend its search."""
    revoke(party, tokens[kind], token_type_hint=hint)
    assert rights(tokens["access_token"]) == ""


def test_revoking_is_idempotent(party: Software, tokens: dict[str, Any]) -> None:
    for token in (tokens["access_token"], tokens["refresh_token"]) * 2:
        revoke(party, token)
    assert RevokedAccessToken.objects.count() == 1


def test_public_party_revokes_with_its_id_only(owner: Client) -> None:
    """RFC 7009 §2.1."""
    public = software(ThirdPartyFactory(public=True))
    tokens = public.exchange(sent_back(decide(owner, request_address(public)))["code"]).json()
    revoke(public, tokens["refresh_token"])
    assert rights(tokens["access_token"]) == ""


# ---- The authorisation ------------------------------------------------------------------------------------


def test_revoking_the_last_chain_stops_the_authorisation(party: Software, tokens: dict[str, Any]) -> None:
    ThirdParty.objects.update(name="Boekhouding")
    revoke(party, tokens["refresh_token"])
    authorization = ThirdPartyAuthorization.objects.get()
    assert (authorization.state, authorization.cause) == ("stopped", "ended_by_party")
    row = Activity.objects.get(kind=Activity.Kind.PARTY_STOPPED)
    assert (row.actor_name, row.address, str(row.target)) == ("Boekhouding", "127.0.0.1", authorization.uid)
    assert row.details["cause"] == "ended_by_party"


def test_owner_is_mailed_once_for_repeated_revocations(seller: Seller, party: Software, tokens: dict[str, Any]) -> None:
    for _ in range(3):
        revoke(party, tokens["refresh_token"])
    (owner,) = seller.members.all()
    mailed = OutgoingMail.objects.filter(kind="party_stopped")
    assert [mail.recipient for mail in mailed] == [owner.email]
    assert mailed.get().context["cause"] == "ended_by_party"


def test_authorisation_stays_active_while_another_chain_is_left(
    owner: Client, party: Software, tokens: dict[str, Any]
) -> None:
    other = party.exchange(sent_back(decide(owner, request_address(party)))["code"]).json()
    revoke(party, tokens["refresh_token"])
    assert ThirdPartyAuthorization.objects.get().state == "active"
    assert not OutgoingMail.objects.filter(kind="party_stopped").exists()
    revoke(party, other["refresh_token"])
    assert ThirdPartyAuthorization.objects.get().cause == "ended_by_party"


def test_revoking_after_removal_does_not_change_the_cause(party: Software, tokens: dict[str, Any]) -> None:
    ThirdPartyAuthorization.objects.get().revoke(by=Actor(user=User.objects.get()))
    revoke(party, tokens["refresh_token"])
    assert ThirdPartyAuthorization.objects.get().cause == "removed_by_seller"
    assert not OutgoingMail.objects.filter(kind="party_stopped").exists()


# ---- Tokens of others, and invalid tokens -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_token_of_another_client_is_not_revoked(party: Software, tokens: dict[str, Any], kind: str) -> None:
    """RFC 7009 §2.1, CVE-2016-6582."""
    for stranger in (software(ThirdPartyFactory()), software(ClientCredentialFactory())):
        revoke(stranger, tokens[kind])
    assert rights(tokens["access_token"]) == ALL
    assert party.refresh(tokens["refresh_token"]).status_code == 200


def test_invalid_token_is_answered_with_200(warehouse: Software) -> None:
    """RFC 7009 §2.2."""
    for token in ("x", "a.b.c", "é", "'; --", "\u202e", "x" * 100_000, "....", "eyJhbGciOiJub25lIn0.e30."):
        revoke(warehouse, token)
    assert not RevokedAccessToken.objects.exists()


def test_missing_token_is_an_invalid_request(warehouse: Software) -> None:
    for form in ({}, {"token": ""}):
        assert_error(warehouse.post("/revoke", **form), "invalid_request")


# ---- Client authentication --------------------------------------------------------------------------------


def test_authentication_is_required(party: Software, tokens: dict[str, Any]) -> None:
    """RFC 7009 §2.1."""
    wrong = Software(party.client_id, party.secret[:-1])
    for kind in ("access_token", "refresh_token"):
        assert_error(post("/revoke", token=tokens[kind]), "invalid_client", 401)
        assert_error(post("/revoke", client_id=party.client_id, token=tokens[kind]), "invalid_client", 401)
        assert_error(wrong.post("/revoke", token=tokens[kind]), "invalid_client", 401)
    assert rights(tokens["access_token"]) == ALL


def test_revocation_is_logged(owner: Client, party: Software) -> None:
    """V16.3.x: `authn_token_revoked`, but no line for an invalid token."""
    tokens = party.exchange(sent_back(decide(owner, request_address(party)))["code"]).json()
    with listening() as log:
        for token in (tokens["access_token"], tokens["refresh_token"], "x"):
            revoke(party, token)
    assert log.getvalue().count("authn_token_revoked") == 2
    assert tokens["refresh_token"] not in log.getvalue()

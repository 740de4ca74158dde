"""Concurrent use of consents, codes and refresh tokens."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Actor, Seller
from apicredentials import scopes
from apicredentials.models import (
    Activity,
    Grant,
    OutgoingMail,
    RefreshToken,
    RevokedAccessToken,
    ThirdPartyAuthorization,
)
from tests.oauth.flow import Software, assert_error, decide, request_address, rights, sent_back, verify
from tests.people import signed_in
from tests.races.collisions import at_once, at_once_on, meanwhile
from tests.rights import posted

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

ALL = scopes.join(scopes.ALL)


# ---- Codes ------------------------------------------------------------------------------------------------


def test_one_of_five_concurrent_exchanges_succeeds(party: Software, code: str) -> None:
    """RFC 6749 §4.1.2, oauthlib #618, V15.4.2."""
    answers = at_once(Grant.objects.get(), *[partial(party.exchange, code)] * 5)
    won = [answer for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code != 200]
    assert (len(won), len(lost)) == (1, 4)
    for answer in lost:
        assert_error(answer, "invalid_grant")
    assert RefreshToken.objects.count() == 1


def test_concurrent_exchange_of_a_code_ends_all_its_tokens(party: Software, code: str) -> None:
    """OAuth 2.1 "Reuse of Authorization Codes": one of the two has a stolen copy, and it is unknown which one."""
    answers = at_once(Grant.objects.get(), *[partial(party.exchange, code)] * 2)
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert rights(won["access_token"]) == ""
    assert_error(party.refresh(won["refresh_token"]), "invalid_grant")
    assert Activity.objects.filter(kind=Activity.Kind.PARTY_STOPPED, details__cause="code_replayed").count() == 1


def test_exchange_overtaken_by_removal_returns_no_valid_token(party: Software, code: str) -> None:
    answer = meanwhile(Grant.objects.get(), partial(party.exchange, code), remove)
    if answer.status_code == 200:
        assert rights(answer.json()["access_token"]) == ""
        assert_error(party.refresh(answer.json()["refresh_token"]), "invalid_grant")
    else:
        assert_error(answer, "invalid_grant")


def remove() -> None:
    ThirdPartyAuthorization.objects.get().revoke(by=Actor())


# ---- Refresh tokens ---------------------------------------------------------------------------------------


def test_concurrent_refreshes_return_one_successor(party: Software, tokens: dict[str, Any]) -> None:
    """V10.4.5: there are never two valid chains, and both responses are usable."""
    answers = at_once(RefreshToken.objects.get(), *[partial(party.refresh, tokens["refresh_token"])] * 3)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert RefreshToken.objects.filter(revoked=None).count() == 1
    assert RefreshToken.objects.count() == 2
    assert {rights(answer.json()["access_token"]) for answer in answers} == {ALL}
    assert party.refresh(answers[0].json()["refresh_token"]).status_code == 200


def test_refresh_overtaken_by_removal_returns_no_valid_token(party: Software, tokens: dict[str, Any]) -> None:
    """V10.4.9: removal applies to requests in flight too."""
    answer = meanwhile(RefreshToken.objects.get(), partial(party.refresh, tokens["refresh_token"]), remove)
    if answer.status_code == 200:
        assert rights(answer.json()["access_token"]) == ""
        assert_error(party.refresh(answer.json()["refresh_token"]), "invalid_grant")
    else:
        assert_error(answer, "invalid_grant")


def test_refresh_overtaken_by_revocation_returns_no_valid_token(party: Software, tokens: dict[str, Any]) -> None:
    """RFC 7009 §2.1."""
    revoke = partial(party.post, "/revoke", token=tokens["refresh_token"])
    answer = meanwhile(RefreshToken.objects.get(), partial(party.refresh, tokens["refresh_token"]), revoke)
    if answer.status_code == 200:
        assert rights(answer.json()["access_token"]) == ""
        assert_error(party.refresh(answer.json()["refresh_token"]), "invalid_grant")
    else:
        assert_error(answer, "invalid_grant")


# ---- Revocation -------------------------------------------------------------------------------------------


def test_concurrent_revocations_of_one_token_both_succeed(party: Software, tokens: dict[str, Any]) -> None:
    """RFC 7009 §2.2: the unique index must not turn the second response into an error."""
    authorization = ThirdPartyAuthorization.objects.get()
    for kind in ("access_token", "refresh_token"):
        answers = at_once(authorization, *[partial(party.post, "/revoke", token=tokens[kind])] * 4)
        assert [answer.status_code for answer in answers] == [200] * 4
    assert RevokedAccessToken.objects.count() == 1
    assert verify(tokens["access_token"]).status_code == 401


def test_concurrent_revocations_of_the_last_grants_stop_the_authorisation_once(
    owner: Client, party: Software, tokens: dict[str, Any]
) -> None:
    other = party.exchange(sent_back(decide(owner, request_address(party)))["code"]).json()
    both = [partial(party.post, "/revoke", token=made["refresh_token"]) for made in (tokens, other)]
    # Each waits in its UPDATE, which reads the other grant as it was before.
    answers = at_once_on(Grant.objects.all(), *both)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert ThirdPartyAuthorization.objects.get().cause == "ended_by_party"
    assert Activity.objects.filter(kind=Activity.Kind.PARTY_STOPPED).count() == 1
    assert OutgoingMail.objects.filter(kind="party_stopped").count() == 1


# ---- Consents ---------------------------------------------------------------------------------------------


def about_to_allow(seller: Seller, party: Software) -> Callable[[], Any]:
    """Open the consent page in a new browser of the owner, and return a function that submits it.

    The page is read here because Django's test contexts mix up in threads.
    """
    tab = signed_in(seller.members.get())
    address = request_address(party)
    shown = tab.get(address).context["shown"]
    return partial(tab.post, address, {"shown": shown, "allow": "yes", **posted(scopes.ALL)})


def test_concurrent_consents_create_one_authorisation(seller: Seller, party: Software) -> None:
    """Without the lock, the index one_current_authorization would turn the second into a 500."""
    answers = at_once(seller, *[about_to_allow(seller, party) for _ in range(2)])
    codes = [sent_back(answer)["code"] for answer in answers]
    assert ThirdPartyAuthorization.objects.count() == 1
    assert [rights(party.exchange(code).json()["access_token"]) for code in codes] == [ALL, ALL]


def test_concurrent_consent_and_removal_leave_a_consistent_state(
    seller: Seller, party: Software, tokens: dict[str, Any]
) -> None:
    """In either order: a current authorisation with working tokens, or neither of them."""
    answer, _ = at_once(seller, about_to_allow(seller, party), remove)
    code = sent_back(answer)["code"]
    exchange = party.exchange(code)
    is_current = ThirdPartyAuthorization.objects.active().exists()
    assert (exchange.status_code == 200) is is_current
    assert ThirdPartyAuthorization.objects.filter(ended_at=None).count() == int(is_current)


def test_removal_is_not_undone_by_a_concurrent_consent(seller: Seller, party: Software, tokens: dict[str, Any]) -> None:
    """In either order: the removed authorisation stays removed, and a later consent is a new one."""
    authorization = ThirdPartyAuthorization.objects.get()
    at_once(authorization, about_to_allow(seller, party), remove)
    authorization.refresh_from_db()
    assert authorization.ended_at
    assert rights(tokens["access_token"]) == ""
    assert_error(party.refresh(tokens["refresh_token"]), "invalid_grant")


def test_database_locks_rows() -> None:
    assert connection.vendor == "postgresql"

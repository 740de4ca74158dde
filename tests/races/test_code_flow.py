"""Consents, codes and refresh tokens that are used twice at the same moment."""

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


def test_of_five_exchanges_at_once_one_wins_and_one_pair_is_made(party: Software, code: str) -> None:
    """RFC 6749 §4.1.2, oauthlib #618, V15.4.2."""
    answers = at_once(Grant.objects.get(), *[partial(party.exchange, code)] * 5)
    won = [answer for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code != 200]
    assert (len(won), len(lost)) == (1, 4)
    for answer in lost:
        assert_error(answer, "invalid_grant")
    assert RefreshToken.objects.count() == 1


def test_the_losers_of_an_exchange_leave_nothing_alive(party: Software, code: str) -> None:
    """OAuth 2.1 "Reuse of Authorization Codes": a second use is a copy in wrong hands, whichever came first."""
    answers = at_once(Grant.objects.get(), *[partial(party.exchange, code)] * 2)
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert rights(won["access_token"]) == ""
    assert_error(party.refresh(won["refresh_token"]), "invalid_grant")
    assert Activity.objects.filter(kind=Activity.Kind.PARTY_STOPPED, details__cause="code_replayed").count() == 1


def test_an_exchange_overtaken_by_the_removal_of_the_party_gives_nothing_that_works(party: Software, code: str) -> None:
    answer = meanwhile(Grant.objects.get(), partial(party.exchange, code), remove)
    if answer.status_code == 200:
        assert rights(answer.json()["access_token"]) == ""
        assert_error(party.refresh(answer.json()["refresh_token"]), "invalid_grant")
    else:
        assert_error(answer, "invalid_grant")


def remove() -> None:
    ThirdPartyAuthorization.objects.get().revoke(by=Actor())


# ---- Refresh tokens ---------------------------------------------------------------------------------------


def test_of_two_refreshes_at_once_one_successor_is_left(party: Software, tokens: dict[str, Any]) -> None:
    """V10.4.5: never two living chains; and neither answer is worthless."""
    answers = at_once(RefreshToken.objects.get(), *[partial(party.refresh, tokens["refresh_token"])] * 3)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert RefreshToken.objects.filter(revoked=None).count() == 1
    assert RefreshToken.objects.count() == 2
    assert {rights(answer.json()["access_token"]) for answer in answers} == {ALL}
    assert party.refresh(answers[0].json()["refresh_token"]).status_code == 200


def test_a_refresh_overtaken_by_the_removal_of_the_party_gives_nothing_that_works(
    party: Software, tokens: dict[str, Any]
) -> None:
    """V10.4.9: removed means removed, also for what was under way."""
    answer = meanwhile(RefreshToken.objects.get(), partial(party.refresh, tokens["refresh_token"]), remove)
    if answer.status_code == 200:
        assert rights(answer.json()["access_token"]) == ""
        assert_error(party.refresh(answer.json()["refresh_token"]), "invalid_grant")
    else:
        assert_error(answer, "invalid_grant")


def test_a_refresh_overtaken_by_its_own_revocation_gives_nothing_that_works(
    party: Software, tokens: dict[str, Any]
) -> None:
    """RFC 7009 §2.1."""
    revoke = partial(party.post, "/revoke", token=tokens["refresh_token"])
    answer = meanwhile(RefreshToken.objects.get(), partial(party.refresh, tokens["refresh_token"]), revoke)
    if answer.status_code == 200:
        assert rights(answer.json()["access_token"]) == ""
        assert_error(party.refresh(answer.json()["refresh_token"]), "invalid_grant")
    else:
        assert_error(answer, "invalid_grant")


# ---- Revocation -------------------------------------------------------------------------------------------


def test_two_revocations_of_one_token_at_once_are_both_answered(party: Software, tokens: dict[str, Any]) -> None:
    """RFC 7009 §2.2: 200, and no trace of the unique index."""
    authorization = ThirdPartyAuthorization.objects.get()
    for kind in ("access_token", "refresh_token"):
        answers = at_once(authorization, *[partial(party.post, "/revoke", token=tokens[kind])] * 4)
        assert [answer.status_code for answer in answers] == [200] * 4
    assert RevokedAccessToken.objects.count() == 1
    assert verify(tokens["access_token"]).status_code == 401


def test_two_revocations_of_the_last_two_grants_at_once_stop_the_authorisation_once(
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
    """The owner in one more browser, with the consent page open; it is read here, for contexts mix in threads."""
    tab = signed_in(seller.members.get())
    address = request_address(party)
    shown = tab.get(address).context["shown"]
    return partial(tab.post, address, {"shown": shown, "allow": "yes", **posted(scopes.ALL)})


def test_two_consents_at_once_make_one_authorisation(seller: Seller, party: Software) -> None:
    """The index one_current_authorization would turn the second into a 500."""
    answers = at_once(seller, *[about_to_allow(seller, party) for _ in range(2)])
    codes = [sent_back(answer)["code"] for answer in answers]
    assert ThirdPartyAuthorization.objects.count() == 1
    assert [rights(party.exchange(code).json()["access_token"]) for code in codes] == [ALL, ALL]


def test_a_consent_and_a_removal_at_once_agree_in_the_end(
    seller: Seller, party: Software, tokens: dict[str, Any]
) -> None:
    """Whichever came last: a current authorisation whose tokens work, or none, and none that do."""
    answer, _ = at_once(seller, about_to_allow(seller, party), remove)
    code = sent_back(answer)["code"]
    exchange = party.exchange(code)
    is_current = ThirdPartyAuthorization.objects.active().exists()
    assert (exchange.status_code == 200) is is_current
    assert ThirdPartyAuthorization.objects.filter(ended_at=None).count() == int(is_current)


def test_a_removal_is_not_undone_by_a_consent_that_was_on_its_way(
    seller: Seller, party: Software, tokens: dict[str, Any]
) -> None:
    """In either order: the removed authorisation stays removed, and a later consent is a new one."""
    authorization = ThirdPartyAuthorization.objects.get()
    at_once(authorization, about_to_allow(seller, party), remove)
    authorization.refresh_from_db()
    assert authorization.ended_at
    assert rights(tokens["access_token"]) == ""
    assert_error(party.refresh(tokens["refresh_token"]), "invalid_grant")


def test_these_tests_have_a_database_that_locks_rows() -> None:
    assert connection.vendor == "postgresql"

"""The SQL that finds a code or refresh token, compared with the models in every state."""

import datetime as dt

import pytest

from accounts.models import Seller, User
from apicredentials.keys.hash_keys import digest
from apicredentials.models import Grant, RefreshToken, ThirdParty, ThirdPartyAuthorization
from apicredentials.oauth.sql import grant_chains
from apicredentials.oauth.sql.grant_chains import GrantState
from tests.factories import SellerFactory, ThirdPartyAuthorizationFactory, ThirdPartyFactory
from tests.oauth.flow import Software, decide, request_address, sent_back
from tests.people import signed_in
from tests.sql.states import TICK, Change, Claims, combinations, undone

pytestmark = pytest.mark.django_db


def state_by_orm(grant: Grant, token: RefreshToken | None = None, successor: RefreshToken | None = None) -> GrantState:
    """The result that `find_code` and `find_refresh_token` must return, from the models."""
    authorization = grant.authorization
    by = authorization.granted_by
    alive = authorization.is_active and authorization.seller.is_open and by is not None and by.is_active
    return GrantState(
        grant_pk=grant.pk,
        grant_uid=grant.uid,
        user_pk=grant.user_id,
        scope=grant.scope,
        consented=grant.rights,
        redirect_uri=grant.redirect_uri,
        code_challenge=grant.code_challenge,
        code_challenge_method=grant.code_challenge_method,
        authorization_pk=authorization.pk,
        authorization_uid=authorization.uid,
        authorized=authorization.scope,
        retailer_id=authorization.seller.retailer_id,
        gives_access=grant.revoked_at is None and alive,
        is_closed=not authorization.seller.is_open,
        end_cause=authorization.end_cause,
        token_pk=token.pk if token else None,
        successor_pk=successor.pk if successor else None,
        expires=grant.expires,
        used_at=grant.used_at,
        authorization_expires_at=authorization.expires_at,
        authorization_used_at=authorization.last_used_at,
        replaced_at=token.revoked if token else None,
    )


@pytest.fixture
def chain(party: Software) -> list[str]:
    """A code, its refresh token, and the successor of that token."""
    code = sent_back(decide(signed_in(SellerFactory().members.get()), request_address(party)))["code"]
    first = party.exchange(code).json()["refresh_token"]
    return [code, first, party.refresh(first).json()["refresh_token"]]


def test_sql_finds_a_chain_like_the_orm_in_every_state(now: dt.datetime, chain: list[str]) -> None:
    code, first, second = chain
    client_pk = ThirdParty.objects.get().pk
    grants, authorizations, tokens = Grant.objects.all(), ThirdPartyAuthorization.objects.all(), RefreshToken.objects
    changes: dict[str, Change] = {
        "ended": lambda: authorizations.update(ended_at=now, end_cause="removed_by_seller"),
        "expired this moment": lambda: authorizations.update(expires_at=now),
        "expires the next moment": lambda: authorizations.update(expires_at=now + TICK),
        "grant revoked": lambda: grants.update(revoked_at=now),
        "code unused": lambda: grants.update(used_at=None),
        "never used": lambda: authorizations.update(last_used_at=None),
        "nothing replaced": lambda: tokens.update(revoked=None),
        "all replaced": lambda: tokens.update(revoked=now - TICK),
        "user switched off": lambda: User.objects.update(is_active=False),
        "user gone": lambda: authorizations.update(granted_by=None),
        "seller closed": lambda: Seller.objects.update(closed_at=now),
        "narrowed": lambda: authorizations.update(scope="orders:read"),
    }
    wrong, worth = [], set()
    for chosen in combinations(changes):
        with undone():
            for name in chosen:
                changes[name]()
            older, newer = RefreshToken.objects.select_related("grant__authorization__seller").order_by("pk")
            found = [
                grant_chains.find_code(code, client_pk),
                grant_chains.find_refresh_token(first, second, client_pk),
                grant_chains.find_refresh_token(second, "", client_pk),
            ]
            unused = None if newer.revoked else newer
            if found != [
                state_by_orm(older.grant),
                state_by_orm(older.grant, older, unused),
                state_by_orm(newer.grant, newer),
            ]:
                wrong.append(chosen)
            worth.add(older.grant.authorization.is_active)
    assert not wrong
    assert worth == {True, False}


def test_chain_is_found_for_its_own_client_only(party: Software, tokens: Claims) -> None:
    owner, stranger, token = ThirdParty.objects.get(), ThirdPartyFactory(), tokens["refresh_token"]
    assert grant_chains.find_refresh_token(token, "", stranger.pk) is None
    assert grant_chains.find_refresh_token(digest(token), "", owner.pk) is None
    assert grant_chains.end_chain_of(token, stranger.pk) is None
    assert Grant.objects.get().revoked_at is None


def test_end_of_a_chain_agrees_with_the_orm_about_other_grants(
    now: dt.datetime, party: Software, tokens: Claims
) -> None:
    authorization = ThirdPartyAuthorization.objects.get()
    decide(signed_in(authorization.granted_by), request_address(party))
    client_pk, other = ThirdParty.objects.get().pk, Grant.objects.filter(used_at=None)
    changes: dict[str, Change] = {
        "used": lambda: other.update(used_at=now),
        "expired this moment": lambda: other.update(expires=now),
        "expires the next moment": lambda: other.update(expires=now + TICK),
        "revoked": lambda: other.update(revoked_at=now),
        "of another authorisation": lambda: other.update(
            authorization=ThirdPartyAuthorizationFactory(third_party=authorization.third_party)
        ),
    }
    found = set()
    for chosen in combinations(changes):
        with undone():
            for name in reversed(chosen):
                changes[name]()
            ended = grant_chains.end_chain_of(tokens["refresh_token"], client_pk)
            assert ended is not None, chosen
            assert ended.is_last is not authorization.grants.usable().exists(), chosen
            assert grant_chains.end_chain_of(tokens["refresh_token"], client_pk) is None
            found.add(ended.is_last)
    assert found == {True, False}

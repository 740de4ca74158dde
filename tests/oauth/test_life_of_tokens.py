"""Tokens over time, as state machines: their end (V10.4.8), and chains of refresh tokens (RFC 9700 §4.14.2)."""

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Actor, User
from apicredentials import scopes
from apicredentials.keys.hash_keys import digest
from apicredentials.models import Grant, ThirdParty, ThirdPartyAuthorization
from apicredentials.oauth.grants import REPEAT_WINDOW
from tests.factories import REDIRECT_URI, SellerFactory, ThirdPartyFactory
from tests.failures import forget_failures
from tests.oauth.flow import VERIFIER, claims, decide, request_address, s256, sent_back, software, verify
from tests.people import signed_in

# The year from here contains the start of summer time on 28 March 2027.
START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
RIGHTS = ["orders:read", "orders:manage", "offers:read", "invoices:read"]
MINUTE, DAY = 60, 86_400


@dataclass(frozen=True)
class Code:
    """An authorization code and the key of its grant."""

    code: str
    grant: int


@dataclass(frozen=True)
class Pair:
    """The tokens of an exchange or a refresh."""

    access_token: str
    refresh_token: str
    grant: int


class LifeOfTokens(RuleBasedStateMachine):
    """A seller and a party with allowed and forbidden actions in any order."""

    codes: Bundle[Code] = Bundle("codes")
    pairs: Bundle[Pair] = Bundle("pairs")

    def __init__(self) -> None:
        super().__init__()
        forget_failures()  # Failures are counted per minute, and each example starts in the same one.
        self.travel = time_machine.travel(START, tick=False)
        self.clock = self.travel.start()
        self.seller = SellerFactory()
        self.owner: User = self.seller.members.get()
        self.row: ThirdParty = ThirdPartyFactory()
        self.party = software(self.row)
        self.made: list[Pair] = []
        self.dead: set[int] = set()

    def teardown(self) -> None:
        self.travel.stop()

    # ---- Rules --------------------------------------------------------------------------------------------

    @rule(target=codes, rights=st.lists(st.sampled_from(RIGHTS), min_size=1, unique=True))
    def consent(self, rights: list[str]) -> Code:
        """The seller gives consent."""
        code = secrets.token_urlsafe(32)
        authorization = ThirdPartyAuthorization.objects.consent(
            seller=self.seller, third_party=self.row, rights=rights, by=Actor(user=self.owner)
        )
        grant = Grant.objects.create(
            code_hash=digest(code),
            application_id=self.row.pk,
            user=self.owner,
            authorization=authorization,
            rights=authorization.scope,
            scope="offline_access",
            redirect_uri=REDIRECT_URI,
            code_challenge=s256(VERIFIER),
            code_challenge_method="S256",
            expires=timezone.now() + dt.timedelta(seconds=60),
        )
        return Code(code, grant.pk)

    @rule(target=pairs, code=codes)
    def exchange(self, code: Code) -> Any:
        """The party exchanges a code, for the first time or again."""
        used = Grant.objects.get(pk=code.grant).used_at is not None
        answer = self.party.exchange(code.code)
        if used:
            assert answer.status_code == 400
            self.dead.add(code.grant)
        return self.keep(answer, code.grant)

    @rule(target=pairs, pair=pairs)
    def refresh(self, pair: Pair) -> Any:
        """The party uses a refresh token: the newest, or one that has been replaced."""
        answer = self.party.refresh(pair.refresh_token)
        assert pair.grant not in self.dead or answer.status_code == 400
        return self.keep(answer, pair.grant)

    @rule(target=pairs, pair=pairs, seconds=st.sampled_from([1, 299, 598]))
    def refresh_in_the_last_minutes(self, pair: Pair, seconds: int) -> Any:
        """The party refreshes shortly before the end of the year, which shortens the token's lifetime."""
        authorization = Grant.objects.get(pk=pair.grant).authorization
        if authorization.is_active:
            self.clock.move_to(max(timezone.now(), authorization.expires_at - dt.timedelta(seconds=seconds)))
        return self.refresh(pair)

    @rule(pair=pairs)
    def revoke(self, pair: Pair) -> None:
        """The party revokes a grant (RFC 7009)."""
        assert self.party.post("/revoke", token=pair.refresh_token).status_code == 200
        self.dead.add(pair.grant)

    @rule()
    def remove(self) -> None:
        """The seller removes the party."""
        for authorization in ThirdPartyAuthorization.objects.for_seller(self.seller).filter(ended_at=None):
            authorization.revoke(by=Actor(user=self.owner))

    @rule(rights=st.lists(st.sampled_from(RIGHTS), min_size=1, unique=True))
    def change_registration(self, rights: list[str]) -> None:
        """An operator changes the rights that the party is registered for."""
        ThirdParty.objects.filter(pk=self.row.pk).update(scope=scopes.join(rights))
        self.row.refresh_from_db()

    @rule(seconds=st.sampled_from([1, 29, 31, MINUTE, 598, 599, DAY, 364 * DAY, 366 * DAY]))
    def wait(self, seconds: int) -> None:
        self.clock.shift(seconds)

    # ---- Invariants ---------------------------------------------------------------------------------------

    def keep(self, answer: Any, grant: int) -> Any:
        assert answer.status_code in {200, 400}
        if answer.status_code == 400:
            assert answer.json()["error"] == "invalid_grant"
            return multiple()
        body = answer.json()
        pair = Pair(body["access_token"], body["refresh_token"], grant)
        ends_at = Grant.objects.get(pk=grant).authorization.expires_at
        assert claims(pair.access_token)["exp"] <= ends_at.timestamp()
        self.made.append(pair)
        return pair

    @invariant()
    def no_token_is_worth_more_than_its_grant(self) -> None:
        for pair in self.made[-8:]:
            answer = verify(pair.access_token)
            grant = Grant.objects.select_related("authorization").get(pk=pair.grant)
            if answer.status_code == 204:
                left = set(answer["X-Scopes"].split())
                assert pair.grant not in self.dead
                assert grant.revoked_at is None
                assert grant.authorization.is_active
                assert grant.authorization.granted_by
                assert claims(pair.access_token)["exp"] > timezone.now().timestamp()
                assert left <= set(grant.rights.split()) & set(grant.authorization.scope.split()) & set(self.row.rights)
            else:
                assert answer.status_code == 401

    @invariant()
    def there_is_at_most_one_current_authorisation(self) -> None:
        assert ThirdPartyAuthorization.objects.for_seller(self.seller).filter(ended_at=None).count() <= 1


@pytest.mark.django_db
def test_no_token_outlives_its_authorisation() -> None:
    run_state_machine_as_test(
        LifeOfTokens,
        settings=hypothesis_settings(
            max_examples=20, stateful_step_count=25, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )


class RefreshTokenChain(RuleBasedStateMachine):
    """A party with several workers that share one refresh token, and a thief who copied all earlier ones.

    The workers send the newest token that the party received, or repeat the previous request while its response may
    have been lost.
    """

    def __init__(self) -> None:
        super().__init__()
        forget_failures()
        self.travel = time_machine.travel(START, tick=False)
        self.clock = self.travel.start()
        self.party = software(ThirdPartyFactory())
        owner = signed_in(SellerFactory().members.get())
        code = sent_back(decide(owner, request_address(self.party)))["code"]
        # The tokens in the order in which they were issued, and the time when the last but one was replaced.
        self.chain: list[str] = [self.party.exchange(code).json()["refresh_token"]]
        self.replaced_at = START
        self.is_answered = True
        self.is_stolen = False

    def teardown(self) -> None:
        self.travel.stop()

    @property
    def may_repeat(self) -> bool:
        return len(self.chain) > 1 and timezone.now() - self.replaced_at <= REPEAT_WINDOW

    @precondition(lambda self: self.is_answered and not self.is_stolen)
    @rule(times=st.integers(1, 3), is_lost=st.booleans())
    def refresh(self, times: int, is_lost: bool) -> None:
        """A worker uses the newest token, once or more; the last response may get lost."""
        for _ in range(times):
            self.chain.append(self.works(self.chain[-1]))
        self.replaced_at = timezone.now()
        self.is_answered = not is_lost

    @precondition(lambda self: self.may_repeat and not self.is_stolen)
    @rule(is_lost=st.booleans())
    def repeat(self, is_lost: bool) -> None:
        """A worker that got no response, or still has the previous token, sends that token again."""
        assert self.works(self.chain[-2]) == self.chain[-1]
        self.is_answered = self.is_answered or not is_lost

    @rule(seconds=st.sampled_from([1, 10, 30, 31, 3600]))
    def wait(self, seconds: int) -> None:
        """Time passes; a party repeats a lost request within 30 seconds."""
        limit = self.replaced_at + REPEAT_WINDOW
        later = timezone.now() + dt.timedelta(seconds=seconds)
        self.clock.move_to(later if self.is_answered else min(later, limit))

    @precondition(lambda self: self.is_answered and len(self.chain) > (2 if self.may_repeat else 1))
    @rule(data=st.data())
    def steal(self, data: st.DataObject) -> None:
        """The thief uses any older token."""
        older = self.chain[: -2 if self.may_repeat else -1]
        assert self.party.refresh(data.draw(st.sampled_from(older))).status_code == 400
        self.is_stolen = True

    @precondition(lambda self: self.is_stolen)
    @rule()
    def nothing_works(self) -> None:
        """After the theft, the whole chain is revoked."""
        forget_failures()
        assert {self.party.refresh(token).status_code for token in self.chain[-3:]} == {400}

    def works(self, token: str) -> str:
        """Refresh with a token that must work, and return its successor."""
        answer = self.party.refresh(token)
        assert answer.status_code == 200, answer.content
        assert verify(answer.json()["access_token"]).status_code == 204
        return str(answer.json()["refresh_token"])


@pytest.mark.django_db
def test_client_keeps_a_working_refresh_token_and_theft_ends_the_chain() -> None:
    run_state_machine_as_test(
        RefreshTokenChain,
        settings=hypothesis_settings(
            max_examples=40, stateful_step_count=20, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )

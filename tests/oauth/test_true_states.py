"""State of an authorisation: shown as active exactly when the party can get and use a token."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Actor, Membership, User
from apicredentials.exceptions import Refusal
from apicredentials.keys.hash_keys import digest
from apicredentials.models import Activity, ClientSecret, Grant, ThirdParty, ThirdPartyAuthorization, sellers
from apicredentials.models.leak_reports import report_leak
from apicredentials.models.states import State
from apicredentials.oauth.grants import REPEAT_WINDOW
from tests.factories import REDIRECT_URI, MembershipFactory, SellerFactory, ThirdPartyFactory
from tests.failures import forget_failures
from tests.oauth.flow import VERIFIER, s256, software, verify

START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
OPERATOR = Actor(reason="Wijziging 4711")
RIGHTS = ["orders:manage", "offers:read"]


class Connection(RuleBasedStateMachine):
    """A seller with two members, one party, and every action that can end or resume the access."""

    def __init__(self) -> None:
        super().__init__()
        forget_failures()
        self.travel = time_machine.travel(START, tick=False)
        self.clock = self.travel.start()
        self.seller = SellerFactory()
        self.giver: User = self.seller.members.get()
        self.colleague: User = MembershipFactory(seller=self.seller, role=Membership.Role.ADMINISTRATOR).user
        self.row: ThirdParty = ThirdPartyFactory()
        self.party = software(self.row)
        self.consent()

    def teardown(self) -> None:
        self.travel.stop()

    # ---- The party ----------------------------------------------------------------------------------------------

    @rule()
    def consent(self) -> None:
        """The seller consents and the party exchanges the code; skipped while consent would be refused."""
        self.row.refresh_from_db()
        self.seller.refresh_from_db()
        if self.row.paused_at or not self.seller.is_open or not self.giver.is_active:
            return
        self.code = f"code-{timezone.now().timestamp()}-{Grant.objects.count()}"
        self.authorization = ThirdPartyAuthorization.objects.consent(
            seller=self.seller, third_party=self.row, rights=RIGHTS, by=Actor(user=self.giver)
        )
        Grant.objects.filter(authorization=self.authorization).update(revoked_at=timezone.now())  # one chain at a time
        Grant.objects.create(
            code_hash=digest(self.code),
            application_id=self.row.pk,
            user=self.giver,
            authorization=self.authorization,
            rights=self.authorization.scope,
            scope="offline_access",
            redirect_uri=REDIRECT_URI,
            code_challenge=s256(VERIFIER),
            code_challenge_method="S256",
            expires=timezone.now() + dt.timedelta(seconds=60),
        )
        answer = self.party.exchange(self.code)
        assert answer.status_code == 200, answer.content
        self.replaced: list[str] = []
        self.keep(answer.json())

    def keep(self, tokens: dict[str, Any]) -> None:
        self.access_token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]

    @precondition(lambda self: self.replaced)
    @rule()
    def replay_refresh_token(self) -> None:
        self.clock.shift(REPEAT_WINDOW + dt.timedelta(seconds=1))
        assert self.party.refresh(self.replaced[0]).status_code in {400, 401}

    @rule()
    def replay_code(self) -> None:
        assert self.party.exchange(self.code).status_code in {400, 401}

    @rule()
    def end_by_party(self) -> None:
        assert self.party.post("/revoke", token=self.refresh_token).status_code in {200, 401}

    # ---- The seller ---------------------------------------------------------------------------------------------

    def act(self, verb: Any, *args: Any, by: User | None = None) -> None:
        """Perform an act of the seller; ignore a refusal."""
        try:
            verb(*args, by=Actor(user=by or self.colleague))
        except Refusal:
            return

    @rule()
    def remove(self) -> None:
        self.act(self.authorization.revoke)

    @rule()
    def renew(self) -> None:
        self.act(self.authorization.renew)

    @rule()
    def take_over(self) -> None:
        self.act(self.authorization.take_over)

    @rule(rights=st.sampled_from([["orders:read"], ["offers:read"], RIGHTS]))
    def narrow(self, rights: list[str]) -> None:
        self.act(self.authorization.narrow, rights)

    # ---- The operator -------------------------------------------------------------------------------------------

    @rule()
    def remove_by_operator(self) -> None:
        self.authorization.revoke(by=OPERATOR)

    @rule()
    def suspend(self) -> None:
        self.row.pause(by=OPERATOR)

    @rule()
    def resume(self) -> None:
        try:
            self.row.resume(by=OPERATOR)
        except Refusal:
            return

    @rule()
    def leak(self) -> None:
        live = ClientSecret.objects.filter(client=self.row).live()
        report_leak([digest(self.party.secret)] if live.exists() else [], by=OPERATOR)

    @rule()
    def new_secret(self) -> None:
        secret = self.row.rotate(overlap=dt.timedelta(0), by=OPERATOR)
        self.party = replace(self.party, secret=secret)

    @rule()
    def switch_giver_off(self) -> None:
        sellers.switch_off(self.giver, by=OPERATOR)

    @rule()
    def switch_giver_on(self) -> None:
        sellers.switch_on(self.giver, by=OPERATOR)

    @rule()
    def giver_leaves(self) -> None:
        ThirdPartyAuthorization.objects.stop_for_member(self.giver, seller=self.seller, by=OPERATOR)

    @rule()
    def close(self) -> None:
        sellers.close(self.seller, by=OPERATOR)

    @rule()
    def reopen(self) -> None:
        sellers.reopen(self.seller, by=OPERATOR)

    @rule(days=st.sampled_from([1, 20, 200, 310]))
    def wait(self, days: int) -> None:
        self.clock.shift(dt.timedelta(days=days))

    # ---- Invariants ---------------------------------------------------------------------------------------------

    @invariant()
    def active_is_what_works(self) -> None:
        forget_failures()
        self.authorization = ThirdPartyAuthorization.objects.with_parties().get(pk=self.authorization.pk)
        state = self.authorization.state
        old_token_works = verify(self.access_token).status_code == 204
        answer = self.party.refresh(self.refresh_token)
        if answer.status_code == 200:
            if answer.json()["refresh_token"] != self.refresh_token:
                self.replaced.append(self.refresh_token)
            self.keep(answer.json())
        works = answer.status_code == 200 and verify(self.access_token).status_code == 204
        assert works == (state == State.ACTIVE), (state, self.authorization.cause, answer.content)
        assert state == State.ACTIVE or not old_token_works
        self.says_why(state)

    def says_why(self, state: State) -> None:
        found = [
            each for each in State if ThirdPartyAuthorization.objects.in_state(each).filter(pk=self.authorization.pk)
        ]
        assert found == [state]
        told = [self.authorization.cause, self.authorization.state_since, self.authorization.cause_sentence]
        assert [bool(each) for each in told] == [state != State.ACTIVE] * 3
        assert bool(self.authorization.remedy) == (state != State.ACTIVE)

    @invariant()
    def every_end_is_in_the_log_once(self) -> None:
        kinds = {Activity.Kind.PARTY_STOPPED, Activity.Kind.PARTY_REVOKED}
        ends = Activity.objects.filter(target=self.authorization.uid, kind__in=kinds)
        at = [row.at for row in ends if row.at == self.authorization.ended_at]
        assert len(at) == (self.authorization.ended_at is not None)
        self.clock.shift(1)  # Acts at the same moment could not be told apart here.


@pytest.mark.django_db
def test_authorisation_is_shown_as_active_exactly_when_it_works() -> None:
    run_state_machine_as_test(
        Connection,
        settings=hypothesis_settings(
            max_examples=25, stateful_step_count=15, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )


@pytest.mark.django_db
@pytest.mark.parametrize("end", [Connection.end_by_party, Connection.remove, Connection.remove_by_operator])
def test_consent_of_a_member_who_left_cannot_be_taken_over_after_a_final_end(end: Any) -> None:
    connection = Connection()
    try:
        connection.giver_leaves()
        assert ThirdPartyAuthorization.objects.revocable().get().is_revocable
        end(connection)
        connection.take_over()
        connection.active_is_what_works()
        assert connection.authorization.state != State.ACTIVE
        assert not ThirdPartyAuthorization.objects.revocable().exists()
    finally:
        connection.teardown()

"""Fixtures: a stopped clock, a third party, and its tokens."""

import datetime as dt

import pytest
from time_machine import TimeMachineFixture

from tests.factories import SellerFactory, ThirdPartyFactory
from tests.oauth.flow import Software, decide, request_address, sent_back, software
from tests.people import signed_in
from tests.sql.states import Claims

NOW = dt.datetime(2026, 5, 17, 12, 0, 0, 123456, tzinfo=dt.UTC)


@pytest.fixture
def now(time_machine: TimeMachineFixture) -> dt.datetime:
    """Stop the clock."""
    time_machine.move_to(NOW, tick=False)
    return NOW


@pytest.fixture
def party(db: None) -> Software:
    return software(ThirdPartyFactory())


@pytest.fixture
def tokens(now: dt.datetime, party: Software) -> Claims:
    """The token response of a party with every right."""
    code = sent_back(decide(signed_in(SellerFactory().members.get()), request_address(party)))["code"]
    answer: Claims = party.exchange(code).json()
    return answer

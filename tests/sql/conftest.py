"""Fixtures: a stopped clock, a third party, and its tokens."""

import datetime as dt

import pytest
from time_machine import TimeMachineFixture

from tests.oauth.conftest import code, owner, party, seller, tokens

__all__ = ["code", "owner", "party", "seller", "tokens"]

NOW = dt.datetime(2026, 5, 17, 12, 0, 0, 123456, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def now(time_machine: TimeMachineFixture) -> dt.datetime:
    """Stop the clock, before anything is created."""
    time_machine.move_to(NOW, tick=False)
    return NOW

"""Fixtures of the code flow, for races."""

from tests.oauth.conftest import code, owner, party, seller, tokens

__all__ = ["code", "owner", "party", "seller", "tokens"]

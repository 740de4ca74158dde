"""Tests that need PostgreSQL, and commit."""

from tests.oauth.conftest import code, owner, party, seller, tokens

__all__ = ["code", "owner", "party", "seller", "tokens"]

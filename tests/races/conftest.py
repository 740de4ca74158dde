"""Marks of all tests here: they need PostgreSQL, and they commit."""

from tests.oauth.conftest import code, owner, party, seller, tokens

__all__ = ["code", "owner", "party", "seller", "tokens"]

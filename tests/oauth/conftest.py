"""Fixtures: a seller, its own software, a third party, and their tokens."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Seller
from tests.factories import ClientCredentialFactory, ResourceServerFactory, SellerFactory, ThirdPartyFactory
from tests.oauth.flow import Software, decide, request_address, sent_back, software
from tests.people import signed_in


@pytest.fixture
def seller(db: None) -> Seller:
    return SellerFactory()


@pytest.fixture
def owner(seller: Seller) -> Client:
    """The browser of the seller's owner, just signed in."""
    return signed_in(seller.members.get())


@pytest.fixture
def warehouse(seller: Seller) -> Software:
    """The seller's own software, with every right."""
    return software(ClientCredentialFactory(seller=seller))


@pytest.fixture
def party(db: None) -> Software:
    """A third party, registered for every right, with rotating refresh tokens and PKCE."""
    return software(ThirdPartyFactory())


@pytest.fixture
def gateway(db: None) -> Software:
    """A resource server, which may introspect."""
    return software(ResourceServerFactory())


@pytest.fixture
def code(owner: Client, party: Software) -> str:
    """A fresh authorization code for the party, with every right."""
    return sent_back(decide(owner, request_address(party)))["code"]


@pytest.fixture
def tokens(party: Software, code: str) -> dict[str, Any]:
    """The token response to the exchange of the code."""
    answer: dict[str, Any] = party.exchange(code).json()
    return answer

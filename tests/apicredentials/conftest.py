"""Fixtures: a seller, the browsers of its owner and of another seller's owner, and a credential."""

import pytest
from django.test import Client

from accounts.models import Seller
from apicredentials.models import ClientCredential
from tests.factories import ClientCredentialFactory, TechnicalContactFactory
from tests.people import signed_in


@pytest.fixture
def seller(db: None) -> Seller:
    """A seller with a technical contact, which opens the other sections."""
    return TechnicalContactFactory(seller__display_name="Appels").seller


@pytest.fixture
def owner(seller: Seller) -> Client:
    """The browser of the seller's owner."""
    return signed_in(seller.members.get())


@pytest.fixture
def stranger(db: None) -> Client:
    """The browser of another seller's owner."""
    return signed_in(TechnicalContactFactory(seller__display_name="Peren").seller.members.get())


@pytest.fixture
def credential(seller: Seller) -> ClientCredential:
    """A credential of the seller, without a secret yet."""
    return ClientCredentialFactory(seller=seller, name="Magazijn")

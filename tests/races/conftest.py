"""Tests that need PostgreSQL, and commit."""

import pytest

from accounts.models import Seller
from tests.factories import SellerFactory


@pytest.fixture
def seller(transactional_db: None) -> Seller:
    return SellerFactory()

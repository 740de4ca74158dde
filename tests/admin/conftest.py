"""Operators: one who may do everything, and those who may do what a test says."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from tests.factories import UserFactory
from tests.people import signed_in


@pytest.fixture
def operator(db: None) -> Client:
    """The browser of an operator who may do everything."""
    return signed_in(kim())


def kim() -> User:
    """Return an operator who may do everything, and whom sellers know by name."""
    return UserFactory(name="Kim", is_staff=True, is_superuser=True)


def staff(*permissions: str) -> Client:
    """Return the browser of an operator with these permissions only."""
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    assert user.user_permissions.count() == len(permissions)
    return signed_in(user)

"""Operators with all or some permissions, and a row of each model."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import Actor, User
from apicredentials.models import Grant, RefreshToken, RevokedAccessToken, ThirdParty
from tests.factories import (
    AnnouncementFactory,
    ClientCredentialFactory,
    ResourceServerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    UserFactory,
)
from tests.people import signed_in


@pytest.fixture
def operator(db: None) -> Client:
    """The browser of a superuser."""
    return signed_in(kim())


def kim() -> User:
    """Return a superuser with a name, which sellers read in their log."""
    return UserFactory(name="Kim", is_staff=True, is_superuser=True)


def staff(*permissions: str) -> Client:
    """Return the browser of an operator with these permissions only."""
    return signed_in(operator_with(*permissions))


def operator_with(*permissions: str) -> User:
    """Return an operator with these permissions only."""
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    assert user.user_permissions.count() == len(permissions)
    return user


@pytest.fixture
def rows(db: None) -> None:
    """One row of each model, with values in every column that must stay hidden."""
    contact = TechnicalContactFactory()
    credential = ClientCredentialFactory(seller=contact.seller)
    credential.reveal(by=Actor())
    credential.rotate(overlap=timedelta(days=1), by=Actor())
    authorization = ThirdPartyAuthorizationFactory(seller=contact.seller)
    ThirdParty.objects.get().reveal(by=Actor())
    ResourceServerFactory().reveal(by=Actor())
    AnnouncementFactory()
    now = timezone.now()
    common = {"user": contact.seller.members.get(), "application_id": authorization.third_party.pk}
    grant = Grant.objects.create(
        code_hash="c0de" * 16, authorization=authorization, rights="", scope="", redirect_uri="", expires=now, **common
    )
    RefreshToken.objects.create(token_checksum="70ce" * 16, grant=grant, **common)
    RevokedAccessToken.objects.create(jti="11111111-2222-4333-8444-555555555555", expires=now)

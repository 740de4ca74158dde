"""Two accounts that take one address at the same time."""

from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.utils import timezone

from accounts.links import link_token
from accounts.models import AddressChange, User
from tests.factories import UserFactory
from tests.races.collisions import at_once_on

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

WANTED = "winkel@vandijk.example"


def confirming() -> partial[Any]:
    """Return the click of a user who changes to the address."""
    user = UserFactory()
    change = AddressChange.objects.create(user=user, former_email=user.email, email=WANTED)
    token = unquote(link_token("confirm-address", change.pk, change.nonce))
    return partial(Client().post, "/adres/bevestigen/", {"token": token})


def undoing() -> partial[Any]:
    """Return the click of a user who takes the address back."""
    user = UserFactory()
    change = AddressChange.objects.create(user=user, former_email=WANTED, email=user.email, confirmed_at=timezone.now())
    token = unquote(link_token("undo-address-change", change.pk, change.nonce))
    return partial(Client().post, "/adres/terugdraaien/", {"token": token})


@pytest.mark.parametrize("other", [confirming, undoing])
def test_address_goes_to_one_of_two_accounts(other: Any) -> None:
    clicks = [confirming(), other()]
    answers = at_once_on(AddressChange.objects.all(), *clicks)
    assert sorted(answer.status_code for answer in answers) == [302, 410]
    assert User.objects.filter(email=WANTED).count() == 1

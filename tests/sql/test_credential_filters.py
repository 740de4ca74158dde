"""The filters of credentials, compared with the properties of the model in every combination of columns."""

import datetime as dt
import importlib
from itertools import product

import pytest
from django.apps import apps
from django.utils import timezone

from apicredentials.models import ClientCredential, credential_filters
from apicredentials.models.credential_filters import idle, in_state, never_used
from apicredentials.models.credentials import is_unused
from tests.factories import ClientCredentialFactory, ClientSecretFactory, SellerFactory

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOUR = dt.timedelta(hours=1)
MOMENTS = (None, NOW - 2 * HOUR, NOW - HOUR)
# The possible `ends_at` of the secrets.
SECRETS: tuple[tuple[dt.datetime | None, ...], ...] = ((), (None,), (NOW - HOUR,), (NOW - HOUR, NOW + HOUR))


def test_in_state_agrees_with_the_state() -> None:
    seller = SellerFactory()
    for number, (paused, leaked, deleted, ends) in enumerate(product(MOMENTS, MOMENTS, MOMENTS[:2], SECRETS)):
        credential = ClientCredentialFactory(
            seller=seller, name=str(number), paused_at=paused, leaked_at=leaked, deleted_at=deleted
        )
        for end in ends:
            ClientSecretFactory(client=credential, ends_at=end)
    for state in ClientCredential.State:
        expected = {each.pk for each in ClientCredential.objects.all() if each.state == state}
        assert expected
        assert {each.pk for each in ClientCredential.objects.filter(in_state(state))} == expected


def test_idle_and_never_used_agree_with_the_last_use() -> None:
    for days in (None, 0, 89, 90, 91):
        credential = ClientCredentialFactory()
        ClientSecretFactory(client=credential, ends_at=NOW - HOUR)
        ClientSecretFactory(client=credential, last_used_at=None if days is None else NOW - dt.timedelta(days=days))
    every = ClientCredential.objects.all()
    assert {*every.filter(idle())} == {
        each for each in every if each.last_used_at and is_unused(None, each.last_used_at)
    }
    assert {*every.filter(never_used())} == {each for each in every if each.last_used_at is None}


@pytest.mark.parametrize("most", [0, 10_000])
def test_filters_by_use_agree_however_many_match(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(credential_filters, "MOST_KEYS", most)
    test_idle_and_never_used_agree_with_the_last_use()
    unrevealed = ClientCredentialFactory()
    assert unrevealed in ClientCredential.objects.filter(never_used())


def test_migration_notes_the_first_secret_of_each_client() -> None:
    credential, unrevealed = ClientCredentialFactory(revealed=True), ClientCredentialFactory()
    first = credential.secrets.get()
    ClientSecretFactory(client=credential, ends_at=NOW)
    ClientCredential.objects.update(revealed_at=None)
    importlib.import_module("apicredentials.migrations.0024_filter_indexes").note_first_secrets(apps, None)
    credential.refresh_from_db()
    unrevealed.refresh_from_db()
    assert (credential.revealed_at, unrevealed.revealed_at) == (first.created_at, None)

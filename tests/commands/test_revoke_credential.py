"""`revoke_credential`. See also test_credential_commands.py."""

import datetime as dt

import pytest
import time_machine

from apicredentials.models import Activity, ClientCredential
from tests.commands.conftest import WHY, Manage, logged
from tests.factories import ClientCredentialFactory
from tests.oauth.flow import Software, assert_error, verify

pytestmark = pytest.mark.django_db

DELETED = Activity.Kind.CREDENTIAL_DELETED
NOW = dt.datetime(2026, 5, 4, 10, 30, tzinfo=dt.UTC)


def test_new_and_issued_tokens_are_refused_at_once(manage: Manage, warehouse: Software) -> None:
    token = warehouse.access_token()
    assert verify(token).status_code == 204
    assert manage("revoke_credential", warehouse.client_id, *WHY).status == 0
    assert_error(warehouse.token(grant_type="client_credentials"), "invalid_client", 401)
    assert verify(token).status_code == 401
    assert manage("list_credentials", "--json").json == []


@time_machine.travel(NOW, tick=False)
def test_prints_until_when_it_can_be_restored(manage: Manage) -> None:
    client_id = ClientCredentialFactory(revealed=True).client_id
    answer = manage("revoke_credential", client_id, *WHY, "--json").json
    assert answer == {"client_id": client_id, "state": "deleted", "restorable_until": "2026-06-03T10:30:00Z"}


def test_leaked_credential_cannot_be_restored(manage: Manage, warehouse: Software) -> None:
    manage("report_leak", stdin=warehouse.secret)
    answer = manage("revoke_credential", warehouse.client_id, *WHY, "--json").json
    assert answer == {"client_id": warehouse.client_id, "state": "deleted", "restorable_until": None}


def test_restored_credential_can_be_revoked_again(manage: Manage, warehouse: Software) -> None:
    manage("revoke_credential", warehouse.client_id, *WHY)
    ClientCredential.objects.update(deleted_at=None)
    manage("revoke_credential", warehouse.client_id, *WHY)
    assert ClientCredential.objects.get().deleted_at is not None
    assert len(logged(DELETED)) == 2

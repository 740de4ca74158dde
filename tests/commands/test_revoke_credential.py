"""`revoke_credential`: a credential ends. What it shares with others: test_credential_commands.py."""

import datetime as dt

import pytest
import time_machine

from apicredentials.models import Activity, ClientCredential
from tests.commands.conftest import CONTACT, OPERATOR, OWNER, Manage, logged, mailed
from tests.factories import ClientCredentialFactory
from tests.oauth.flow import Software, assert_error, verify

pytestmark = pytest.mark.django_db

DELETED = Activity.Kind.CREDENTIAL_DELETED
NOW = dt.datetime(2026, 5, 4, 10, 30, tzinfo=dt.UTC)


def test_it_gets_no_token_and_those_it_has_stop_at_once(manage: Manage, warehouse: Software) -> None:
    token = warehouse.access_token()
    assert verify(token).status_code == 204
    assert manage("revoke_credential", warehouse.client_id).status == 0
    assert_error(warehouse.token(grant_type="client_credentials"), "invalid_client", 401)
    assert verify(token).status_code == 401
    assert manage("list_credentials", "--json").json == []


@time_machine.travel(NOW, tick=False)
def test_prints_until_when_the_seller_can_put_it_back(manage: Manage) -> None:
    client_id = ClientCredentialFactory(revealed=True).client_id
    answer = manage("revoke_credential", client_id, "--json").json
    assert answer == {"client_id": client_id, "state": "deleted", "restorable_until": "2026-06-03T10:30:00Z"}


@time_machine.travel(NOW, tick=False)
def test_without_json_prints_lines_for_people(manage: Manage) -> None:
    client_id = ClientCredentialFactory().client_id
    done = manage("revoke_credential", client_id)
    assert done.out.splitlines() == [
        f"client_id: {client_id}",
        "state: deleted",
        "restorable_until: 2026-06-03 10:30:00+00:00",
    ]


def test_one_whose_secret_leaked_cannot_be_put_back(manage: Manage, warehouse: Software) -> None:
    manage("report_leak", stdin=warehouse.secret)
    answer = manage("revoke_credential", warehouse.client_id, "--json").json
    assert answer == {"client_id": warehouse.client_id, "state": "deleted", "restorable_until": None}


def test_twice_is_once_and_is_answered_the_same(manage: Manage, warehouse: Software) -> None:
    first = manage("revoke_credential", warehouse.client_id, "--reason", "Misbruik", "--json").json
    deleted_at = ClientCredential.objects.get().deleted_at
    with time_machine.travel(dt.timedelta(hours=1)):
        assert manage("revoke_credential", warehouse.client_id, "--reason", "Weer", "--json").json == first
    assert ClientCredential.objects.get().deleted_at == deleted_at
    assert logged(DELETED) == [("Magazijn", OPERATOR, "Misbruik")]
    assert mailed(DELETED) == [OWNER, CONTACT]


def test_what_is_put_back_can_be_revoked_again(manage: Manage, warehouse: Software) -> None:
    manage("revoke_credential", warehouse.client_id)
    ClientCredential.objects.update(deleted_at=None)
    manage("revoke_credential", warehouse.client_id)
    assert ClientCredential.objects.get().deleted_at is not None
    assert len(logged(DELETED)) == 2

"""`pause_credential`: a credential stops for now. What it shares with others: test_credential_commands.py."""

import datetime as dt

import pytest
import time_machine

from apicredentials.models import Activity, ClientCredential
from tests.commands.conftest import CONTACT, OPERATOR, OWNER, Manage, logged, mailed
from tests.factories import ClientCredentialFactory
from tests.oauth.flow import Software, assert_error, verify

pytestmark = pytest.mark.django_db

PAUSED = Activity.Kind.CREDENTIAL_PAUSED


def test_it_gets_no_token_and_those_it_has_stop_at_once(manage: Manage, warehouse: Software) -> None:
    token = warehouse.access_token()
    assert verify(token).status_code == 204
    assert manage("pause_credential", warehouse.client_id).status == 0
    assert_error(warehouse.token(grant_type="client_credentials"), "invalid_client", 401)
    assert verify(token).status_code == 401


def test_prints_how_it_stands(manage: Manage, warehouse: Software) -> None:
    answer = manage("pause_credential", warehouse.client_id, "--json").json
    assert answer == {"client_id": warehouse.client_id, "state": "paused"}
    assert [each["state"] for each in manage("list_credentials", "--json").json] == ["paused"]


def test_without_json_prints_lines_for_people(manage: Manage, warehouse: Software) -> None:
    done = manage("pause_credential", warehouse.client_id)
    assert (done.out, done.err) == (f"client_id: {warehouse.client_id}\nstate: paused\n", "")


def test_twice_is_once(manage: Manage, warehouse: Software) -> None:
    first = manage("pause_credential", warehouse.client_id, "--reason", "Storing", "--json").json
    paused_at = ClientCredential.objects.get().paused_at
    with time_machine.travel(dt.timedelta(hours=1)):
        assert manage("pause_credential", warehouse.client_id, "--reason", "Weer", "--json").json == first
    assert ClientCredential.objects.get().paused_at == paused_at
    assert logged(PAUSED) == [("Magazijn", OPERATOR, "Storing")]
    assert mailed(PAUSED) == [OWNER, CONTACT]


def test_one_whose_secret_was_never_shown_can_be_paused_too(manage: Manage) -> None:
    credential = ClientCredentialFactory()
    assert manage("pause_credential", credential.client_id, "--json").json["state"] == "paused"
    credential.refresh_from_db()
    assert credential.paused_at is not None

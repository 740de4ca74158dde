"""`restore_credential`: undoes a deletion. See also test_credential_commands.py."""

import datetime as dt

import pytest
import time_machine

from apicredentials.models import ClientCredential
from tests.commands.conftest import WHY, Manage
from tests.factories import ClientCredentialFactory
from tests.oauth.flow import Software, verify

pytestmark = pytest.mark.django_db


def test_secret_and_tokens_work_again(manage: Manage, warehouse: Software) -> None:
    token = warehouse.access_token()
    manage("revoke_credential", warehouse.client_id, *WHY)
    assert verify(token).status_code == 401
    answer = manage("restore_credential", warehouse.client_id, *WHY, "--json").json
    assert answer == {"client_id": warehouse.client_id, "state": "active"}
    assert verify(token).status_code == 204
    assert verify(warehouse.access_token()).status_code == 204


def test_paused_credential_stays_paused(manage: Manage) -> None:
    client_id = ClientCredentialFactory(revealed=True, paused=True, deleted=True).client_id
    assert manage("restore_credential", client_id, *WHY, "--json").json["state"] == "paused"


def test_refused_after_thirty_days_after_a_leak_and_for_a_name_in_use(manage: Manage, warehouse: Software) -> None:
    manage("revoke_credential", warehouse.client_id, *WHY)
    other = ClientCredentialFactory(seller=ClientCredential.objects.get().seller, name="magazijn")
    assert "andere client credentials" in manage("restore_credential", warehouse.client_id, *WHY).complaint
    other.delete()
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=30)):
        assert "niet meer" in manage("restore_credential", warehouse.client_id, *WHY).complaint
    manage("report_leak", stdin=warehouse.secret)
    assert ClientCredential.objects.get().leaked_at is not None
    assert "niet meer" in manage("restore_credential", warehouse.client_id, *WHY).complaint

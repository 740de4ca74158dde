"""`pause_credential`. See also test_credential_commands.py."""

import pytest

from apicredentials.models import Activity
from tests.commands.conftest import WHY, Manage
from tests.factories import ClientCredentialFactory
from tests.oauth.flow import Software, assert_error, verify

pytestmark = pytest.mark.django_db

PAUSED = Activity.Kind.CREDENTIAL_PAUSED


def test_new_and_issued_tokens_are_refused_at_once(manage: Manage, warehouse: Software) -> None:
    token = warehouse.access_token()
    assert verify(token).status_code == 204
    assert manage("pause_credential", warehouse.client_id, *WHY).status == 0
    assert_error(warehouse.token(grant_type="client_credentials"), "invalid_client", 401)
    assert verify(token).status_code == 401


def test_prints_the_state(manage: Manage, warehouse: Software) -> None:
    answer = manage("pause_credential", warehouse.client_id, *WHY, "--json").json
    assert answer == {"client_id": warehouse.client_id, "state": "paused"}
    assert [each["state"] for each in manage("list_credentials", "--json").json] == ["paused"]


def test_credential_without_a_secret_can_be_paused(manage: Manage) -> None:
    credential = ClientCredentialFactory()
    assert manage("pause_credential", credential.client_id, *WHY, "--json").json["state"] == "paused"
    credential.refresh_from_db()
    assert credential.paused_at is not None

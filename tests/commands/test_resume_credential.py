"""`resume_credential`. See also test_credential_commands.py."""

import pytest

from apicredentials.models import Activity
from tests.commands.conftest import WHY, Manage, logged, mailed
from tests.inventory import tables
from tests.oauth.flow import Software, assert_error, verify

pytestmark = pytest.mark.django_db

RESUMED = Activity.Kind.CREDENTIAL_RESUMED


@pytest.fixture
def paused(manage: Manage, warehouse: Software) -> Software:
    """The shop's software, with its credential paused by an operator."""
    manage("pause_credential", warehouse.client_id, *WHY)
    return warehouse


def test_new_and_issued_tokens_work_again(manage: Manage, warehouse: Software) -> None:
    token = warehouse.access_token()
    manage("pause_credential", warehouse.client_id, *WHY)
    assert verify(token).status_code == 401
    assert manage("resume_credential", warehouse.client_id, *WHY).status == 0
    assert verify(token).status_code == 204
    assert verify(warehouse.access_token()).status_code == 204


def test_prints_the_state(manage: Manage, paused: Software) -> None:
    answer = manage("resume_credential", paused.client_id, *WHY, "--json").json
    assert answer == {"client_id": paused.client_id, "state": "active"}
    assert [each["state"] for each in manage("list_credentials", "--json").json] == ["active"]


def test_active_credential_is_not_changed(manage: Manage, warehouse: Software) -> None:
    assert manage("resume_credential", warehouse.client_id, *WHY, "--json").json["state"] == "active"
    assert (logged(RESUMED), mailed(RESUMED)) == ([], [])


def test_refused_after_a_leak_until_there_is_a_new_secret(manage: Manage, warehouse: Software) -> None:
    manage("report_leak", stdin=warehouse.secret)
    before = tables()
    done = manage("resume_credential", warehouse.client_id, *WHY)
    assert done.complaint == "Het secret is gelekt. Maak eerst een nieuw secret."
    assert tables() == before
    answer = manage("rotate_secret", warehouse.client_id, *WHY, "--overlap", "7d", "--json").json
    manage("resume_credential", warehouse.client_id, *WHY)
    assert verify(Software(warehouse.client_id, answer["client_secret"]).access_token()).status_code == 204
    assert_error(warehouse.token(grant_type="client_credentials"), "invalid_client", 401)

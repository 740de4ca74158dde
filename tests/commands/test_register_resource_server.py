"""`register_resource_server`: an API of the marketplace that may introspect tokens."""

import pytest

from apicredentials.models import Activity, ResourceServer
from tests.commands.conftest import Manage
from tests.factories import ThirdPartyFactory
from tests.oauth.flow import Software

pytestmark = pytest.mark.django_db

COMMAND = ("register_resource_server", "--name", "Bestellingen")


def test_prints_working_client_id_and_secret(manage: Manage) -> None:
    answer = manage(*COMMAND, "--json").json
    assert answer.keys() == {"client_id", "client_secret"}
    server = Software(answer["client_id"], answer["client_secret"])
    assert server.post("/introspect", token="geen-token").json() == {"active": False}


def test_without_json_prints_lines(manage: Manage) -> None:
    assert [line.split(": ")[0] for line in manage(*COMMAND).out.splitlines()] == ["client_id", "client_secret"]


def test_registration_is_logged(manage: Manage) -> None:
    manage(*COMMAND)
    assert set(Activity.objects.values_list("kind", "subject")) == {
        (Activity.Kind.CLIENT_REGISTERED, "Bestellingen"),
        (Activity.Kind.SECRET_REVEALED, "Bestellingen"),
    }


def test_name_in_use_is_refused(manage: Manage) -> None:
    ThirdPartyFactory(name="bestellingen")
    assert "met deze naam" in manage(*COMMAND).complaint
    assert not ResourceServer.objects.exists()

"""What the commands about one credential share: which one they find, and what its seller hears of it."""

import pytest
from django.utils import timezone

from apicredentials.models import Activity, ClientCredential
from tests.commands.conftest import CONTACT, OPERATOR, OWNER, Done, Manage, logged, mailed
from tests.factories import ClientCredentialFactory, ResourceServerFactory, ThirdPartyFactory
from tests.inventory import tables
from tests.oauth.flow import Software

pytestmark = pytest.mark.django_db

COMMANDS = {
    "pause_credential": Activity.Kind.CREDENTIAL_PAUSED,
    "resume_credential": Activity.Kind.CREDENTIAL_RESUMED,
    "revoke_credential": Activity.Kind.CREDENTIAL_DELETED,
    "rotate_secret": Activity.Kind.SECRET_ROTATED,
}
EVERY_COMMAND = pytest.mark.parametrize("name", COMMANDS)


def run(manage: Manage, name: str, *arguments: str) -> Done:
    return manage(name, *arguments, *(["--overlap", "0"] if name == "rotate_secret" else []))


@pytest.fixture
def client_id(warehouse: Software, name: str) -> str:
    """The Client ID of a credential that the command changes."""
    ClientCredential.objects.update(paused_at=timezone.now() if name == "resume_credential" else None)
    return warehouse.client_id


@EVERY_COMMAND
def test_the_seller_reads_in_the_log_who_did_it_and_why(manage: Manage, name: str, client_id: str) -> None:
    run(manage, name, client_id, "--reason", " Gevraagd per télefoon ")
    assert logged(COMMANDS[name]) == [("Magazijn", OPERATOR, "Gevraagd per télefoon")]
    activity = Activity.objects.get(kind=COMMANDS[name])
    assert activity.seller == ClientCredential.objects.get().seller
    assert (activity.user, activity.address) == (None, None)


@EVERY_COMMAND
def test_the_reason_may_be_left_out(manage: Manage, name: str, client_id: str) -> None:
    run(manage, name, client_id)
    assert logged(COMMANDS[name]) == [("Magazijn", OPERATOR, "")]


@EVERY_COMMAND
def test_owner_and_technical_contact_are_mailed(manage: Manage, name: str, client_id: str) -> None:
    run(manage, name, client_id)
    assert mailed(COMMANDS[name]) == [OWNER, CONTACT]


@EVERY_COMMAND
def test_the_other_credentials_of_the_seller_stay_as_they_are(manage: Manage, name: str, client_id: str) -> None:
    seller = ClientCredential.objects.get().seller
    other = ClientCredentialFactory(seller=seller, revealed=True)
    others = [ClientCredential.objects.filter(pk=other.pk), other.secrets.all()]
    before = [rows.values().get() for rows in others]
    assert run(manage, name, client_id).status == 0
    assert [rows.values().get() for rows in others] == before


# ---- Bad input --------------------------------------------------------------------------------------------


@EVERY_COMMAND
@pytest.mark.parametrize(
    "client_id", ["00000000-0000-4000-8000-000000000000", "Magazijn", "", " ", "' OR 1=1 --", "é", "a" * 5000]
)
def test_refuses_an_id_of_nobody(manage: Manage, name: str, client_id: str) -> None:
    ClientCredentialFactory(name="Magazijn", revealed=True)
    before = tables()
    assert run(manage, name, client_id).complaint == f"There are no client credentials {client_id!r}."
    assert tables() == before


@EVERY_COMMAND
@pytest.mark.parametrize("factory", [ThirdPartyFactory, ResourceServerFactory])
def test_refuses_the_id_of_another_kind_of_client(manage: Manage, name: str, factory: type[ThirdPartyFactory]) -> None:
    client = factory(paused_at=timezone.now())
    before = tables()
    assert run(manage, name, client.client_id).complaint == f"There are no client credentials {client.client_id!r}."
    assert tables() == before


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"revoke_credential"}))
def test_refuses_what_was_deleted(manage: Manage, name: str) -> None:
    client_id = ClientCredentialFactory(revealed=True, deleted=True, paused=True).client_id
    before = tables()
    assert run(manage, name, client_id).complaint == f"There are no client credentials {client_id!r}."
    assert tables() == before


@EVERY_COMMAND
def test_refuses_bytes_that_are_no_text(manage: Manage, name: str, client_id: str) -> None:
    before = tables()
    for arguments in (["\udcff"], [client_id, "--reason", "\udcff"]):
        assert run(manage, name, *arguments).complaint == "The arguments are not valid UTF-8."
    assert tables() == before


@EVERY_COMMAND
@pytest.mark.parametrize("reason", ["a" * 501, "twee\nregels", "met\0nul"])
def test_refuses_a_reason_that_no_log_can_hold(manage: Manage, name: str, client_id: str, reason: str) -> None:
    before = tables()
    complaint = run(manage, name, client_id, "--reason", reason).complaint
    assert complaint == "--reason must be one line of at most 500 characters."
    assert tables() == before


@EVERY_COMMAND
def test_says_in_one_line_that_the_id_is_missing(manage: Manage, name: str) -> None:
    assert "CLIENT_ID" in run(manage, name).complaint

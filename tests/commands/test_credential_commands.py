"""The commands on one credential: how they find it, and how the seller is informed."""

import pytest
from django.utils import timezone

from apicredentials.keys import secret_format
from apicredentials.models import Activity, ClientCredential
from tests.commands.conftest import CONTACT, OPERATOR, OWNER, WHY, Done, Manage, logged, mailed
from tests.factories import ClientCredentialFactory, ResourceServerFactory, ThirdPartyFactory
from tests.inventory import tables
from tests.oauth.flow import Software

pytestmark = pytest.mark.django_db

COMMANDS = {
    "pause_credential": Activity.Kind.CREDENTIAL_PAUSED,
    "resume_credential": Activity.Kind.CREDENTIAL_RESUMED,
    "revoke_credential": Activity.Kind.CREDENTIAL_DELETED,
    "rotate_secret": Activity.Kind.SECRET_ROTATED,
    "restore_credential": Activity.Kind.CREDENTIAL_RESTORED,
}
WITH_DELETED = {"revoke_credential", "restore_credential"}
EVERY_COMMAND = pytest.mark.parametrize("name", COMMANDS)


def run(manage: Manage, name: str, *arguments: str) -> Done:
    reason = () if "--reason" in arguments else WHY
    return manage(name, *arguments, *reason, *(["--overlap", "0"] if name == "rotate_secret" else []))


@pytest.fixture
def client_id(warehouse: Software, name: str) -> str:
    """The Client ID of a credential in the state that the command requires."""
    now = timezone.now()
    ClientCredential.objects.update(
        paused_at=now if name == "resume_credential" else None, deleted_at=now if name == "restore_credential" else None
    )
    return warehouse.client_id


@EVERY_COMMAND
def test_log_has_operator_and_reason(manage: Manage, name: str, client_id: str) -> None:
    run(manage, name, client_id, "--reason", " Gevraagd per télefoon ")
    assert logged(COMMANDS[name]) == [("Magazijn", OPERATOR, "Gevraagd per télefoon")]
    activity = Activity.objects.get(kind=COMMANDS[name])
    assert activity.seller == ClientCredential.objects.get().seller
    assert (activity.user, activity.address) == (None, None)


@EVERY_COMMAND
def test_command_is_idempotent_and_mails_owner_and_contact_once(manage: Manage, name: str, client_id: str) -> None:
    first = run(manage, name, client_id, "--json").json
    assert first["client_id"] == client_id
    assert mailed(COMMANDS[name]) == [OWNER, CONTACT]
    if name != "rotate_secret":
        row = ClientCredential.objects.values().get()
        assert run(manage, name, client_id, "--reason", "Weer", "--json").json == first
        assert ClientCredential.objects.values().get() == row
        assert logged(COMMANDS[name]) == [("Magazijn", OPERATOR, WHY[1])]
        assert mailed(COMMANDS[name]) == [OWNER, CONTACT]


@EVERY_COMMAND
def test_without_json_prints_a_line_for_each_value(manage: Manage, name: str, client_id: str) -> None:
    done = run(manage, name, client_id)
    assert done.err == ""
    assert done.out.startswith(f"client_id: {client_id}\n")
    assert all(": " in line for line in done.out.splitlines())


@EVERY_COMMAND
def test_other_credentials_of_the_seller_are_not_changed(manage: Manage, name: str, client_id: str) -> None:
    seller = ClientCredential.objects.get().seller
    other = ClientCredentialFactory(seller=seller, revealed=True)
    others = [ClientCredential.objects.filter(pk=other.pk), other.secrets.all()]
    before = [rows.values().get() for rows in others]
    assert run(manage, name, client_id).status == 0
    assert [rows.values().get() for rows in others] == before


# ---- Invalid input ----------------------------------------------------------------------------------------


@EVERY_COMMAND
def test_id_of_no_credential_is_refused(manage: Manage, name: str) -> None:
    """Nor is the id of another kind of client one, or that of a deleted credential for most commands."""
    ClientCredentialFactory(name="Magazijn", revealed=True)
    others = [factory(paused_at=timezone.now()).client_id for factory in (ThirdPartyFactory, ResourceServerFactory)]
    if name not in WITH_DELETED:
        others.append(ClientCredentialFactory(revealed=True, deleted=True, paused=True).client_id)
    before = tables()
    for client_id in ("00000000-0000-4000-8000-000000000000", "Magazijn", "", "' OR 1=1 --", "é", "a" * 5000, *others):
        assert run(manage, name, client_id).complaint == f"There is no client credential {client_id!r}."
    assert tables() == before


@EVERY_COMMAND
def test_invalid_utf_8_is_refused(manage: Manage, name: str, client_id: str) -> None:
    before = tables()
    for arguments in (["\udcff"], [client_id, "--reason", "\udcff"]):
        assert run(manage, name, *arguments).complaint == "The arguments are not valid UTF-8."
    assert tables() == before


@EVERY_COMMAND
def test_valid_reason_is_required(manage: Manage, name: str, client_id: str) -> None:
    before = tables()
    too_long = "--reason must be one line of at most 500 characters."
    complaints = {
        "a" * 501: too_long,
        "twee\nregels": too_long,
        "met\0nul": too_long,
        "": "--reason is required.",
        " ": "--reason is required.",
        f"Gelekt: {secret_format.generate()}": "--reason contains a client secret. Leave it out.",
    }
    for reason, complaint in complaints.items():
        assert run(manage, name, client_id, "--reason", reason).complaint == complaint
    overlap = ["--overlap", "0"] if name == "rotate_secret" else []
    assert manage(name, client_id, *overlap).complaint == "--reason is required."
    assert tables() == before


@EVERY_COMMAND
def test_missing_id_is_reported_in_one_line(manage: Manage, name: str) -> None:
    assert "CLIENT_ID" in run(manage, name).complaint

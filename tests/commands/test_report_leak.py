"""`report_leak`: found secrets are rejected at once, as with `POST /leaks`."""

import datetime as dt
import hashlib

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Seller
from apicredentials.keys import secret_format
from apicredentials.models import Activity, ClientCredential, OAuthClient
from tests.commands.conftest import CONTACT, OPERATOR, OWNER, WHY, Manage, logged, mailed
from tests.factories import ClientCredentialFactory, ThirdPartyFactory
from tests.inventory import tables
from tests.logged import listening
from tests.mailbox import send_due_mail
from tests.oauth.flow import GRANT, Software, assert_error, software, verify

pytestmark = pytest.mark.django_db

LEAKED = Activity.Kind.LEAK_REPORTED


def mistyped(secret: str) -> str:
    """Return the secret with a different last character, which its checksum detects."""
    return secret[:-1] + ("A" if secret[-1] != "A" else "B")


def test_secret_and_its_tokens_are_rejected_at_once(manage: Manage, warehouse: Software) -> None:
    token = warehouse.access_token()
    assert verify(token).status_code == 204
    assert manage("report_leak", stdin=warehouse.secret).status == 0
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)
    assert verify(token).status_code == 401
    credential = ClientCredential.objects.get()
    assert credential.state == ClientCredential.State.LEAKED
    assert credential.paused_at is not None


def test_tokens_from_before_the_leak_stay_invalid_after_resuming(manage: Manage, warehouse: Software) -> None:
    """They may have been issued to the finder of the secret."""
    with time_machine.travel(timezone.now() - dt.timedelta(seconds=2)):
        token = warehouse.access_token()
    manage("report_leak", stdin=warehouse.secret)
    rotated = manage("rotate_secret", warehouse.client_id, *WHY, "--overlap", "0", "--json").json
    manage("resume_credential", warehouse.client_id, *WHY)
    assert verify(token).status_code == 401
    assert verify(Software(warehouse.client_id, rotated["client_secret"]).access_token()).status_code == 204


def test_prints_the_numbers_of_secrets(manage: Manage, warehouse: Software) -> None:
    lines = [warehouse.secret, secret_format.generate(), mistyped(warehouse.secret), "geen secret"]
    answer = manage("report_leak", "--json", stdin="\n".join(lines)).json
    assert answer == {"reported": 4, "stopped": 1, "unknown": 3, "owners": [owner_of(warehouse)]}


def owner_of(found: Software) -> dict[str, str | None]:
    client = OAuthClient.objects.get(client_id=found.client_id)
    number = client.seller.retailer_id if client.seller else None
    return {"client_id": client.client_id, "name": client.name, "seller": number}


def test_prints_the_owners_of_ended_secrets_too(manage: Manage, warehouse: Software) -> None:
    party = software(ThirdPartyFactory())
    first = manage("report_leak", "--json", stdin=f"{warehouse.secret}\n{party.secret}").json
    assert first["owners"] == [owner_of(warehouse), owner_of(party)]
    assert owner_of(party)["seller"] is None
    again = manage("report_leak", "--json", stdin=f"{warehouse.secret}\n{party.secret}").json
    assert again == first | {"stopped": 0}


def test_without_json_prints_lines(manage: Manage, warehouse: Software, shop: Seller) -> None:
    done = manage("report_leak", stdin=f"{warehouse.secret}\n")
    assert done.err == ""
    assert done.out.splitlines() == [
        "reported: 1",
        "stopped: 1",
        "unknown: 0",
        f"owner: {warehouse.client_id}  {shop.retailer_id}  Magazijn",
    ]


def test_dry_run_prints_the_same_and_changes_nothing(manage: Manage, warehouse: Software) -> None:
    before = tables()
    expected = manage("report_leak", "--dry-run", "--json", stdin=warehouse.secret).json
    assert tables() == before
    assert manage("report_leak", "--json", stdin=warehouse.secret).json == expected


@pytest.mark.parametrize(
    "form", ["{0}\r\n\r\n{1}\r\n", "\n \n\t{0}  \n\n{1}", "{0}\n{0}\n{1}\n", "{0}\n\0\n{1}\n", "\ufeff{0}\n{1}"]
)
def test_reads_one_secret_per_line_ignoring_white_space(manage: Manage, warehouse: Software, form: str) -> None:
    other = software(ClientCredentialFactory())
    answer = manage("report_leak", "--json", stdin=form.format(warehouse.secret, other.secret)).json
    assert answer["stopped"] == 2
    for each in (warehouse, other):
        assert_error(each.token(**GRANT), "invalid_client", 401)


def test_invalid_utf_8_does_not_hide_a_secret(manage: Manage, warehouse: Software) -> None:
    found = b"\xff\xfe\n" + warehouse.secret.encode() + b"\n\xe9\n"
    answer = manage("report_leak", "--json", stdin=found).json
    assert (answer["reported"], answer["stopped"], answer["unknown"]) == (3, 1, 2)


@pytest.mark.parametrize("found", ["", "\n\n", "geen secret", "rts_", "a new one"])
def test_unknown_or_malformed_secret_changes_nothing(manage: Manage, warehouse: Software, found: str) -> None:
    found = found.replace("a new one", secret_format.generate())
    before = tables()
    answer = manage("report_leak", "--json", stdin=f"{found}\n{mistyped(warehouse.secret)}").json
    assert answer["stopped"] == 0
    assert tables() == before
    assert warehouse.token(**GRANT).status_code == 200


def test_reporting_is_idempotent(manage: Manage, warehouse: Software) -> None:
    manage("report_leak", stdin=warehouse.secret)
    before = tables()
    answer = manage("report_leak", "--json", stdin=warehouse.secret).json
    assert (answer["reported"], answer["stopped"], answer["unknown"]) == (1, 0, 0)
    assert tables() == before


def test_other_secret_of_the_credential_works_after_resuming(manage: Manage, warehouse: Software) -> None:
    rotated = manage("rotate_secret", warehouse.client_id, *WHY, "--overlap", "24h", "--json").json
    new = Software(warehouse.client_id, rotated["client_secret"])
    manage("report_leak", stdin=warehouse.secret)
    assert_error(new.token(**GRANT), "invalid_client", 401)
    manage("resume_credential", warehouse.client_id, *WHY)
    assert new.token(**GRANT).status_code == 200
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)


def test_secret_of_a_third_party_is_rejected_and_others_keep_working(manage: Manage, warehouse: Software) -> None:
    party = software(ThirdPartyFactory())
    assert manage("report_leak", "--json", stdin=party.secret).json["stopped"] == 1
    assert_error(party.refresh("x"), "invalid_client", 401)
    assert warehouse.token(**GRANT).status_code == 200


def test_number_of_secrets_is_not_limited(manage: Manage, warehouse: Software) -> None:
    """A query can have at most 65,535 parameters."""
    bodies = [f"{number:076}" for number in range(70_000)]
    others = [f"rts_{body}{secret_format.checksum(body)}" for body in bodies]
    answer = manage("report_leak", "--json", stdin="\n".join([*others, warehouse.secret])).json
    assert (answer["reported"], answer["stopped"], answer["unknown"]) == (70_001, 1, 70_000)


# ---- Log and mail -----------------------------------------------------------------------------------------


def test_log_has_operator_and_reason(manage: Manage, warehouse: Software) -> None:
    manage("report_leak", stdin=warehouse.secret)
    assert logged(LEAKED) == [("Magazijn", OPERATOR, "Het secret is gevonden waar het niet hoort.")]
    assert Activity.objects.get(kind=LEAKED).details == {"hint": warehouse.secret[-4:]}


def test_log_has_the_place_where_it_was_found(manage: Manage, warehouse: Software) -> None:
    manage("report_leak", "--found-at", "https://pasta.example/4711", stdin=warehouse.secret)
    assert logged(LEAKED) == [("Magazijn", OPERATOR, "Gevonden op https://pasta.example/4711.")]


def test_mail_to_a_party_has_the_place_where_its_secret_was_found(manage: Manage) -> None:
    party = software(ThirdPartyFactory(contact_email="hulp@partij.example"))
    manage("report_leak", "--found-at", "https://pasta.example/4711", stdin=party.secret)
    (message,) = send_due_mail()
    assert message.to == ["hulp@partij.example"]
    assert "Gevonden op https://pasta.example/4711." in message.body


def test_place_must_be_one_line_without_a_secret(manage: Manage, warehouse: Software) -> None:
    for place in ("a" * 500, "twee\nregels", f"https://pasta.example/{warehouse.secret}"):
        assert "--found-at" in manage("report_leak", "--found-at", place, stdin=warehouse.secret).complaint
    assert warehouse.token(**GRANT).status_code == 200


def test_owner_and_technical_contact_are_mailed_once(manage: Manage, warehouse: Software) -> None:
    for _ in range(2):
        manage("report_leak", stdin=f"{warehouse.secret}\n" * 2)
    assert mailed(LEAKED) == [OWNER, CONTACT]


def test_secrets_are_never_printed_logged_or_stored(manage: Manage, warehouse: Software) -> None:
    found = [warehouse.secret, mistyped(warehouse.secret), secret_format.generate(), "een-ander-geheim"]
    with listening(everything=True) as log:
        done = manage("report_leak", stdin="\n".join(found))
    said = done.out + done.err + log.getvalue() + str(tables())
    for each in found:
        assert each not in said
        assert hashlib.sha256(each.encode()).hexdigest() not in said


def test_secret_as_an_argument_is_refused(manage: Manage, warehouse: Software) -> None:
    """Other users of the machine can see arguments, and the error message would repeat the secret."""
    done = manage("report_leak", warehouse.secret)
    assert done.complaint
    assert warehouse.token(**GRANT).status_code == 200

"""`report_leak`: secrets that were found stop at once. Their form is `secret_format`; `POST /leaks` does the same."""

import datetime as dt
import hashlib

import pytest
import time_machine
from django.utils import timezone

from apicredentials.keys import secret_format
from apicredentials.models import Activity, ClientCredential
from tests.commands.conftest import CONTACT, OPERATOR, OWNER, Manage, logged, mailed
from tests.factories import ClientCredentialFactory, ThirdPartyFactory
from tests.inventory import tables
from tests.logged import listening
from tests.oauth.flow import GRANT, Software, assert_error, software, verify

pytestmark = pytest.mark.django_db

LEAKED = Activity.Kind.LEAK_REPORTED


def mistyped(secret: str) -> str:
    """Return it with another last character, which its checksum tells."""
    return secret[:-1] + ("A" if secret[-1] != "A" else "B")


def test_a_secret_stops_at_once_with_every_token(manage: Manage, warehouse: Software) -> None:
    token = warehouse.access_token()
    assert verify(token).status_code == 204
    assert manage("report_leak", stdin=warehouse.secret).status == 0
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)
    assert verify(token).status_code == 401
    credential = ClientCredential.objects.get()
    assert credential.state == ClientCredential.State.LEAKED
    assert credential.paused_at is not None


def test_a_token_from_before_stays_dead_when_the_credential_works_again(manage: Manage, warehouse: Software) -> None:
    """Whoever found the secret may have got it."""
    with time_machine.travel(timezone.now() - dt.timedelta(seconds=2)):
        token = warehouse.access_token()
    manage("report_leak", stdin=warehouse.secret)
    rotated = manage("rotate_secret", warehouse.client_id, "--overlap", "0", "--json").json
    manage("resume_credential", warehouse.client_id)
    assert verify(token).status_code == 401
    assert verify(Software(warehouse.client_id, rotated["client_secret"]).access_token()).status_code == 204


def test_prints_how_many_there_were(manage: Manage, warehouse: Software) -> None:
    lines = [warehouse.secret, secret_format.generate(), mistyped(warehouse.secret), "geen secret"]
    answer = manage("report_leak", "--json", stdin="\n".join(lines)).json
    assert answer == {"read": 4, "well_formed": 2, "stopped": 1}


def test_without_json_prints_lines_for_people(manage: Manage, warehouse: Software) -> None:
    done = manage("report_leak", stdin=f"{warehouse.secret}\n")
    assert (done.out, done.err) == ("read: 1\nwell_formed: 1\nstopped: 1\n", "")


@pytest.mark.parametrize(
    "form", ["{0}\r\n\r\n{1}\r\n", "\n \n\t{0}  \n\n{1}", "{0}\n{0}\n{1}\n", "{0}\n\0\n{1}\n", "\ufeff{0}\n{1}"]
)
def test_reads_one_a_line_whatever_stands_around_it(manage: Manage, warehouse: Software, form: str) -> None:
    other = software(ClientCredentialFactory())
    answer = manage("report_leak", "--json", stdin=form.format(warehouse.secret, other.secret)).json
    assert answer["stopped"] == 2
    for each in (warehouse, other):
        assert_error(each.token(**GRANT), "invalid_client", 401)


def test_bytes_that_are_no_text_do_not_hide_a_secret(manage: Manage, warehouse: Software) -> None:
    found = b"\xff\xfe\n" + warehouse.secret.encode() + b"\n\xe9\n"
    assert manage("report_leak", "--json", stdin=found).json == {"read": 3, "well_formed": 1, "stopped": 1}


@pytest.mark.parametrize("found", ["", "\n\n", "geen secret", "rts_", "a new one"])
def test_what_is_no_secret_of_anybody_changes_nothing(manage: Manage, warehouse: Software, found: str) -> None:
    found = found.replace("a new one", secret_format.generate())
    before = tables()
    answer = manage("report_leak", "--json", stdin=f"{found}\n{mistyped(warehouse.secret)}").json
    assert answer["stopped"] == 0
    assert tables() == before
    assert warehouse.token(**GRANT).status_code == 200


def test_twice_is_once(manage: Manage, warehouse: Software) -> None:
    manage("report_leak", stdin=warehouse.secret)
    before = tables()
    answer = manage("report_leak", "--json", stdin=warehouse.secret).json
    assert answer == {"read": 1, "well_formed": 1, "stopped": 0}
    assert tables() == before


def test_the_other_secret_of_the_credential_waits_until_it_is_resumed(manage: Manage, warehouse: Software) -> None:
    rotated = manage("rotate_secret", warehouse.client_id, "--overlap", "24h", "--json").json
    new = Software(warehouse.client_id, rotated["client_secret"])
    manage("report_leak", stdin=warehouse.secret)
    assert_error(new.token(**GRANT), "invalid_client", 401)
    manage("resume_credential", warehouse.client_id)
    assert new.token(**GRANT).status_code == 200
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)


def test_others_go_on_and_a_third_partys_secret_stops_too(manage: Manage, warehouse: Software) -> None:
    party = software(ThirdPartyFactory())
    assert manage("report_leak", "--json", stdin=party.secret).json["stopped"] == 1
    assert_error(party.refresh("x"), "invalid_client", 401)
    assert warehouse.token(**GRANT).status_code == 200


def test_takes_as_many_as_were_found(manage: Manage, warehouse: Software) -> None:
    """A query has 65,535 parameters at most."""
    bodies = [f"{number:076}" for number in range(70_000)]
    others = [f"rts_{body}{secret_format.checksum(body)}" for body in bodies]
    answer = manage("report_leak", "--json", stdin="\n".join([*others, warehouse.secret])).json
    assert answer == {"read": 70_001, "well_formed": 70_001, "stopped": 1}


# ---- What the seller hears, and nobody else ---------------------------------------------------------------


def test_the_seller_reads_in_the_log_who_did_it_and_why(manage: Manage, warehouse: Software) -> None:
    manage("report_leak", stdin=warehouse.secret)
    assert logged(LEAKED) == [("Magazijn", OPERATOR, "Het secret is gevonden waar het niet hoort.")]
    assert Activity.objects.get(kind=LEAKED).details == {"hint": warehouse.secret[-4:]}


def test_owner_and_technical_contact_are_mailed_once(manage: Manage, warehouse: Software) -> None:
    for _ in range(2):
        manage("report_leak", stdin=f"{warehouse.secret}\n" * 2)
    assert mailed(LEAKED) == [OWNER, CONTACT]


def test_never_repeats_a_secret(manage: Manage, warehouse: Software) -> None:
    found = [warehouse.secret, mistyped(warehouse.secret), secret_format.generate(), "een-ander-geheim"]
    with listening(everything=True) as log:
        done = manage("report_leak", stdin="\n".join(found))
    said = done.out + done.err + log.getvalue() + str(tables())
    for each in found:
        assert each not in said
        assert hashlib.sha256(each.encode()).hexdigest() not in said


def test_takes_no_secret_as_an_argument(manage: Manage, warehouse: Software) -> None:
    """Other users of the machine see arguments; so would whoever reads the complaint."""
    done = manage("report_leak", warehouse.secret)
    assert done.complaint
    assert warehouse.token(**GRANT).status_code == 200

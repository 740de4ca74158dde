"""`rotate_secret`: a new secret for a credential. See also test_credential_commands.py."""

import datetime as dt

import pytest
import time_machine

from apicredentials.keys import secret_format
from apicredentials.models import ClientSecret
from tests.commands.conftest import WHY, Done, Manage
from tests.factories import ClientCredentialFactory
from tests.inventory import tables
from tests.logged import listening
from tests.oauth.flow import Software, assert_error, verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

SECOND = dt.timedelta(seconds=1)


def rotate(manage: Manage, of: Software, overlap: str, *arguments: str) -> Done:
    return manage("rotate_secret", of.client_id, *WHY, "--overlap", overlap, *arguments)


def renewed(manage: Manage, of: Software, overlap: str) -> Software:
    """Rotate the secret, and return the software with the new one."""
    return Software(of.client_id, rotate(manage, of, overlap, "--json").json["client_secret"])


def works(software: Software) -> bool:
    return software.token(grant_type="client_credentials").status_code == 200


def test_new_secret_is_printed_and_works_at_once(manage: Manage, warehouse: Software) -> None:
    answer = rotate(manage, warehouse, "24h", "--json").json
    secret = answer.pop("client_secret")
    assert answer == {"client_id": warehouse.client_id, "previous_ends_at": "2026-05-05T10:30:00Z"}
    assert secret_format.is_well_formed(secret)
    assert secret != warehouse.secret
    assert works(Software(warehouse.client_id, secret))


def test_without_json_prints_lines(manage: Manage, warehouse: Software) -> None:
    client_id, secret, end = rotate(manage, warehouse, "7d").out.splitlines()
    assert client_id == f"client_id: {warehouse.client_id}"
    assert works(Software(warehouse.client_id, secret.removeprefix("client_secret: ")))
    assert end == "previous_ends_at: 2026-05-11 10:30:00+00:00"


def test_secret_is_printed_once_and_not_stored(manage: Manage, warehouse: Software) -> None:
    with listening(everything=True) as log:
        done = rotate(manage, warehouse, "24h", "--json")
    secret = done.json["client_secret"]
    assert done.out.count(secret) == 1
    assert secret not in log.getvalue() + str(tables())
    assert ClientSecret.objects.latest("pk").hint == secret[-4:]


# ---- The old secret ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overlap", "end"),
    [("24h", "2026-05-05T10:30:00Z"), ("7d", "2026-05-11T10:30:00Z"), ("30d", "2026-06-03T10:30:00Z")],
)
def test_old_secret_works_until_its_end(
    manage: Manage, warehouse: Software, clock: time_machine.Traveller, overlap: str, end: str
) -> None:
    answer = rotate(manage, warehouse, overlap, "--json").json
    assert answer["previous_ends_at"] == end
    clock.move_to(dt.datetime.fromisoformat(end) - SECOND)
    assert works(warehouse)
    clock.shift(SECOND)
    assert not works(warehouse)
    assert works(Software(warehouse.client_id, answer["client_secret"]))


def test_without_overlap_the_old_secret_ends_but_its_tokens_stay_valid(manage: Manage, warehouse: Software) -> None:
    token = warehouse.access_token()
    assert rotate(manage, warehouse, "0", "--json").json["previous_ends_at"] == "2026-05-04T10:30:00Z"
    assert_error(warehouse.token(grant_type="client_credentials"), "invalid_client", 401)
    assert verify(token).status_code == 204


def test_third_live_secret_is_refused(manage: Manage, warehouse: Software, clock: time_machine.Traveller) -> None:
    second = renewed(manage, warehouse, "24h")
    before = tables()
    complaint = rotate(manage, warehouse, "24h").complaint
    assert complaint == "Er zijn al twee secrets. Beëindig eerst het oude, of laat ze allebei nu eindigen."
    assert tables() == before
    clock.shift(dt.timedelta(hours=24))
    answer = rotate(manage, warehouse, "24h", "--json").json
    assert answer["previous_ends_at"] == "2026-05-06T10:30:00Z"
    third = Software(warehouse.client_id, answer["client_secret"])
    assert [works(each) for each in (warehouse, second, third)] == [False, True, True]


def test_without_overlap_both_old_secrets_end(manage: Manage, warehouse: Software) -> None:
    second = renewed(manage, warehouse, "24h")
    third = renewed(manage, warehouse, "0")
    assert [works(each) for each in (warehouse, second, third)] == [False, False, True]


def test_leaked_secret_gets_no_overlap(manage: Manage, warehouse: Software, clock: time_machine.Traveller) -> None:
    manage("report_leak", stdin=warehouse.secret)
    clock.shift(SECOND)
    assert rotate(manage, warehouse, "7d", "--json").json["previous_ends_at"] == "2026-05-04T10:30:00Z"
    manage("resume_credential", warehouse.client_id, *WHY)
    assert not works(warehouse)


def test_new_secret_of_a_paused_credential_works_after_resuming(manage: Manage, warehouse: Software) -> None:
    manage("pause_credential", warehouse.client_id, *WHY)
    new = renewed(manage, warehouse, "0")
    assert not works(new)
    manage("resume_credential", warehouse.client_id, *WHY)
    assert works(new)


# ---- Invalid input ----------------------------------------------------------------------------------------


def test_credential_without_a_secret_is_refused(manage: Manage) -> None:
    client_id = ClientCredentialFactory().client_id
    complaint = manage("rotate_secret", client_id, *WHY, "--overlap", "0").complaint
    assert complaint == "Er is nog geen secret. Kies eerst Toon secret."
    assert not ClientSecret.objects.exists()


@pytest.mark.parametrize("overlap", ["", "1h", "24H", " 7d", "-1", "00", "7", "30d ", "\uff17d"])
def test_other_overlap_is_refused(manage: Manage, warehouse: Software, overlap: str) -> None:
    complaint = manage("rotate_secret", warehouse.client_id, *WHY, f"--overlap={overlap}").complaint
    assert "--overlap" in complaint
    assert works(warehouse)
    assert ClientSecret.objects.count() == 1


def test_overlap_is_required(manage: Manage, warehouse: Software) -> None:
    assert "--overlap" in manage("rotate_secret", warehouse.client_id, *WHY).complaint
    assert ClientSecret.objects.count() == 1

"""`rotate_hash_key`: a new key for hashes of secrets. See also test_key_commands.py."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from pytest_django import Settings

from accounts.models import Actor
from apicredentials.keys import keyring
from apicredentials.keys.hash_keys import new_hash_key
from apicredentials.models import ClientSecret
from tests.commands.conftest import Manage
from tests.factories import ClientCredentialFactory
from tests.oauth.flow import Software, software

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 5, 4, 10, 30, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def file(tmp_path: Path, settings: Settings) -> Path:
    """A file with one hash key, which is in use."""
    file = tmp_path / "keys"
    file.write_text(new_hash_key())
    settings.SECRET_HASH_KEYS_FILE = str(file)
    return file


@pytest.fixture(autouse=True)
def clock(file: Path) -> Iterator[time_machine.Traveller]:
    """A stopped clock."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def key_in_use() -> str:
    """Create a secret, and return the id of its hash key."""
    ClientCredentialFactory().reveal(by=Actor())
    return ClientSecret.objects.latest("pk").hash.split("$")[1]


def works(software: Software) -> bool:
    return software.token(grant_type="client_credentials").status_code == 200


def test_new_key_is_used_after_one_minute(manage: Manage, clock: time_machine.Traveller) -> None:
    old = key_in_use()
    answer = manage("rotate_hash_key", "--json").json
    assert answer["starts_at"] == "2026-05-04T10:31:00Z"
    clock.move_to(NOW + dt.timedelta(minutes=1) - SECOND)
    assert key_in_use() == old
    clock.shift(SECOND)
    assert key_in_use() == answer["key_id"]


def test_secrets_work_after_any_number_of_rotations(manage: Manage, clock: time_machine.Traveller) -> None:
    made = [software(ClientCredentialFactory())]
    for _ in range(3):
        manage("rotate_hash_key")
        clock.shift(dt.timedelta(days=400))
        made.append(software(ClientCredentialFactory()))
    assert len({secret.hash.split("$")[1] for secret in ClientSecret.objects.all()}) == 4
    assert [works(each) for each in made] == [True] * 4


def test_no_key_is_dropped_and_the_order_is_kept(manage: Manage, clock: time_machine.Traveller) -> None:
    [first] = keyring.hash_keys()
    made = [first.id]
    for _ in range(3):
        made.insert(0, manage("rotate_hash_key", "--json").json["key_id"])
        clock.shift(dt.timedelta(days=400))
    assert [key.id for key in keyring.hash_keys()] == made


def test_leaked_secret_with_an_older_key_is_found(manage: Manage, clock: time_machine.Traveller) -> None:
    old = software(ClientCredentialFactory())
    manage("rotate_hash_key")
    clock.shift(dt.timedelta(minutes=1))
    assert manage("report_leak", "--json", stdin=old.secret).json["stopped"] == 1
    assert not works(old)


def test_prints_the_start_in_the_portals_time_zone(manage: Manage, file: Path) -> None:
    done = manage("rotate_hash_key")
    new = file.read_text().partition("@")[0]
    assert done.out == f"{new} is in {file} and is used from 2026-05-04 12:31:00 CEST.\n"


def test_algorithm_cannot_be_chosen(manage: Manage, file: Path) -> None:
    before = file.read_text()
    assert "--algorithm" in manage("rotate_hash_key", "--algorithm", "ES256").complaint
    assert file.read_text() == before

"""`rotate_signing_key`: a new key for access tokens. See also test_key_commands.py."""

import datetime as dt
from pathlib import Path

import pytest
import time_machine
from django.test import Client
from joserfc import jws
from pytest_django import Settings

from apicredentials.keys.signing_keys import new_signing_key
from apicredentials.oauth.access_tokens import AUTHORIZATION_CODE_SECONDS
from tests.commands.conftest import NOW, Manage
from tests.oauth.flow import Software, verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def file(tmp_path: Path, settings: Settings) -> Path:
    """A file with one signing key, which is in use."""
    file = tmp_path / "keys"
    file.write_text(new_signing_key())
    settings.TOKEN_SIGNING_KEYS_FILE = str(file)
    return file


def published() -> list[str]:
    """Return the ids of the published keys."""
    return [key["kid"] for key in Client().get("/.well-known/jwks.json").json()["keys"]]


def signer(token: str) -> str:
    """Return the id of the key that signed this token."""
    return str(jws.extract_compact(token.encode()).headers()["kid"])


def rotate(manage: Manage, *arguments: str) -> str:
    """Rotate the key, and return the id of the new one."""
    return str(manage("rotate_signing_key", "--json", *arguments).json["key_id"])


def test_new_key_is_published_at_once_and_signs_after_ten_minutes(
    manage: Manage, warehouse: Software, clock: time_machine.Traveller
) -> None:
    [old] = published()
    answer = manage("rotate_signing_key", "--json").json
    new = answer["key_id"]
    assert answer["starts_at"] == "2026-05-04T10:40:00Z"
    assert set(published()) == {old, new}
    clock.move_to(NOW + dt.timedelta(minutes=10) - SECOND)
    before = warehouse.access_token()
    clock.shift(SECOND)
    after = warehouse.access_token()
    assert [signer(before), signer(after)] == [old, new]
    assert [verify(token).status_code for token in (before, after)] == [204, 204]


def test_old_key_is_dropped_when_its_last_token_has_expired(manage: Manage, clock: time_machine.Traveller) -> None:
    [old] = published()
    new = rotate(manage)
    clock.move_to(NOW + dt.timedelta(minutes=10, seconds=AUTHORIZATION_CODE_SECONDS))
    newer = rotate(manage)
    assert set(published()) == {old, new, newer}
    clock.shift(dt.timedelta(minutes=1))
    newest = rotate(manage)
    assert set(published()) == {new, newer, newest}


def test_two_successive_rotations_keep_the_key_in_use(manage: Manage, warehouse: Software) -> None:
    [old] = published()
    new = {rotate(manage), rotate(manage)}
    assert set(published()) == {old, *new}
    assert signer(warehouse.access_token()) == old


def test_prints_the_start_in_the_portals_time_zone(manage: Manage, file: Path) -> None:
    done = manage("rotate_signing_key")
    new = file.read_text().partition("@")[0]
    assert done.out == f"{new} is in {file} and is used from 2026-05-04 12:40:00 CEST.\n"


def test_rsa_key_is_generated_on_request(manage: Manage, warehouse: Software, clock: time_machine.Traveller) -> None:
    new = rotate(manage, "--algorithm", "RS256")
    clock.shift(dt.timedelta(minutes=10))
    token = warehouse.access_token()
    assert jws.extract_compact(token.encode()).headers() == {"alg": "RS256", "kid": new, "typ": "at+jwt"}
    assert verify(token).status_code == 204


@pytest.mark.parametrize("algorithm", ["HS256", "none", "es256", ""])
def test_other_algorithm_is_refused(manage: Manage, file: Path, algorithm: str) -> None:
    before = file.read_text()
    assert "--algorithm" in manage("rotate_signing_key", "--algorithm", algorithm).complaint
    assert file.read_text() == before

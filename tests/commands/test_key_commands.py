"""Common behaviour of the commands that rotate keys: where the new key is stored, and what is printed."""

import re
from pathlib import Path

import pytest
from pytest_django import Settings

from apicredentials.keys import keyring
from tests.commands.conftest import Manage
from tests.logged import listening

pytestmark = pytest.mark.django_db

COMMANDS = {"rotate_signing_key": "TOKEN_SIGNING_KEYS", "rotate_hash_key": "SECRET_HASH_KEYS"}
EVERY_COMMAND = pytest.mark.parametrize(("command", "setting"), COMMANDS.items(), ids=COMMANDS)


@pytest.fixture
def file(tmp_path: Path, settings: Settings, setting: str) -> Path:
    """The file with the keys of `setting`."""
    file = tmp_path / "keys"
    file.write_text(getattr(settings, setting))
    file.chmod(0o640)
    setattr(settings, f"{setting}_FILE", str(file))
    return file


def ids(setting: str, text: str) -> list[str]:
    """Parse a list of keys as the portal does, and return the ids in order."""
    keyring.PARSERS[setting](text)
    return [re.split("[@:]", entry)[0] for entry in text.split(",")]


# ---- Keys in a file ---------------------------------------------------------------------------------------


@EVERY_COMMAND
def test_new_key_is_first_in_the_file(manage: Manage, file: Path, command: str, setting: str) -> None:
    before = file.read_text()
    answer = manage(command, "--json").json
    assert answer.keys() == {"key_id", "starts_at", "file", "environment"}
    assert (answer["file"], answer["environment"]) == (str(file), None)
    new, _, old = file.read_text().partition(",")
    assert new.startswith(f"{answer['key_id']}@")
    assert old == before
    assert ids(setting, keyring.text_of(setting)) == [answer["key_id"], *ids(setting, before)]


@EVERY_COMMAND
def test_keys_are_not_printed_or_logged(manage: Manage, file: Path, command: str, setting: str) -> None:
    with listening(everything=True) as log:
        said = manage(command).out + manage(command, "--json").out
    for entry in file.read_text().split(","):
        assert entry.partition(":")[2] not in said + log.getvalue()


@EVERY_COMMAND
def test_permissions_of_the_file_are_kept(manage: Manage, file: Path, command: str, setting: str) -> None:
    manage(command)
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(file.parent.iterdir()) == [file]


@EVERY_COMMAND
def test_without_json_prints_where_the_key_is(manage: Manage, file: Path, command: str, setting: str) -> None:
    done = manage(command)
    [new, _] = ids(setting, file.read_text())
    assert done.out.startswith(f"{new} is in {file} and is used from ")
    assert done.out.count("\n") == 1


# ---- Keys in the environment ------------------------------------------------------------------------------


@EVERY_COMMAND
def test_key_in_the_environment_is_printed_and_nothing_is_changed(
    manage: Manage, settings: Settings, command: str, setting: str
) -> None:
    before = getattr(settings, setting)
    answer = manage(command, "--json").json
    assert answer.keys() == {"key_id", "starts_at", "file", "environment"}
    name, _, value = answer["environment"].partition("=")
    assert (name, answer["file"]) == (setting, None)
    assert value.endswith(f",{before}")
    assert ids(setting, value) == [answer["key_id"], *ids(setting, before)]
    assert keyring.text_of(setting) == before


@EVERY_COMMAND
def test_without_json_prints_the_line_and_what_to_do(manage: Manage, command: str, setting: str) -> None:
    advice, line = manage(command).out.splitlines()
    assert advice.startswith("# Put this line in the environment, and restart every process before ")
    assert line.startswith(f"{setting}=")


@EVERY_COMMAND
def test_line_needs_no_quotes_in_an_environment_file(manage: Manage, command: str, setting: str) -> None:
    value = manage(command, "--json").json["environment"].partition("=")[2]
    assert not set(value) & set(" '\"$#\\=`")

"""`generate_keys`: fresh keys for an environment file."""

import os

import pytest

from apicredentials.keys.required_keys import require_strong
from apicredentials.keys.signing_keys import parse_signing_keys
from tests.commands.conftest import Done, Manage
from tests.served import manage as command_in_process
from tests.served import production

NAMES = ["SECRET_KEY", "SECRET_HASH_KEYS", "TOKEN_SIGNING_KEYS"]


def read(done: Done) -> dict[str, str]:
    assert done.status == 0, done.err
    return dict(line.split("=", 1) for line in done.out.splitlines())


def test_prints_three_lines_that_the_settings_accept(manage: Manage) -> None:
    environment = read(manage("generate_keys"))
    assert list(environment) == NAMES
    require_strong(*environment.values())
    assert parse_signing_keys(environment["TOKEN_SIGNING_KEYS"])[0].algorithm == "ES256"


def test_lines_need_no_quotes_in_an_environment_file(manage: Manage) -> None:
    for value in read(manage("generate_keys")).values():
        assert not set(value) & set(" '\"$#\\=`")


def test_keys_are_new_each_time(manage: Manage) -> None:
    first, second = read(manage("generate_keys")), read(manage("generate_keys"))
    assert not set(first.values()) & set(second.values())


def test_rsa_key_is_generated_on_request(manage: Manage) -> None:
    environment = read(manage("generate_keys", "--algorithm", "RS256"))
    assert parse_signing_keys(environment["TOKEN_SIGNING_KEYS"])[0].algorithm == "RS256"


def test_other_algorithm_is_refused_in_one_line(manage: Manage) -> None:
    assert "HS256" in manage("generate_keys", "--algorithm", "HS256").complaint


@pytest.mark.parametrize(
    "present",
    [
        {"SECRET_KEY": "", "SECRET_HASH_KEYS": "zwak", "TOKEN_SIGNING_KEYS": "geen:sleutel!"},
        {"TOKEN_SIGNING_KEYS_FILE": "/geen/bestand"},
    ],
    ids=["keys", "file"],
)
def test_works_with_missing_or_weak_keys(present: dict[str, str]) -> None:
    printed = command_in_process(production(ENV_FILE=os.devnull, **present), "generate_keys")
    assert [line.split("=")[0] for line in printed.splitlines()] == NAMES

"""Keys and deployment checks: with a missing or weak key, every process ends with one line."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from apicredentials.keys.hash_keys import new_hash_key
from apicredentials.keys.key_entries import b64url
from apicredentials.keys.required_keys import require_strong
from tests.deploy.programs import KEYS, fresh_keys, run
from tests.served import ROOT

ENV_EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")


def test_example_lists_every_setting_and_no_other() -> None:
    code = (ROOT / "portal/settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"\b(?:env|service_urls)\.\w+\(\s*[\"']([A-Z_]+)[\"']", code))
    for name in re.findall(r'\benv\.secret_file\("([A-Z_]+)"\)', code):
        read |= {name, f"{name}_FILE"}
    listed = re.findall(r"(?m)^#?([A-Z][A-Z_]*)=", ENV_EXAMPLE)
    assert len(listed) == len(set(listed))
    assert set(listed) == read - {"ENV_FILE"}  # ENV_FILE names the copy of the example


def test_check_deploy_is_silent_on_the_example_settings(tmp_path: Path) -> None:
    file = tmp_path / "env"
    lines = [line for line in ENV_EXAMPLE.splitlines() if not line.startswith(KEYS)]
    file.write_text("\n".join([*lines, *(f"{name}={value}" for name, value in fresh_keys().items())]))
    done = run("manage.py", "check", "--deploy", "--fail-level", "DEBUG", ENV_FILE=str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (1 silenced).\n"


def test_check_deploy_warns_without_https_or_a_shared_cache() -> None:
    settings = fresh_keys() | {"ISSUER_URL": "http://portal.example"}
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **settings)
    assert done.returncode == 1
    assert {"portal.W001", "portal.W002"} <= set(re.findall(r"portal\.W\d+", done.stderr))


@pytest.mark.parametrize("start", [["manage.py", "check"], ["-c", "import portal.wsgi"]], ids=["command", "server"])
def test_missing_keys_are_reported_at_start_in_one_line(start: list[str]) -> None:
    done = run(*start)
    assert done.returncode == 1
    assert done.stderr.rstrip("\n").count("\n") == 0
    assert "SECRET_KEY is not set." in done.stderr
    assert "generate_keys" in done.stderr


def test_weak_key_is_reported_at_start_but_not_shown() -> None:
    done = run("manage.py", "check", **fresh_keys() | {"SECRET_HASH_KEYS": "a:c2hvcnQ"})
    assert done.returncode == 1
    assert done.stderr == "manage.py: SECRET_HASH_KEYS: a key is shorter than 32 bytes.\n"


@pytest.mark.parametrize("content", [None, b"a:\xff"], ids=["absent", "not UTF-8"])
def test_unreadable_key_file_is_reported_at_start_in_one_line(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "keys").write_bytes(content)
    done = run("manage.py", "check", **fresh_keys(), TOKEN_SIGNING_KEYS_FILE=str(tmp_path / "keys"))
    assert done.returncode == 1
    assert done.stderr.startswith("manage.py: TOKEN_SIGNING_KEYS_FILE ")
    assert done.stderr.count("\n") == 1


def test_key_file_may_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    keys = fresh_keys()
    (tmp_path / "keys").write_text(keys.pop("TOKEN_SIGNING_KEYS"), encoding="utf-8-sig")
    sign = "import django; django.setup(); from apicredentials.oauth.access_tokens import sign; print(sign({'exp': 1}))"
    done = run("-c", sign, **keys, TOKEN_SIGNING_KEYS_FILE=str(tmp_path / "keys"))
    assert (done.stdout.count("."), done.stderr) == (2, "")


@pytest.mark.parametrize("database", ["postgres://portal:geheim@127.0.0.1:1/portal", "sqlite://:memory:"])
def test_missing_database_or_table_is_reported_by_a_command_in_one_line(database: str) -> None:
    done = run("manage.py", "list_credentials", "--json", **fresh_keys() | {"DATABASE_URL": database})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("manage.py: the database refuses: ")
    assert done.stderr.count("\n") == 1
    assert "geheim" not in done.stderr


def test_invalid_utf_8_in_arguments_is_refused_in_one_line() -> None:
    done = run("manage.py", "list_credentials", "--seller", "\udcff", **fresh_keys())
    assert (done.returncode, done.stderr) == (1, "CommandError: The arguments are not valid UTF-8.\n")


@pytest.mark.parametrize(
    "command", ["report_leak", "create_seller --name A --email a@appels.example --password-stdin"], ids=str.split
)
def test_closed_standard_input_is_reported_in_one_line(command: str) -> None:
    closing = "import os, sys; os.close(0); os.execv(sys.executable, [sys.executable, 'manage.py', *sys.argv[1:]])"
    done = run("-c", closing, *command.split(), **fresh_keys() | {"DATABASE_URL": "sqlite://:memory:"})
    assert (done.returncode, done.stderr) == (1, "CommandError: Standard input is closed.\n")


def test_keys_are_optional_with_debug_only() -> None:
    assert run("manage.py", "check", DEBUG="on").returncode == 0
    assert run("manage.py", "check", DEBUG="off").returncode == 1


WEAK = {
    "no secret key": {"SECRET_KEY": ""},
    "a short secret key": {"SECRET_KEY": "x1y2z3" * 8},
    "a dull secret key": {"SECRET_KEY": "x" * 64},
    "no hash key": {"SECRET_HASH_KEYS": ""},
    "blank hash keys": {"SECRET_HASH_KEYS": " , "},
    "a hash key without an id": {"SECRET_HASH_KEYS": new_hash_key().partition(":")[2]},
    "a hash key with an empty id": {"SECRET_HASH_KEYS": ":" + new_hash_key().partition(":")[2]},
    "a short hash key": {"SECRET_HASH_KEYS": "a:" + b64url(b"x" * 31)},
    "a hash key that is no base64url": {"SECRET_HASH_KEYS": "a:" + "*" * 43},
    "two hash keys of one id": {"SECRET_HASH_KEYS": f"a:{b64url(b'x' * 32)},a:{b64url(b'y' * 32)}"},
    "a weak hash key beside a good one": {"SECRET_HASH_KEYS": f"{new_hash_key()} a:c2hvcnQ"},
    "no signing key": {"TOKEN_SIGNING_KEYS": ""},
    "a signing key that is none": {"TOKEN_SIGNING_KEYS": "a:" + b64url(b"x" * 64)},
}


@pytest.mark.parametrize("weak", WEAK.values(), ids=WEAK.keys())
def test_weak_key_is_named_in_the_refusal(weak: dict[str, str]) -> None:
    values = fresh_keys()
    require_strong(*values.values())
    with pytest.raises(ImproperlyConfigured, match=next(iter(weak))) as refusal:
        require_strong(*(values | weak).values())
    assert "\n" not in str(refusal.value)
    (value,) = weak.values()
    assert len(value) < 10 or value not in str(refusal.value)


@pytest.mark.django_db
def test_no_migrations_are_pending() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)  # exits with status 1 if any is pending

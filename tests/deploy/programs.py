"""Programs of ours, started as in production with nothing but the settings that they are given."""

import os
import subprocess
import sys

from apicredentials import keys
from tests.served import COMMAND_SECONDS, ROOT

KEYS = ("SECRET_KEY", "SECRET_HASH_KEYS", "TOKEN_SIGNING_KEYS")


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of ours as in production, in an environment that has nothing but this."""
    path = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {"ENV_FILE": os.devnull, "DJANGO_SETTINGS_MODULE": "portal.settings"} | path | environment
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def fresh_keys() -> dict[str, str]:
    values = (keys.new_secret_key(), keys.new_hash_key(), keys.new_signing_key())
    return dict(zip(KEYS, values, strict=True))

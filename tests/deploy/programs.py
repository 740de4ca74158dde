"""Processes of the portal with only the given settings, as in production."""

import os
from typing import TYPE_CHECKING

from apicredentials.keys.hash_keys import new_hash_key
from apicredentials.keys.required_keys import new_secret_key
from apicredentials.keys.signing_keys import new_signing_key
from tests import served

if TYPE_CHECKING:
    from subprocess import CompletedProcess

KEYS = ("SECRET_KEY", "SECRET_HASH_KEYS", "TOKEN_SIGNING_KEYS")


def run(*command: str, stdin: str = "", **environment: str) -> "CompletedProcess[str]":
    """Run Python in an environment that contains only these variables."""
    path = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {"ENV_FILE": os.devnull, "DJANGO_SETTINGS_MODULE": "portal.settings"} | path | environment
    return served.run(environment, *command, stdin=stdin)


def fresh_keys() -> dict[str, str]:
    values = (new_secret_key(), new_hash_key(), new_signing_key())
    return dict(zip(KEYS, values, strict=True))

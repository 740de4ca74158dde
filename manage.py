#!/usr/bin/env python
"""The portal's command line."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import InterfaceError, OperationalError, ProgrammingError

# generate_keys makes the keys, and the demo makes its own: neither needs any to start.
COMMANDS_WITHOUT_KEYS = {"generate_keys", "demo"}
KEYS = ("SECRET_KEY", "SECRET_HASH_KEYS", "TOKEN_SIGNING_KEYS")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if sys.argv[1:2] and sys.argv[1] in COMMANDS_WITHOUT_KEYS:
        os.environ.setdefault("DEBUG", "on")
    if sys.argv[1:2] == ["generate_keys"]:
        # Ignore configured keys: a weak one must not prevent its replacement.
        os.environ |= {"DEBUG": "on"} | dict.fromkeys([*KEYS, *(f"{name}_FILE" for name in KEYS)], "")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"manage.py: {error}")
    except (InterfaceError, OperationalError, ProgrammingError) as error:
        # The database is down, full, locked, or has no tables yet. `--traceback` shows where, as for any CommandError.
        if "--traceback" in sys.argv:
            raise
        reason = str(error).partition("\n")[0]
        sys.exit(f"manage.py: the database refuses: {reason}. Is it up, and has 'manage.py migrate' been run?")


if __name__ == "__main__":
    main()

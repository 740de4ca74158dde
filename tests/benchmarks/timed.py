"""Runs one command of the project in DJANGO_SETTINGS_MODULE, and prints its time and memory as JSON."""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402


class Longest:
    """Records the longest statement. Outside a transaction, the time of a statement includes its commit."""

    def __init__(self) -> None:
        self.seconds, self.statement, self.statements = 0.0, "", 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            took = time.perf_counter() - started
            self.statements += 1
            if took > self.seconds:
                self.seconds, self.statement = took, sql


def main(command: str) -> None:
    """Run the command; only the JSON is written to standard output."""
    connection.ensure_connection()
    longest = Longest()
    started = time.perf_counter()
    with connection.execute_wrapper(longest):
        call_command(command, stdout=sys.stderr)
    json.dump(
        {
            "seconds": time.perf_counter() - started,
            "longest": longest.seconds,
            "longest_statement": longest.statement,
            "statements": longest.statements,
            "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

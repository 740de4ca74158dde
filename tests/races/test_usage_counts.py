"""Processes that write the same counts concurrently: no deadlock, and no lost counts."""

import subprocess
import sys
from collections.abc import Callable
from textwrap import dedent
from uuid import uuid4

import psycopg
import pytest

from tests.served import COMMAND_SECONDS, ROOT, production

pytestmark = pytest.mark.race

PROCESSES, ROUNDS, KEYS = 2, 30, 200

# Count the keys in the given order, because each process sees its clients in a different order.
PROGRAM = dedent("""
    import sys
    import django
    django.setup()
    from apicredentials.oauth import counting

    rounds, *subjects = sys.argv[1:]
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(rounds)):
        for subject in subjects:
            counting.count(subject, "api_call", address="192.0.2.1")
        counting.flush()
    assert not counting._counts._tallies
""")


def test_concurrent_processes_add_their_counts(new_database: Callable[[], str]) -> None:
    url = new_database()
    subjects = [str(uuid4()) for _ in range(KEYS)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(ROUNDS), *order],
            cwd=ROOT,
            env=production(DATABASE_URL=url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for order in (subjects, subjects[::-1])
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=COMMAND_SECONDS)
        assert (process.returncode, errors) == (0, "")
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT subject, count FROM apicredentials_usage").fetchall()
    assert dict(rows) == dict.fromkeys(subjects, PROCESSES * ROUNDS)

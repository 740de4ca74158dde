"""Our `purge` compared with django-oauth-toolkit's `cleartokens`, on a million expired rows each.

Needs PostgreSQL (BENCH_SERVER). The rows left are counted and checked. Each command runs in a separate process,
whose peak memory is compared with that of purging ten thousand rows.
"""

import json
import os
import subprocess
import sys
import time
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from tests.benchmarks.endpoints import database
from tests.served import ROOT

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
FEW = 10_000

OURS = ("tests.benchmarks.settings", "tests.benchmarks.expired", "purge")
STOCK = ("tests.benchmarks.stock.settings", "tests.benchmarks.stock.expired", "cleartokens")


def run(settings: str, url: str, *arguments: str) -> Any:
    """Run a module in one of the projects, and return the JSON that it prints."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": settings,
        "DATABASE_URL": url,
        "DEBUG": "off",
        "CACHE_URL": "locmemcache://",
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}:\n{done.stderr}")
    return json.loads(done.stdout)


def measure(settings: str, seed: str, command: str, rows: int) -> dict[str, Any]:
    """Create the rows, run the command, and check that it deleted exactly the expired ones."""
    with database(f"bench_{command}") as url:
        started = time.perf_counter()
        living = run(settings, url, seed, str(rows))
        print(f"{command}: {rows} rows made in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        measured: dict[str, Any] = run(settings, url, "tests.benchmarks.timed", command)
        with psycopg.connect(url) as connection:
            for table, number in living.items():
                found = connection.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table))).fetchone()
                assert found == (number,), f"{command}: {table} holds {found} rows, and {number} should live"
    return measured


def main() -> None:
    few = measure(*OURS, FEW)
    ours = measure(*OURS, ROWS)
    stock = measure(*STOCK, ROWS)
    print("| command | rows | seconds | longest statement s | statements | peak MB |")
    print("|---|---|---|---|---|---|")
    for name, rows, each in (("purge", FEW, few), ("purge", ROWS, ours), ("cleartokens", ROWS, stock)):
        print(
            f"| {name} | {rows} | {each['seconds']:.1f} | {each['longest']:.2f} | {each['statements']}"
            f" | {each['megabytes']:.0f} |"
        )
    print(f"\npurge is {stock['seconds'] / ours['seconds']:.1f} × as fast as cleartokens")
    print(f"its longest statement: {ours['longest_statement'][:300]}")

"""`make bench`, "scale": the operator's side with many sellers (BENCH_SELLERS) beside a few, in one run.

Needs PostgreSQL (BENCH_SERVER). Each command runs in a process of its own, whose peak memory is told.
"""

import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

from tests.benchmarks.endpoints import database
from tests.benchmarks.purge import run
from tests.served import ROOT

SELLERS = int(os.environ.get("BENCH_SELLERS", "40000"))
FEW = 1500
SETTINGS = "tests.benchmarks.settings"
LISTS = ("list_credentials", "list_authorizations")


def stream(url: str, command: str) -> dict[str, Any]:
    """Run a command with --json; return its seconds to the first byte and to the last, its rows and its peak memory."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": SETTINGS, "DATABASE_URL": url, "CACHE_URL": "locmemcache://", "DEBUG": "off"
    }  # fmt: skip
    rows, ending, started = 0, b"", time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "manage.py", command, "--json"], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        # Not read as a whole: a child process starts with the memory of this one, and its peak counts that.
        assert os.read(process.stdout.fileno(), 1) == b"["
        first = time.perf_counter() - started
        while chunk := os.read(process.stdout.fileno(), 65536):
            rows, ending = rows + chunk.count(b"\n"), chunk[-2:]
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert (process.returncode, ending) == (0, b"]\n"), command
    return cost(time.perf_counter() - started, usage) | {"first": first, "rows": rows}


def cost(seconds: float, usage: resource.struct_rusage) -> dict[str, float]:
    return {"seconds": seconds, "megabytes": usage.ru_maxrss / 1024}


def measure(sellers: int) -> dict[str, dict[str, Any]]:
    """Fill a database and measure everything on it."""
    with database("bench_scale") as url:
        started = time.perf_counter()
        found = run(SETTINGS, url, "tests.benchmarks.populated", str(sellers))
        print(f"{sellers} sellers made in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        measured = {command: stream(url, command) for command in LISTS}
        measured |= run(SETTINGS, url, "tests.benchmarks.noticing")
        for module in ("operating", "requesting"):
            measured |= run(SETTINGS, url, f"tests.benchmarks.{module}", json.dumps(found))
    return measured


def cell(measured: dict[str, Any], name: str, digits: int | None = None) -> str:
    if name not in measured:
        return ""
    value = measured[name]
    return f"{value:.{digits if digits is not None else 2 if value >= 0.1 else 4}f}"


def main() -> None:
    """Measure and print the table."""
    few, many = measure(FEW), measure(SELLERS)
    load = os.getloadavg()[1]
    print(f"{SELLERS} sellers beside {FEW}, on {os.cpu_count()} cores with a load of {load:.0f}\n")
    print("| what | rows | first byte s | seconds | of few sellers | longest s | peak MB | rows/s |")
    print("|---|---|---|---|---|---|---|---|")
    for name, each in many.items():
        rate = f"{each['rows'] / each['seconds']:.0f}" if each.get("rows") else ""
        print(
            f"| {name} | {cell(each, 'rows', 0)} | {cell(each, 'first')} | {cell(each, 'seconds')}"
            f" | {cell(few[name], 'seconds')} | {cell(each, 'longest')} | {cell(each, 'megabytes', 0)} | {rate} |"
        )

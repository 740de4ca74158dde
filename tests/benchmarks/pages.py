"""Our pages compared with django-oauth-toolkit's list of applications, and with themselves with many more rows.

Needs PostgreSQL (BENCH_SERVER). Two processes, one per project, take turns. The measured value is the CPU time
of one page, from the WSGI application, with every middleware. The table has medians of the rounds.
"""

import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tests.benchmarks.endpoints import database
from tests.served import ROOT, manage

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SECONDS = "0.5"

# The page, the page it is compared with, and the maximum ratio.
COMPARED = (
    ("fifty", "list", 3.0),
    ("1000 credentials", "20 credentials", 1.3),
    ("100000 activities", "100 activities", 1.3),
)
MEANING = {
    "fifty": "API Instellingen with 50 credentials on the page",
    "list": "django-oauth-toolkit's list of 50 applications",
    "1000 credentials": "API Instellingen of a seller with 1000 credentials",
    "20 credentials": "API Instellingen of a seller with 20 credentials",
    "100000 activities": "Activiteit of 100,000 rows",
    "100 activities": "Activiteit of 100 rows",
}


class Project:
    """A process that opens pages on request."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.queries: dict[str, int] = self.read()

    def read(self) -> Any:
        """Return the next line of output."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline() or sys.exit("a project stopped"))

    def milliseconds(self, name: str) -> float:
        """Measure a page once."""
        assert self.process.stdin is not None
        print(name, SECONDS, sep="\t", file=self.process.stdin, flush=True)
        return float(self.read())


@contextmanager
def running(settings: str, module: str) -> Iterator[Project]:
    """Run a project with its own database until the block ends."""
    with database(f"bench_{module.replace('.', '_')}") as url:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": settings,
            "DATABASE_URL": url,
            "DEBUG": "off",
            "CACHE_URL": "locmemcache://",
            "LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, "-m", module]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield Project(process)
            finally:
                process.kill()


def main() -> None:
    """Measure the pages in turns, and print the table."""
    manage(os.environ | {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings"}, "collectstatic", "--noinput")
    results: dict[str, list[float]] = defaultdict(list)
    queries: dict[str, int] = {}
    with ExitStack() as stack:
        projects = [
            stack.enter_context(running("tests.benchmarks.settings", "tests.benchmarks.browsed")),
            stack.enter_context(running("tests.benchmarks.stock.settings", "tests.benchmarks.stock.pages")),
        ]
        for _ in range(ROUNDS):
            for project in projects:
                queries |= project.queries
                for name in project.queries:
                    results[name].append(project.milliseconds(name))
    print("| page | ms | queries | beside | ms | queries | ratio | at most |")
    print("|---|---|---|---|---|---|---|---|")
    for name, other, most in COMPARED:
        ratio = statistics.median(a / b for a, b in zip(results[name], results[other], strict=True))
        cells = [
            f"{MEANING[each]} | {statistics.median(results[each]):.1f} | {queries[each]}" for each in (name, other)
        ]
        print(f"| {cells[0]} | {cells[1]} | {ratio:.2f} | {most} |")

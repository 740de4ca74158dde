"""`make bench`, "variants": what one switch of the server costs or gains, on the same database.

Needs PostgreSQL (BENCH_SERVER), wrk and PgBouncer. Every round measures all servers one after the other. The rates are
medians of the rounds, and each ratio compares with the first server of its table.
"""

import re
import statistics
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from tests.benchmarks.endpoints import ROUNDS, Measured, Operation, Project, measure, running, serving
from tests.deploy.pooler import run_pgbouncer
from tests.served import free_port

OURS = Project("variants", "portal.wsgi", "tests.benchmarks.settings", "tests.benchmarks.seed")
POOL_SIZE = 8


@dataclass(frozen=True)
class Variant:
    """A server that differs from the first one of its table."""

    name: str
    wsgi: str = "portal.wsgi"
    environment: dict[str, str] = field(default_factory=dict)
    threads: int = 2


@contextmanager
def started(variant: Variant, base: Project, folder: Path) -> Iterator[Project]:
    """Serve a variant on the database of `base` until the block ends."""
    port = free_port()
    project = replace(
        base, wsgi=variant.wsgi, url=f"http://127.0.0.1:{port}", environment=base.environment | variant.environment
    )
    with (folder / "variants.log").open("ab") as log, serving(project, port, log, threads=variant.threads):
        yield project


@contextmanager
def signing_in(url: str) -> Iterator[None]:
    """Send sign-ins, one after the other, until the block ends. Each checks a wrong password with Argon2."""
    stopped = threading.Event()

    def sign_in(number: int) -> None:
        browser = build_opener(HTTPCookieProcessor(CookieJar()))
        address = {"X-Forwarded-For": f"10.0.{number // 256 % 256}.{number % 256}"}
        page = browser.open(Request(f"{url}/inloggen/", headers=address)).read().decode()
        token = re.search('name="csrfmiddlewaretoken" value="(.+?)"', page)
        assert token is not None
        form = {"csrfmiddlewaretoken": token[1], "login": f"{number}@seller.example", "password": "a wrong password"}
        headers = address | {"Origin": url}
        browser.open(Request(f"{url}/inloggen/", urlencode(form).encode(), headers)).read()

    def sign_in_until_stopped() -> None:
        number = 0
        while not stopped.is_set():
            sign_in(number := number + 1)

    thread = threading.Thread(target=sign_in_until_stopped)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def compare(variants: list[Variant], base: Project, folder: Path, *, mixed: bool = False) -> None:
    """Print a table of the variants; `mixed` adds sign-ins beside the measured requests."""
    results: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    with ExitStack() as stack:
        servers = {each.name: stack.enter_context(started(each, base, folder)) for each in variants}
        for turn in range(ROUNDS):
            for name, project in servers.items():
                for operation in operations(project):
                    with signing_in(project.url) if mixed else ExitStack():
                        results[operation.name, name].append(measure(operation, turn, folder))
    print("| operation | server | /s | × first | median ms | p99 ms |")
    print("|---|---|---|---|---|---|")
    for (request, name), rounds in results.items():
        first = results[request, variants[0].name]
        ratio = statistics.median(a.per_second / b.per_second for a, b in zip(rounds, first, strict=True))
        rate, middle, p99 = (
            statistics.median(getattr(each, what) for each in rounds) for what in ("per_second", "median", "p99")
        )
        print(f"| {request} | {name} | {rate:.0f} | {ratio:.3f} | {middle:.1f} | {p99:.1f} |")
    print()


def operations(project: Project) -> list[Operation]:
    """Return the two requests that a portal gets most."""
    bearer = f"Bearer {project.material['bearer']}"
    form = ["grant_type=client_credentials"]
    return [
        Operation("/token client_credentials", project, "/token", project.basic("client"), form),
        Operation("/verify", project, "/verify", bearer, [""], "GET"),
    ]


def main() -> None:
    """Compare counting, metrics and the pooler with a plain server, then numbers of threads under a mixed load."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        base = stack.enter_context(running(OURS, folder))
        pooled = stack.enter_context(run_pgbouncer(base.environment["DATABASE_URL"], POOL_SIZE))
        through_pooler = {"DATABASE_URL": pooled, "DATABASE_POOLER": "on"}
        switches = [
            Variant("as it is"),
            Variant("without counting", "tests.benchmarks.uncounted"),
            Variant("with METRICS_TOKEN", environment={"METRICS_TOKEN": "token-of-the-benchmarks-0123456789"}),
            Variant("through PgBouncer", environment=through_pooler),
        ]
        compare(switches, base, folder)
        threads = [Variant(f"{count} threads", threads=count) for count in (2, 1, 4)]
        compare(threads, base, folder, mixed=True)

"""`make bench`, "endpoints": our endpoints compared with a stock django-oauth-toolkit and with the floor.

Needs PostgreSQL (BENCH_SERVER, default postgres://postgres@127.0.0.1:5432) and the load generator wrk. Each round
runs every operation of every server for a short time, so that other load of the machine affects all equally; the
table shows medians of five rounds. The server is the production command: two workers, persistent connections.
"""

import atexit
import base64
import compileall
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

import psycopg

from tests.served import ROOT, free_port

SERVER = os.environ.get("BENCH_SERVER", "postgres://postgres@127.0.0.1:5432")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "2"))
STARTS = 11
ROWS_A_ROUND = 4000 * SECONDS
CONNECTIONS = 8
REFUSED = "/token refused:"


@dataclass
class Project:
    """A project under test: its server, and the material of its requests."""

    name: str
    wsgi: str
    settings: str
    seed: str
    url: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    memory: float = 0
    material: dict[str, Any] = field(default_factory=dict)

    def basic(self, who: str) -> str:
        """Return the Authorization header of a client."""
        return basic(self.material[who])


def basic(credentials: list[str]) -> str:
    """Return an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(":".join(credentials).encode()).decode()


@dataclass(frozen=True)
class Operation:
    """One kind of request, sent to one project."""

    name: str
    project: Project
    path: str
    authorization: str
    bodies: list[str]
    method: str = "POST"


@dataclass(frozen=True)
class Measured:
    """Results of wrk in one round."""

    per_second: float
    median: float
    p99: float
    failures: int


@contextmanager
def database(name: str) -> Iterator[str]:
    """Create an empty database, and drop it afterwards."""
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{SERVER}/{name}"
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def running(project: Project, folder: Path) -> Iterator[Project]:
    """Seed the project and serve it until the block ends."""
    port = free_port()
    project.url = f"http://127.0.0.1:{port}"
    with database(f"bench_{project.name}") as url, (folder / project.name).open("wb") as log:
        project.environment = os.environ | {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": project.settings,
            "DEBUG": "off",
            "CACHE_URL": "locmemcache://",
            "ISSUER_URL": project.url,
            "LOG_FORMAT": "json",
            "TRUSTED_PROXIES": "127.0.0.1",
        }
        rows = str(ROUNDS * ROWS_A_ROUND)
        seed = [sys.executable, "-m", project.seed, rows]
        seeded = subprocess.run(seed, cwd=ROOT, env=project.environment, stdout=subprocess.PIPE, check=True)
        project.material = json.loads(seeded.stdout)
        with serving(project, port, log) as server:
            yield project
            project.memory = memory_of_workers(server.pid)


@contextmanager
def serving(project: Project, port: int, log: IO[bytes], threads: int = 2) -> Iterator["subprocess.Popen[bytes]"]:
    """Serve the project like `make serve`, with two workers; yield after its first response."""
    command = f"granian {project.wsgi}:application --interface wsgi --no-ws --no-access-log --workers 2"
    arguments = [*command.split(), "--blocking-threads", str(threads), "--host", "127.0.0.1", "--port", str(port)]
    arguments[0] = str(installed() / "bin" / "granian")
    server = subprocess.Popen(
        arguments, cwd=ROOT, env=project.environment, stdout=log, stderr=log, start_new_session=True
    )
    try:
        wait_for(f"http://127.0.0.1:{port}")
        yield server
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@cache
def installed() -> Path:
    """Return a virtual environment like production's: structlog would load one of the development tools."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    atexit.register(shutil.rmtree, folder)
    venv.create(folder, with_pip=True)
    install = "pip install -qq --disable-pip-version-check --require-hashes --requirement requirements.txt"
    subprocess.run([folder / "bin" / "python", "-m", *install.split()], cwd=ROOT, check=True)
    return folder


def seconds_to_start(ours: Project, stock: Project, folder: Path) -> dict[str, float]:
    """Start further servers of each project in turns, and return the seconds until the first response."""
    taken: dict[str, list[float]] = defaultdict(list)
    with (folder / "starts").open("wb") as log:
        for _ in range(STARTS):
            for project in (ours, stock):
                started = time.perf_counter()
                with serving(project, free_port(), log):
                    taken[project.name].append(time.perf_counter() - started)
    return {name: statistics.median(times) for name, times in taken.items()}


def wait_for(url: str) -> None:
    """Wait until the server responds."""
    for _ in range(6000):
        try:
            urlopen(f"{url}/healthz", timeout=1)
        except OSError as error:
            if hasattr(error, "code"):
                return
            time.sleep(0.005)
        else:
            return
    raise TimeoutError(url)


def memory_of_workers(pid: int) -> float:
    """Return the average resident memory of a worker, in megabytes."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    sizes = [re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{child}/status").read_text()) for child in children]
    return statistics.mean(int(size[1]) / 1024 for size in sizes if size)


def operations(ours: Project, stock: Project) -> list[Operation]:
    """Return every row of the table: the operations of both projects, and the floor."""
    callback = "&redirect_uri=https://party.example/cb"
    constant = ["grant_type=client_credentials"]
    found = []
    for project in (ours, stock):
        material = project.material
        bearer = f"Bearer {material['bearer']}"
        codes = [f"grant_type=authorization_code&code={code}{callback}" for code in material["codes"]]
        refresh = [f"grant_type=refresh_token&refresh_token={token}" for token in material["refresh"]]
        revoke = [f"token={token}" for token in material["revocable"]]
        owner = "client" if project is ours else "party"
        mistyped = [material["client"][0], material["client"][1][:-1]]
        guesses = [f"{constant[0]}&client_id={uuid4()}&client_secret={guess}" for guess in material["guesses"]]
        found += [
            Operation("/token client_credentials", project, "/token", project.basic("client"), constant),
            Operation("/token refresh_token", project, "/token", project.basic("party"), refresh),
            Operation("/token authorization_code", project, "/token", project.basic("party"), codes),
            Operation("/revoke", project, "/revoke", project.basic(owner), revoke),
            Operation(f"{REFUSED} mistyped secret", project, "/token", basic(mistyped), constant),
            Operation(f"{REFUSED} unknown client", project, "/token", project.basic("unknown client"), constant),
            Operation(f"{REFUSED} wrong secret", project, "/token", project.basic("wrong secret"), constant),
            Operation(f"{REFUSED} another guess each time", project, "/token", "", guesses),
            Operation("/verify", project, "/verify" if project is ours else "/protected", bearer, [""], "GET"),
        ]
    path = "/retailer/retailers/current"
    found.append(Operation(path, ours, path, f"Bearer {ours.material['bearer']}", [""], "GET"))
    found.append(Operation("floor", stock, "/floor", "", constant))
    found.append(Operation("floor with two writes", stock, "/floor-with-writes", "", constant))
    return found


def measure(operation: Operation, turn: int, folder: Path) -> Measured:
    """Run the operation with wrk, using the request bodies of this round."""
    bodies = operation.bodies
    if len(bodies) > 1:
        bodies = bodies[turn * ROWS_A_ROUND : (turn + 1) * ROWS_A_ROUND]
    file = folder / "bodies"
    file.write_text("".join(f"{body}\n" for body in bodies))
    environment = os.environ | {
        "BODIES": str(file),
        "METHOD": operation.method,
        "AUTHORIZATION": operation.authorization,
    }
    script = str(Path(__file__).with_name("requests.lua"))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", script]
    command.append(operation.project.url + operation.path)
    return read(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def read(report: str) -> Measured:
    """Parse wrk's report; times are in milliseconds."""
    number = dict(re.findall(r"\s+(50|99)%\s+([\d.]+(?:us|ms|s))", report))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
    assert rate is not None
    return Measured(
        float(rate[1]), milliseconds(number["50"]), milliseconds(number["99"]), int(failed[1]) if failed else 0
    )


def milliseconds(text: str) -> float:
    """Convert a time as printed by wrk."""
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def table(results: dict[tuple[str, str], list[Measured]]) -> Iterator[str]:
    """Return the lines of the table."""
    rate = {key: statistics.median(each.per_second for each in rounds) for key, rounds in results.items()}
    floors = {"/token refresh_token": "floor with two writes", "/token authorization_code": "", "/revoke": ""}
    yield "| operation | ours /s | stock /s | × stock | × floor | median ms | p99 ms | failures |"
    yield "|---|---|---|---|---|---|---|---|"
    for (who, name), rounds in results.items():
        if who != "ours":
            continue
        stock = rate.get(("stock", "/verify" if name.startswith("/retailer") else name), 0)
        floor = rate.get(("stock", floors.get(name, "floor")), 0)
        median = statistics.median(each.median for each in rounds)
        p99 = statistics.median(each.p99 for each in rounds)
        failures = sum(each.failures for each in rounds) if not name.startswith(REFUSED) else 0
        ratios = f"{rate[who, name] / stock:.1f} | {f'{rate[who, name] / floor:.2f}' if floor else ''}"
        yield f"| {name} | {rate[who, name]:.0f} | {stock:.0f} | {ratios} | {median:.1f} | {p99:.1f} | {failures} |"
    for name in ("floor", "floor with two writes"):
        yield f"| {name} | {rate['stock', name]:.0f} | | | | | | |"


def refusals(ours: Project) -> Iterator[str]:
    """Yield a table of the time of each kind of refusal, because timing must not reveal which clients exist."""
    kinds = ("unknown client", "wrong secret", "paused", "deleted")
    taken: dict[str, list[float]] = defaultdict(list)
    connection = HTTPConnection("127.0.0.1", urlsplit(ours.url).port)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for turn in range(200 * ROUNDS):
        for kind in kinds:
            # A different address each, so that none is throttled.
            address = f"10.{turn // 65536}.{turn // 256 % 256}.{turn % 256}"
            headers = form | {"Authorization": ours.basic(kind), "X-Forwarded-For": address}
            started = time.perf_counter()
            connection.request("POST", "/token", "grant_type=client_credentials", headers)
            answer = connection.getresponse()
            answer.read()
            taken[kind].append(1000 * (time.perf_counter() - started))
            assert answer.status == 401
    medians = {kind: statistics.median(times) for kind, times in taken.items()}
    yield "| refused because | median ms | × fastest |"
    yield "|---|---|---|"
    for kind, median in medians.items():
        yield f"| {kind} | {median:.2f} | {median / min(medians.values()):.2f} |"


def main() -> None:
    """Run the benchmark and print the tables."""
    if not shutil.which("wrk"):
        sys.exit("make bench: wrk is not installed")
    ours = Project("ours", "portal.wsgi", "tests.benchmarks.settings", "tests.benchmarks.seed")
    stock = Project(
        "stock", "tests.benchmarks.stock.wsgi", "tests.benchmarks.stock.settings", "tests.benchmarks.stock.seed"
    )
    results: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    # Like `make serve`: where Python may not write bytecode, every start would compile the project again.
    for package in ("accounts", "apicredentials", "portal", "tests/benchmarks"):
        compileall.compile_dir(ROOT / package, quiet=1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for project in (ours, stock):
            stack.enter_context(running(project, folder))
        for turn in range(ROUNDS):
            for operation in operations(ours, stock):
                results[operation.project.name, operation.name].append(measure(operation, turn, folder))
        timing = list(refusals(ours))
        starts = seconds_to_start(ours, stock, folder)
    print("\n".join([*table(results), "", *timing, ""]))
    print("| | first answer after s | × stock | MB a worker |")
    print("|---|---|---|---|")
    for project in (ours, stock):
        after = starts[project.name]
        print(f"| {project.name} | {after:.2f} | {after / starts['stock']:.2f} | {project.memory:.0f} |")

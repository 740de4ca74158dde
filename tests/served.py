"""The portal in separate processes, as in production: the server and commands."""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

import psycopg

ROOT = Path(__file__).parent.parent
START_SECONDS = STOP_SECONDS = 30
COMMAND_SECONDS = 120


@dataclass(frozen=True)
class Served:
    """A running portal; `str()` is its URL, so that `f"{served}/token"` works."""

    url: str
    environment: Mapping[str, str]
    folder: Path

    def __str__(self) -> str:
        return self.url

    @property
    def log(self) -> str:
        """The server's output so far."""
        return (self.folder / "log").read_text()

    @property
    def mails(self) -> list[str]:
        """The source of each mail sent so far."""
        return mails_in(self.folder / "mail")

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """Run a command with the same settings and return its output."""
        return manage(self.environment, *arguments, stdin=stdin)

    def manage_json(self, *arguments: str, stdin: str = "") -> Any:
        """Run a command with `--json` and return the parsed output."""
        return json.loads(self.manage(*arguments, "--json", stdin=stdin))


def mails_in(folder: Path) -> list[str]:
    """Return the source of each mail in a folder of `filemail://`, which has one file for each run."""
    return [mail for file in sorted(folder.glob("*")) for mail in file.read_text().split(f"\n{'-' * 79}\n")[:-1]]


def production(**environment: str) -> dict[str, str]:
    """Return the environment of a process with production's settings (and the keys of `tests.settings`)."""
    return os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings"} | environment


def run(environment: Mapping[str, str], *command: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Run Python with these arguments and return output and exit status."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def manage(environment: Mapping[str, str], *arguments: str, stdin: str = "") -> str:
    """Run a management command and return its output. Fail with its standard error when it fails."""
    done = run(environment, "manage.py", *arguments, stdin=stdin)
    assert done.returncode == 0, f"manage.py {' '.join(arguments)}: {done.stderr}"
    return done.stdout


# ---- The server -------------------------------------------------------------------------------------------


@contextmanager
def run_portal(folder: Path, **environment: str) -> Iterator[Served]:
    """Run the server of `make serve` on a free port until the block ends; `folder` takes its log and mails."""
    collect_static_files()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = production(ISSUER_URL=url, EMAIL_URL=f"filemail://{folder}/mail", WORKERS="1") | environment
    with (folder / "log").open("wb") as log:
        command = granian(port, environment["WORKERS"])
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    portal = Served(url, environment, folder)
    try:
        wait_until_healthy(portal, server)
        yield portal
    finally:
        stop(server)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM. A process that does not end fails the test and is killed."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    finally:
        process.kill()


def granian(port: int, workers: str) -> list[str]:
    address = ["--host", "127.0.0.1", "--port", str(port)]
    options = "--interface wsgi --no-ws --blocking-threads 2 --respawn-failed-workers --workers-kill-timeout 15"
    program = [sys.executable, "-m", "portal.server", "portal.wsgi:application"]
    return [*program, *options.split(), *address, "--workers", workers]


def wait_until_healthy(portal: Served, server: subprocess.Popen[bytes]) -> None:
    """Wait for every worker to start, and for the first response."""
    deadline = time.monotonic() + START_SECONDS
    while portal.log.count("Started worker") < int(portal.environment["WORKERS"]):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The portal did not start:\n{portal.log}")
        time.sleep(0.1)
    urlopen(f"{portal}/healthz", timeout=START_SECONDS).close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@cache
def collect_static_files() -> None:
    """Run collectstatic once per process, under a lock: the workers of xdist share the folder."""
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        manage(production(), "collectstatic", "--noinput")


# ---- Databases --------------------------------------------------------------------------------------------


@contextmanager
def migrated_databases(folder: Path) -> Iterator[Callable[[], str]]:
    """Yield a function that creates a migrated, empty database and returns its URL. Drop all of them at the end.

    They use the engine of `DATABASE_URL`. Only the first one is migrated; the others are copies of it.
    """
    with ExitStack() as made:
        on_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
        copy = partial(copy_on_postgresql, made) if on_postgresql else partial(copy_on_sqlite, folder)
        template = copy(template=None)
        manage(production(DATABASE_URL=template), "migrate")
        yield partial(copy, template=template)


def copy_on_sqlite(folder: Path, *, template: str | None) -> str:
    file = folder / f"{uuid4().hex}.sqlite3"
    if template:
        shutil.copy(urlsplit(template).path.removeprefix("/"), file)
    return f"sqlite:///{file}"


def copy_on_postgresql(made: ExitStack, *, template: str | None) -> str:
    server = urlsplit(os.environ["DATABASE_URL"])
    name = f"test_{uuid4().hex}"

    def execute(statement: str) -> None:
        # Without start-up options, which PgBouncer refuses.
        url = server._replace(path="/postgres").geturl()
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement.encode())

    execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {urlsplit(template).path.strip('/')}" if template else ""))
    made.callback(execute, f"DROP DATABASE {name} WITH (FORCE)")
    return server._replace(path=f"/{name}").geturl()

"""Two PostgreSQL servers, a primary and a synchronous standby, and HAProxy, as separate processes."""

import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.deploy.pooler import folder_of
from tests.served import START_SECONDS, free_port, stop

BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql/none"))
HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
OWNER = "postgres"
SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "max_connections": "60"}


@dataclass
class Postgres:
    """A server with its data in `folder`."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"postgres://{OWNER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        command = [str(BINARIES / "postgres"), "-D", str(self.folder), "-p", str(self.port), *options]
        with (self.folder.parent / f"{self.folder.name}.log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **as_owner())  # type: ignore[call-overload]
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                time.sleep(0.1)
        raise RuntimeError("PostgreSQL did not start.")

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement.encode())

    def kill(self) -> None:
        """Kill the server, which simulates the loss of its machine."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def promote(self) -> None:
        run_binary("pg_ctl", "promote", "-w", "-D", str(self.folder))


def as_owner() -> dict[str, object]:
    """Return options for Popen to run a PostgreSQL program as another user, because PostgreSQL refuses root."""
    user = pwd.getpwnam(OWNER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def run_binary(name: str, *arguments: str) -> None:
    command = [str(BINARIES / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **as_owner())  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr


@contextmanager
def run_cluster() -> Iterator[tuple[Postgres, Postgres]]:
    """Run a primary and its synchronous standby, which must have a commit before it is confirmed."""
    with folder_of(OWNER) as folder:
        primary, standby = Postgres(folder / "primary"), Postgres(folder / "standby")
        run_binary("initdb", "-D", str(primary.folder), "-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-sync")
        try:
            primary.start()
            source = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", OWNER]
            run_binary("pg_basebackup", *source, "-D", str(standby.folder), "-R", "-c", "fast")
            standby.start()
            # Set after the copy, so that the promoted standby does not wait for a standby of its own.
            primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            primary.execute("SELECT pg_reload_conf()")
            yield primary, standby
        finally:
            primary.kill()
            standby.kill()


PROXY = """
global
  maxconn 200
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  option redispatch
listen portal
  bind 127.0.0.1:{port}
  balance roundrobin
  option httpchk GET /healthz
  {servers}
"""


@contextmanager
def run_haproxy(folder: Path, port: int, addresses: list[str]) -> Iterator[None]:
    """Run HAProxy, which distributes requests at `port` over the portals at `addresses` (host:port)."""
    servers = [f"server portal{number} {address} check inter 500" for number, address in enumerate(addresses)]
    configuration = folder / "haproxy.cfg"
    configuration.write_text(PROXY.format(port=port, servers="\n  ".join(servers)))
    with (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen([HAPROXY, "-db", "-f", str(configuration)], stdout=log, stderr=log)
    try:
        yield
    finally:
        stop(process)

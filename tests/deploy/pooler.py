"""PgBouncer in transaction mode, as a separate process in front of the tests' PostgreSQL.

`python -m tests.deploy.pooler COMMAND…` runs a command with DATABASE_URL through it, as `.ci/run` does.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg

from tests.served import START_SECONDS, free_port, stop

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
USER = "nobody"

# Fewer connections than clients, so that clients share them. The races need more.
FEW = 3
ENOUGH_FOR_RACES = 20

# Close idle connections soon, because DROP DATABASE and CREATE DATABASE … TEMPLATE wait no more than five seconds.
CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
server_idle_timeout = 1
server_check_delay = 0
server_login_retry = 1
"""


@dataclass
class PgBouncer:
    folder: Path
    pool_size: int
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def configuration(self) -> Path:
        return self.folder / "pgbouncer.ini"

    def configure(self, database_url: str) -> str:
        """Write the configuration for that server, reload it, and return the URL through the pooler."""
        server = urlsplit(database_url)
        self.configuration.write_text(
            CONFIGURATION.format(
                host=server.hostname or "127.0.0.1",
                port=server.port or 5432,
                user=server.username or "postgres",
                password=f" password={server.password}" if server.password else "",
                listen=self.port,
                pool_size=self.pool_size,
            )
        )
        if self.process:
            self.process.send_signal(signal.SIGHUP)
        return server._replace(netloc=f"{server.username or 'postgres'}@127.0.0.1:{self.port}").geturl()


@contextmanager
def run_pgbouncer(database_url: str, pool_size: int = FEW) -> Iterator[str]:
    """Run PgBouncer until the block ends; yield the URL of that database through it."""
    with run_changeable_pgbouncer(database_url, pool_size) as (_, url):
        yield url


@contextmanager
def folder_of(user: str) -> Iterator[Path]:
    """Create a folder for a user other than root, who cannot access pytest's folders."""
    with TemporaryDirectory() as name:
        owner = pwd.getpwnam(user)
        os.chown(name, owner.pw_uid, owner.pw_gid)
        yield Path(name)


@contextmanager
def run_changeable_pgbouncer(database_url: str, pool_size: int) -> Iterator[tuple[PgBouncer, str]]:
    """Like `run_pgbouncer`; also yield the pooler, which can be configured for another server."""
    with folder_of(USER) as folder:
        pooler = PgBouncer(folder, pool_size)
        pooled = pooler.configure(database_url)
        command = [PROGRAM, "--user", USER, str(pooler.configuration)]
        log = folder / "pgbouncer.log"
        with log.open("wb") as output:
            pooler.process = process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            wait_until_connected(pooled, process, log)
            yield pooler, pooled
        finally:
            stop(process)


def wait_until_connected(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"PgBouncer did not start:\n{log.read_text()}")


def main() -> int:
    with run_pgbouncer(os.environ["DATABASE_URL"], ENOUGH_FOR_RACES) as url:
        return subprocess.call(sys.argv[1:], env=os.environ | {"DATABASE_URL": url, "DATABASE_POOLER": "on"})


if __name__ == "__main__":
    sys.exit(main())

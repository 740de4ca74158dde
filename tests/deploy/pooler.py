"""PgBouncer in transaction mode, as a separate process in front of the tests' PostgreSQL.

`python -m tests.deploy.pooler COMMAND…` runs a command with DATABASE_URL through it, as `.ci/run` does.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg

from tests.served import START_SECONDS, free_port, stop

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"

# Fewer connections than clients, so that clients share them. A race with five clients needs at least six.
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
"""


@contextmanager
def run_pgbouncer(folder: Path, database_url: str, pool_size: int = FEW) -> Iterator[str]:
    """Run PgBouncer until the block ends; yield the URL of that database through it."""
    server, port = urlsplit(database_url), free_port()
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        CONFIGURATION.format(
            host=server.hostname or "127.0.0.1",
            port=server.port or 5432,
            user=server.username or "postgres",
            password=f" password={server.password}" if server.password else "",
            listen=port,
            pool_size=pool_size,
        )
    )
    make_readable(configuration)
    # PgBouncer refuses to run as root.
    command = [PROGRAM, "--user", "nobody", str(configuration)]
    log = folder / "pgbouncer.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    pooled = server._replace(netloc=f"{server.username or 'postgres'}@127.0.0.1:{port}").geturl()
    try:
        wait_until_connected(pooled, process, log)
        yield pooled
    finally:
        stop(process)


def make_readable(file: Path) -> None:
    file.chmod(0o644)
    for folder in file.parents:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)


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
    with (
        TemporaryDirectory() as folder,
        run_pgbouncer(Path(folder), os.environ["DATABASE_URL"], ENOUGH_FOR_RACES) as url,
    ):
        return subprocess.call(sys.argv[1:], env=os.environ | {"DATABASE_URL": url, "DATABASE_POOLER": "on"})


if __name__ == "__main__":
    sys.exit(main())

"""The two servers of the demo, which start and stop together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from io import StringIO
from typing import Any
from urllib.request import urlopen

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
START_SECONDS = 60
STOP_SECONDS = 10
MAIL_SECONDS = 2

type Process = subprocess.Popen[bytes]


class Stopped(BaseException):
    """A signal asks the demo to stop. Not an Exception, because sending a mail catches every one and retries later."""


def stop_on_signals() -> None:
    """Raise Stopped at the first Ctrl-C or other signal; ignore further ones while the servers stop."""

    def stop(*_: Any) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    for number in SIGNALS:
        signal.signal(number, stop)


def portal(port: int) -> AbstractContextManager[Process]:
    """Run the portal as `make serve` does, with one worker because its cache is in the process."""
    options = "--interface wsgi --no-ws --blocking-threads 2 --workers-kill-timeout 3 --log-level warning"
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return running(["portal.server", "portal.wsgi:application", *options.split(), *address], {})


def example_party(port: int, *, client_id: str, client_secret: str) -> AbstractContextManager[Process]:
    """Run the example third party. Its secret is in its environment, which only this user can read."""
    own = {
        "PORT": str(port),
        "PORTAL_NAME": settings.PORTAL_NAME,
        "ISSUER_URL": settings.ISSUER_URL,
        "CLIENT_ID": client_id,
        "CLIENT_SECRET": client_secret,
    }
    return running(["portal.example_party"], own)


@contextmanager
def running(module: list[str], environment: Mapping[str, str]) -> Iterator[Process]:
    """Run a Python module with arguments until the block ends.

    It has a process group of its own, so that Ctrl-C in a terminal signals only this process, which stops it in order.
    """
    process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
        [sys.executable, "-m", *module],
        cwd=settings.BASE_DIR,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_up(address: str, process: Process) -> None:
    """Return as soon as the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urlopen(address, timeout=1).close()  # noqa: S310
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise CommandError(f"{address} geeft geen antwoord.")


def send_mail_until_one_ends(*processes: Process) -> None:
    """Run `send_notices` every few seconds, as cron does in production, until a server fails or a signal comes."""
    while all(process.poll() is None for process in processes):
        call_command("send_notices", stdout=StringIO())
        time.sleep(MAIL_SECONDS)
    raise CommandError("Een van de twee servers is gestopt.")

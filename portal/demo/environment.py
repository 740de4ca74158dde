"""The environment of the demo, which keeps it away from any other database of this machine."""

import errno
import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

FOLDER: Path = settings.BASE_DIR / ".demo"
KEYS = FOLDER / "keys"

# Variables that the demo inherits. None of them can name a database, a cache or a mail server.
INHERITED = {"HOME", "LANG", "LC_ALL", "PATH", "PORTAL_NAME", "TERM", "TMPDIR"}


def is_entered() -> bool:
    """Return True if this process runs in the environment of the demo."""
    return os.environ.get("ENV_FILE") == str(KEYS)


def enter(port: int, party_port: int) -> NoReturn:
    """Replace this process by the same command in the environment of the demo."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    if not KEYS.exists():
        make_keys()
    ports = ["--port", str(port), "--party-port", str(party_port)]
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo", *ports]
    os.execve(sys.executable, command, compose(portal_address(port)))  # noqa: S606


def compose(issuer: str) -> dict[str, str]:
    """Return production settings that are reachable from this machine only."""
    folder = quote(str(FOLDER))
    own = {
        "ENV_FILE": str(KEYS),
        "DEBUG": "off",
        # The demo's operator can open the admin without setting up a second factor.
        "REQUIRE_MFA": "off",
        "ISSUER_URL": issuer,
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3",
        "EMAIL_URL": f"filemail://{folder}/mail",
        "LOG_LEVEL": "WARNING",
    }
    python = {name for name in os.environ if name.startswith("PYTHON")}
    return {name: os.environ[name] for name in INHERITED | python if name in os.environ} | own


def make_keys() -> None:
    """Create the keys once, because the data in the database depends on them; only this user can read them."""
    draft = KEYS.with_suffix(".new")
    draft.touch(mode=0o600)
    with draft.open("w") as file:
        call_command("generate_keys", stdout=file)
    draft.rename(KEYS)


def portal_address(port: int) -> str:
    return f"http://localhost:{port}"


def party_address(port: int) -> str:
    """Return an address with another host name than the portal's, because cookies are shared between ports."""
    return f"http://127.0.0.1:{port}"


def require_free(port: int) -> None:
    """Refuse a port that is in use on any address of localhost."""
    if not 0 < port < 65536:
        raise CommandError(f"{port} is geen poort: kies een getal van 1 tot en met 65535.")
    for family, _, _, _, address in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM):
        try:
            socket.create_server(address[:2], family=family).close()
        except OSError as error:
            # Any other error means that this machine has no such address (no IPv6, for example).
            if error.errno == errno.EADDRINUSE:
                raise CommandError(f"Poort {port} is al in gebruik. Kies een andere met PORT of --port.") from error
            if error.errno == errno.EACCES:
                raise CommandError(f"Poort {port} mag je niet gebruiken. Kies er een boven 1023.") from error


@contextmanager
def held_alone() -> Iterator[None]:
    """Lock the data, so that a second demo on other ports cannot use it."""
    with (FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError("De demo draait al. Stop die eerst, met Ctrl-C.") from error
        yield

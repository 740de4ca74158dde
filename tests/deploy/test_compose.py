"""compose.yaml, started by a compose program that COMPOSE names, as in COMPOSE="docker compose".

The images that it names must exist. The health of services orders the start, so Podman must be 4.6 or newer.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.deploy.programs import fresh_keys
from tests.served import ROOT, free_port

COMPOSE = os.environ.get("COMPOSE", "").split()
PATIENCE_SECONDS = 300
PASSWORD = "een-wachtwoord-voor-deze-test"
DATABASE_URL = f"postgres://portal:{PASSWORD}@database:5432/portal"

pytestmark = pytest.mark.skipif(not COMPOSE, reason="COMPOSE names no compose program")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def compose(port: int, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """A function that runs the compose program in a folder with compose.yaml and its secrets."""
    # The first docker-compose knows no `name`.
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8").replace("\nname: portal\n", "\n")
    (tmp_path / "compose.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/postgres_password").write_text(PASSWORD, encoding="utf-8")
    variables = fresh_keys() | {"DATABASE_URL": DATABASE_URL, "EMAIL_URL": "dummymail://"}
    lines = "".join(f"{name}={value}\n" for name, value in variables.items())
    (tmp_path / "secrets/portal.env").write_text(lines, encoding="utf-8")
    environment = os.environ | {
        "COMPOSE_PROJECT_NAME": "portal-test",
        "ISSUER_URL": "https://verkopers.example.nl",
        "PORT": str(port),
    }

    def run(*arguments: str) -> str:
        command = [*COMPOSE, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        yield run
    finally:
        run("down", "--volumes")


def wait_for(answer: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not answer():
        assert time.monotonic() < deadline
        time.sleep(1)


def test_services_start_in_order_and_keep_their_data(compose: Callable[..., str], port: int) -> None:
    def is_ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    manage = ("exec", "-T", "portal", "python", "manage.py")
    compose("up", "--detach")
    wait_for(is_ready)
    made = compose(*manage, "create_seller", "--name", "Appels", "--email", "sanne@appels.example", "--json")
    wait_for(lambda: "usage: 0" in compose("logs", "scheduler"))
    assert "Traceback" not in compose("logs")
    compose("stop")
    compose("up", "--detach")
    wait_for(is_ready)
    seller = json.loads(made)["retailer_id"]
    assert json.loads(compose(*manage, "list_credentials", "--seller", seller, "--json")) == []

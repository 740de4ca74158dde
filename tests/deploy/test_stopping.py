"""SIGTERM to the server: it stops quickly, at any moment of its start."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.served import ROOT, free_port, granian, production

# Less than --workers-kill-timeout, after which the main process kills workers that ignored the signal. Its log proves
# nothing: on a busy machine Granian also reports a worker that has just ended as one that "refused to gracefully stop".
SOON = 10
WORKERS = 2


@contextmanager
def starting(log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start the production server, and yield when its workers are forked but have not loaded anything."""
    port = free_port()
    with log.open("wb") as output:
        command = granian(port, str(WORKERS))
        server = subprocess.Popen(command, cwd=ROOT, env=production(), stdout=output, stderr=output)
    try:
        until(lambda: log.read_bytes().count(b"Spawning worker") == WORKERS)
        yield server, f"http://127.0.0.1:{port}"
    finally:
        server.kill()


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("seconds", [0, 0.1, 0.3, 0.6])
def test_server_stops_quickly_while_workers_start(tmp_path: Path, seconds: float) -> None:
    with starting(tmp_path / "log") as (server, _):
        time.sleep(seconds)
        server.terminate()
        server.wait(SOON)


def test_server_stops_quickly_when_the_first_worker_responds(tmp_path: Path) -> None:
    def answers() -> bool:
        try:
            return httpx.get(f"{url}/healthz").is_success
        except httpx.TransportError:
            return False

    with starting(tmp_path / "log") as (server, url):
        until(answers)
        server.terminate()
        server.wait(SOON)


def test_open_connection_does_not_delay_the_stop(tmp_path: Path) -> None:
    with starting(tmp_path / "log") as (server, url), httpx.Client(base_url=url) as client:
        until(lambda: (tmp_path / "log").read_bytes().count(b"Started worker") == WORKERS)
        assert client.get("/healthz").is_success
        server.terminate()
        server.wait(SOON)

"""The container image and compose.yaml, as described in docs/operations.md, "Containers".

IMAGE_BASE names a base image with Python and has the image built with buildah and run (as root, about two minutes).
IMAGE_ARGS are further options for `make image`.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.deploy.programs import fresh_keys
from tests.served import ROOT, START_SECONDS, free_port

CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
FINAL_STAGE = CONTAINERFILE.rpartition("\nFROM ")[2]
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
PORTAL_SERVICES = ("portal", "migrate", "scheduler")
IMAGE_BASE = os.environ.get("IMAGE_BASE", "")
IMAGE = "portal:test"
GRACE_SECONDS = 20
MAXIMUM_MEGABYTES = 200


# ---- Containerfile ----------------------------------------------------------------------------------------


def test_both_stages_use_the_given_base() -> None:
    assert re.search(r"(?m)^ARG BASE=python:3\.\d+-slim$", CONTAINERFILE)
    assert re.findall(r"(?m)^FROM (\S+)", CONTAINERFILE) == ["${BASE}", "${BASE}"]


def test_image_runs_as_a_numeric_user_other_than_root() -> None:
    (user,) = re.findall(r"(?m)^USER (\d+):\d+$", FINAL_STAGE)
    assert int(user) >= 10_000


@pytest.mark.parametrize("word", ["pip install", "apt", "gcc", "ENTRYPOINT", "SECRET_KEY", "DATABASE_URL"])
def test_final_stage_neither_installs_nor_configures(word: str) -> None:
    assert word not in FINAL_STAGE


@pytest.mark.parametrize(
    "instruction", ["HEALTHCHECK ", "LABEL org.opencontainers.image.title", "VOLUME /var/lib/portal"]
)
def test_image_has_metadata(instruction: str) -> None:
    assert f"\n{instruction}" in FINAL_STAGE


def test_image_starts_the_server_like_make_serve() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    served = re.search(r"-m portal\.server (portal\.wsgi:application(?:.*\\\n)*.*)", makefile)
    contained = json.loads(FINAL_STAGE.rpartition("\nCMD ")[2])[-1]
    assert served
    options = re.sub(r"\$\((\w+)\)", r'"$\1"', served[1].replace("\\\n", " "))
    assert sorted(options.split()) == sorted(contained.removeprefix("exec python -m portal.server ").split())


def test_build_context_is_an_allow_list() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    kept = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert all((ROOT / path).exists() for path in kept)
    assert not kept & {".env", ".git", "secrets", "tests", ".venv"}


@pytest.mark.parametrize("tool", ["podman", "docker", "buildah"])
def test_make_image_uses_an_installed_tool(tmp_path: Path, tool: str) -> None:
    stub(tmp_path / tool, f'echo {tool} "$@"')
    done = make_image(tmp_path)
    assert done.returncode == 0
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(f"{tool} build")]
    assert "--file Containerfile" in line
    assert ("--format docker" in line) == (tool != "docker")


def test_make_image_skips_a_tool_that_fails(tmp_path: Path) -> None:
    stub(tmp_path / "docker", "exit 1")
    stub(tmp_path / "buildah", 'echo buildah "$@"')
    assert "buildah build" in make_image(tmp_path).stdout


def test_make_image_without_a_tool_fails_in_one_line(tmp_path: Path) -> None:
    done = make_image(tmp_path)
    assert done.returncode != 0
    assert done.stderr.startswith("make image: needs podman, docker or buildah")


def stub(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)


def make_image(programs: Path) -> "subprocess.CompletedProcess[str]":
    """Run `make image` with a PATH that contains only `programs`, a shell and git."""
    for program in ("sh", "git"):
        (programs / program).symlink_to(str(shutil.which(program)))
    make = str(shutil.which("make"))
    environment = {"PATH": str(programs)}
    return subprocess.run([make, "image"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


# ---- compose.yaml -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PORTAL_SERVICES)
def test_service_of_the_portal_is_locked_down(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "volumes" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_are_passed_as_files(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search("KEY|PASSWORD|TOKEN|ENV_FILE", variable):
            assert value.startswith("/run/secrets/")
        assert "@" not in value


def test_services_wait_for_the_health_of_others() -> None:
    migrated, healthy = {"condition": "service_completed_successfully"}, {"condition": "service_healthy"}
    assert SERVICES["migrate"]["depends_on"] == {"database": healthy}
    for name in ("portal", "scheduler"):
        assert SERVICES[name]["depends_on"] == {"migrate": migrated, "cache": healthy}
    assert "healthcheck" in SERVICES["database"]
    assert "healthcheck" in SERVICES["cache"]


def test_migration_runs_once() -> None:
    assert SERVICES["migrate"]["command"] == ["python", "manage.py", "migrate", "--noinput"]
    assert SERVICES["migrate"]["restart"] == "no"


def test_scheduler_runs_due_commands_and_stops_between_two_commands(tmp_path: Path) -> None:
    """Run its script with a `python` that only prints the name of the command."""
    stub(tmp_path / "python", 'echo "$2"')
    shell, flag, script = SERVICES["scheduler"]["command"]
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [shell, flag, script.replace("$$", "$")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as scheduler:
        assert scheduler.stdout
        assert [scheduler.stdout.readline().strip() for _ in range(2)] == ["send_notices", "purge"]
        time.sleep(0.5)
        scheduler.terminate()
        assert scheduler.wait(5) == 0


def test_stop_grace_period_is_longer_than_the_workers_timeout() -> None:
    kill_timeout = re.search(r"--workers-kill-timeout (\d+)", FINAL_STAGE)
    assert kill_timeout
    assert int(SERVICES["portal"]["stop_grace_period"].removesuffix("s")) > int(kill_timeout[1])


# ---- The image --------------------------------------------------------------------------------------------

built = pytest.mark.skipif(not IMAGE_BASE, reason="IMAGE_BASE names no base image to build on")


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    """Build the image and return its configuration."""
    arguments = f"--build-arg BASE={IMAGE_BASE} {os.environ.get('IMAGE_ARGS', '')}"
    run("make", "image", f"IMAGE={IMAGE}", f"IMAGE_ARGS={arguments}")
    found: dict[str, Any] = json.loads(run("buildah", "inspect", "--type", "image", IMAGE))["Docker"]["config"]
    return found


@pytest.fixture(scope="module")
def root(config: dict[str, Any]) -> Iterator[Path]:
    """The root file system of a container made from the image."""
    container = run("buildah", "from", IMAGE)
    try:
        yield Path(run("buildah", "mount", container))
    finally:
        run("buildah", "rm", container)


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# A read-only root file system with its own volume, /tmp and /proc, in a PID namespace.
CONTAIN = """
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount --bind "$1" "$0/var/lib/portal" &&
mount -t tmpfs tmpfs "$0/tmp" && mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" || exit 99
root=$0 user=$2; shift 2; cd /
exec chroot --userspec="$user" "$root" sh -c 'cd /srv/portal && exec "$@"' "$@"
"""


@contextmanager
def contained(
    root: Path, volume: Path, config: dict[str, Any], *command: str, **environment: str
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a command with the image's user and environment, on a read-only root file system."""
    given = [*config["Env"], *(f"{name}={value}" for name, value in environment.items())]
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", CONTAIN]
    arguments = [str(root), str(volume), config["User"], "-", *command]
    process = subprocess.Popen(["env", "-i", *given, *unshare, *arguments])  # noqa: S607
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@built
def test_image_is_small_and_has_no_build_tools(config: dict[str, Any], root: Path) -> None:
    sizes = json.loads(run("buildah", "images", "--json"))
    size = {name: float(image["size"].split()[0]) for image in sizes for name in image["names"] or []}
    (portal,) = [value for name, value in size.items() if name.endswith(IMAGE)]
    (base,) = [value for name, value in size.items() if name.endswith(IMAGE_BASE)]
    assert portal - base <= MAXIMUM_MEGABYTES
    for folder in ("usr/local/bin", "usr/bin", "opt/venv/bin"):
        assert not {file.name for file in (root / folder).iterdir()} & {"pip", "pip3", "gcc", "cc", "make", "ld"}
    assert not list(root.glob("srv/portal/.env")) + list(root.glob("srv/portal/tests"))


@built
def test_container_migrates_serves_and_stops_in_time(config: dict[str, Any], root: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    port = free_port()
    environment = fresh_keys() | {"PORT": str(port), "ENV_FILE": os.devnull}
    environment["DATABASE_URL"] = "sqlite:////var/lib/portal/db.sqlite3"
    within = partial(contained, root, tmp_path, config)
    with within("python", "manage.py", "migrate", "--verbosity", "0", **environment) as migration:
        assert migration.wait(120) == 0
    with within(*config["Cmd"], **environment) as server:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", server)
        with within(*config["Healthcheck"]["Test"][1:], **environment) as check:
            assert check.wait(30) == 0
        assert httpx.get(f"http://127.0.0.1:{port}/inloggen/", headers={"Host": "localhost"}).status_code == 200
        started = time.monotonic()
        os.kill(first_process_of(server), signal.SIGTERM)
        assert server.wait(GRACE_SECONDS) == 0
        assert time.monotonic() - started < GRACE_SECONDS
    with within(*config["Healthcheck"]["Test"][1:], **environment) as check:
        assert check.wait(30) != 0


def first_process_of(unshare: "subprocess.Popen[bytes]") -> int:
    """Return the id, outside the namespace, of the process that has id 1 inside it."""
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text(encoding="ascii")
    return int(children.split()[0])


def wait_until_ready(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            assert httpx.get(address).json()["status"] == "ok"
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    pytest.fail("The portal did not start in its image.")

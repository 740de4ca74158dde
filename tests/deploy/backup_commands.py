"""The commands of docs/operations.md, "Backup and restore"."""

import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.docs.documents import OPERATIONS
from tests.served import COMMAND_SECONDS, ROOT, START_SECONDS, production

CHAPTER = OPERATIONS.chapter("Backup and restore")


def documented(part: str, *changes: tuple[str, str]) -> str:
    """Return the documented command that contains `part`, with the reader's values in place of the examples."""
    code = "".join(block.text for block in CHAPTER.blocks if block.language == "console")
    (command,) = [line.removeprefix("$ ") for line in code.splitlines() if part in line]
    for example, own in changes:
        assert example in command
        command = command.replace(example, own)
    return command


def paste(command: str, environment: Mapping[str, str] | None = None, folder: Path = ROOT) -> str:
    """Run a command in a shell and return its output. It must succeed without a word on standard error."""
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=production(**environment or {}),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"{command}\n{done.stderr}"
    return done.stdout


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)

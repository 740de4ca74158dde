"""The folder in which the workers of one server share their metrics."""

import os
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir


def share_metrics() -> None:
    """Set PROMETHEUS_MULTIPROC_DIR, which prometheus_client reads when it is imported.

    The workers of one server have the same parent. Folders of servers that have stopped are deleted.
    """
    prefix = f"portal-metrics-{os.getuid()}-"
    folder = Path(gettempdir()) / f"{prefix}{os.getppid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for other in folder.parent.glob(f"{prefix}*"):
        if not is_alive(int(other.name.removeprefix(prefix))):
            rmtree(other, ignore_errors=True)
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))


def is_alive(process: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True

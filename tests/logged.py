"""The portal's log, captured in the format in which an operator reads it."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog

from portal import logs


class Log(io.StringIO):
    """The captured log."""

    @property
    def lines(self) -> list[str]:
        return self.getvalue().split("\n")[:-1]


@contextmanager
def listening(*, format: str = "console", everything: bool = False) -> Iterator[Log]:
    """Yield the log in that format; with `everything`, every logger logs at DEBUG."""
    settings = logs.settings(level="DEBUG", format=format)
    written = Log()
    with pytest.MonkeyPatch.context() as patch:
        for level in ("debug", "info", "warning", "error", "critical"):
            patch.setattr(logs.Lines, level, lambda self, line: written.write(f"{line}\n"))
        # Cached loggers keep a reference to this list, so change it in place.
        processors = structlog.get_config()["processors"]
        before = processors.copy()
        processors[:] = settings["structlog"]["processors"]
        try:
            with listening_to_others(written, settings, everything=everything):
                yield written
        finally:
            processors[:] = before


@contextmanager
def listening_to_others(written: Log, settings: dict[str, Any], *, everything: bool) -> Iterator[None]:
    """Capture what is logged through `logging`, too."""
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter(settings["formatters"]["line"]))
    root = logging.getLogger()
    loggers = [root, *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
    before = {logger: logger.level for logger in loggers}
    root.addHandler(handler)
    if everything:
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for logger, level in before.items():
            logger.setLevel(level)


def formatter(settings: dict[str, Any]) -> logging.Formatter:
    """Build the formatter as `logging.config` does."""
    made: logging.Formatter = settings["()"](**{name: value for name, value in settings.items() if name != "()"})
    return made

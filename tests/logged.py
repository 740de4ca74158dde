"""What the portal writes to its log, as an operator would read it."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog

from portal import logs


class Log(io.StringIO):
    """Everything logged so far."""

    @property
    def lines(self) -> list[str]:
        """The lines, each without its end."""
        return self.getvalue().split("\n")[:-1]


@contextmanager
def listening(*, format: str = "console", everything: bool = False) -> Iterator[Log]:
    """Give the log in that format; with `everything`, every logger tells all it knows, whatever it is set to."""
    settings = logs.settings(level="DEBUG", format=format)
    written = Log()
    with pytest.MonkeyPatch.context() as patch:
        for level in ("debug", "info", "warning", "error", "critical"):
            patch.setattr(logs.Lines, level, lambda self, line: written.write(f"{line}\n"))
        # Loggers keep the list that they were made with.
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
    """Let `written` get what goes by way of `logging`."""
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
    """Make the formatter as `logging.config` does."""
    made: logging.Formatter = settings["()"](**{name: value for name, value in settings.items() if name != "()"})
    return made

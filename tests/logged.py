"""What the portal writes to its log, as an operator would read it."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
        yield written
    finally:
        root.removeHandler(handler)
        for logger, level in before.items():
            logger.setLevel(level)


def formatter(settings: dict[str, Any]) -> logging.Formatter:
    """Make the formatter as `logging.config` does."""
    made: logging.Formatter = settings["()"](**{name: value for name, value in settings.items() if name != "()"})
    return made

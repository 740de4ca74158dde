"""Structured logs: a line for people (`console`) or for machines (`json`), and never a secret in either."""

import datetime as dt
import json
import logging
import logging.config
import re
import sys
from contextvars import ContextVar
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# What must not stand in a log, whoever wrote the line: client secrets, JWTs, credentials of HTTP, and parameters
# that hold one of them.
SECRET = re.compile(
    r"rts_[A-Za-z0-9]{8,}"
    r"|eyJ[\w-]{8,}\.[\w.-]+"
    r"|(?i:b(?:asic|earer)\s+[\w.~+/=-]{8,})"
    r"|(?<==)(?i:(?<=\bcode=)|(?<=token=)|(?<=secret=)|(?<=verifier=)|(?<=password=))[^&\s\"']+"
)

# One of these is in all of that, in small letters.
MARKS = ("rts_", "eyj", "basic", "bearer", "=")

# What would begin a line, move a cursor or turn the direction of reading; a line's own end and tabs may stay.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# These write codes, tokens or SQL parameters at their lower levels; LOG_LEVEL does not open them up.
QUIET = ("oauthlib", "requests_oauthlib", "oauth2_provider", "django.db.backends", "allauth")


# The `X-Request-ID` of the request that is being answered, for every line that is written meanwhile.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")


def describe(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Say of an event when it was, how bad, who tells it, and in which request.

    structlog has a processor for each; every request writes a line or two, and this one takes half of their time.
    """
    record = event.get("_record")
    event["logger"] = record.name if record else logger.name
    event["level"] = method
    event["timestamp"] = f"{dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    if request_id := REQUEST_ID.get():
        event["request_id"] = request_id
    return event


# Kept, for `json.dumps` makes one anew each time that it is told what to do with other objects.
_encode = json.JSONEncoder(default=repr).encode


def as_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """Return the event as one object; what is not ASCII is escaped, line breaks of any alphabet among it."""
    return _encode(event)


def redact(logger: WrappedLogger, method: str, line: str) -> str:
    """Blank out whatever looks like a secret, wherever in the line it stands.

    Few lines have anything of the kind, and the pattern takes longer to find that out than all else that is done
    for a line.
    """
    lower = line.lower()
    return SECRET.sub("[…]", line) if any(mark in lower for mark in MARKS) else line


def escape(text: str) -> str:
    """Return `text` without what a terminal obeys, or takes for the end of a line."""
    return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def keep_to_one_line(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Escape line breaks in the message, which ConsoleRenderer takes as it is; values it escapes itself."""
    return {**event, "event": str(event.get("event", "")).replace("\n", "\\n")}


def indent(logger: WrappedLogger, method: str, lines: str) -> str:
    """Set off the lines of a traceback, so that none passes for a line of the log whatever the error says."""
    return escape(lines).replace("\n", "\n    ")


class RouteOfRequest(logging.Filter):
    """Names the route where Django names the path: the link to a new password is a path."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, whose last argument is the path, and let it pass."""
        request = getattr(record, "request", None)
        if request is not None and isinstance(record.args, tuple) and record.args:
            match = getattr(request, "resolver_match", None)
            record.args = (*record.args[:-1], match.route if match else "")
        return True


def settings(*, level: str, format: str) -> dict[str, Any]:
    """Return LOGGING for `configure`; `format` is "console" or "json"."""
    shared: list[Processor] = [describe, structlog.processors.format_exc_info]
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    renderers: list[Any] = [as_json] if format == "json" else [keep_to_one_line, console, indent]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [structlog.stdlib.ExtraAdder(allow=()), *shared],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers, redact],
            }
        },
        "filters": {"route": {"()": RouteOfRequest}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            "django": {"handlers": [], "level": "INFO"},
            # Our own request line says the same, with the request's id.
            "django.server": {"handlers": [], "level": "CRITICAL"},
            # That comes with a traceback; the request line has the 400.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django.request": {"level": "ERROR", "filters": ["route"]},
            "django.security.csrf": {"filters": ["route"]},
            **{name: {"level": "WARNING"} for name in QUIET},
        },
        "structlog": {"processors": [*shared, *renderers, redact], "level": level.upper()},
    }


class Lines:
    """Where our own events go, each as a finished line: straight to standard error.

    By way of `logging` a line would take three times as long, and every request writes one.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def info(self, line: str) -> None:
        """Write a line, in one piece: threads write at once."""
        sys.stderr.write(f"{line}\n")

    debug = warning = error = critical = info


def configure(config: dict[str, Any]) -> None:
    """Set up standard logging and structlog; Django calls this with LOGGING."""
    own = config["structlog"]
    logging.config.dictConfig({key: value for key, value in config.items() if key != "structlog"})
    structlog.configure(
        processors=own["processors"],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[own["level"]]),
        logger_factory=Lines,
        cache_logger_on_first_use=True,
    )

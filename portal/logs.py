"""Structured logs: one line per event, for people (`console`) or machines (`json`), with secrets blanked out."""

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

# Never logged, by us or by a library: client secrets, JWTs, HTTP credentials, and parameters that contain one of them.
SECRET = re.compile(
    r"rts_[A-Za-z0-9]{8,}"
    r"|eyJ[\w-]{8,}\.[\w.-]+"
    r"|(?i:b(?:asic|earer)\s+[\w.~+/=-]{8,})"
    r"|(?<==)(?i:(?<=\bcode=)|(?<=token=)|(?<=secret=)|(?<=verifier=)|(?<=password=))[^&\s\"']+"
)

# Lower-case substrings, one of which is in every match of SECRET.
MARKS = ("rts_", "eyj", "basic", "bearer", "=")

# Characters that start a line, move the cursor or change the reading direction. "\n" and tabs are allowed.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# These log codes, tokens or SQL parameters at their lower levels, so LOG_LEVEL does not apply to them.
QUIET = ("oauthlib", "requests_oauthlib", "oauth2_provider", "django.db.backends", "allauth")


# `X-Request-ID` of the current request, added to every line that is logged during it.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")


def describe(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Add timestamp, level, logger and request id.

    One function instead of a structlog processor for each: it halves their time, and every request logs a line.
    """
    record = event.get("_record")
    event["logger"] = record.name if record else logger.name
    event["level"] = method
    event["timestamp"] = f"{dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    if request_id := REQUEST_ID.get():
        event["request_id"] = request_id
    return event


# Reuse one encoder: json.dumps(default=…) builds a new one on every call.
_encode = json.JSONEncoder(default=repr).encode


def as_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """Return the event as one JSON object in ASCII, so that no character of it can break the line."""
    return _encode(event)


def redact(logger: WrappedLogger, method: str, line: str) -> str:
    """Blank out everything in the line that looks like a secret.

    Check for MARKS first: most lines have none, and the pattern is slower than all other processing of a line.
    """
    lower = line.lower()
    return SECRET.sub("[…]", line) if any(mark in lower for mark in MARKS) else line


def escape(text: str) -> str:
    """Escape the characters that a terminal would interpret, and line breaks except "\\n"."""
    return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def keep_to_one_line(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Escape line breaks in the event. ConsoleRenderer escapes them in values only."""
    return {**event, "event": str(event.get("event", "")).replace("\n", "\\n")}


def indent(logger: WrappedLogger, method: str, lines: str) -> str:
    """Indent the lines of a traceback, so that no text in an exception can pass for a log line."""
    return escape(lines).replace("\n", "\n    ")


class RouteOfRequest(logging.Filter):
    """Replaces the path in Django's log records by the route: the path of a password reset link is a secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the last argument, the path. Never drops a record."""
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
            # It is logged with a traceback, and the request line already has the 400.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django.request": {"level": "ERROR", "filters": ["route"]},
            "django.security.csrf": {"filters": ["route"]},
            **{name: {"level": "WARNING"} for name in QUIET},
        },
        "structlog": {"processors": [*shared, *renderers, redact], "level": level.upper()},
    }


class Lines:
    """Writes rendered lines of our own loggers to standard error.

    Going through `logging` takes three times as long per line, and every request logs one.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def info(self, line: str) -> None:
        """Write the line in one call, so that threads do not interleave."""
        sys.stderr.write(f"{line}\n")

    debug = warning = error = critical = info


def configure(config: dict[str, Any]) -> None:
    """Configure logging and structlog. Django calls this with LOGGING (LOGGING_CONFIG)."""
    own = config["structlog"]
    logging.config.dictConfig({key: value for key, value in config.items() if key != "structlog"})
    structlog.configure(
        processors=own["processors"],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[own["level"]]),
        logger_factory=Lines,
        cache_logger_on_first_use=True,
    )

"""DATABASE_URL, CACHE_URL and EMAIL_URL: as Django's settings, with our options as defaults under theirs."""

import re
import sys
from typing import Any
from urllib.parse import SplitResult, urlsplit
from warnings import catch_warnings

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from portal import environment as env

SQLITE = {
    # Writers queue at BEGIN instead of failing at COMMIT; readers never wait for them.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
POSTGRESQL = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "server_side_binding": True,
}
# The hot paths repeat two statements; planning them each time costs more than running them.
PREPARED = {"prepare_threshold": 5}
# So that a frozen database costs a request ten seconds at most.
DATABASE_LIMITS = {"statement_timeout": "10s", "lock_timeout": "5s"}
POSTGRESQL_OF_DJANGO = {"server_side_binding", "prepare_threshold", "isolation_level", "assume_role", "pool"}
REDIS_OF_DJANGO = {"TIMEOUT", "KEY_PREFIX", "VERSION"}
REDIS = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
SMTP_OPTIONS = {"timeout": float, "ssl_keyfile": str, "ssl_certfile": str}


def parsed(name: str, default: str, parse: Any) -> dict[str, Any]:
    """Parse a URL with django-environ; refuse one that it cannot parse."""
    try:
        with catch_warnings(action="ignore"):
            found: dict[str, Any] = parse(env.text(name, default))
    except (LookupError, ValueError, ImproperlyConfigured) as error:
        raise env.refuse(name, "is not a URL of a known kind: .env.example shows what it looks like.") from error
    return found


# ---- DATABASE_URL ---------------------------------------------------------------------------------------


def database(name: str, default: str, *, is_pooled: bool) -> dict[str, Any]:
    """Return the settings of the database; `is_pooled` is DATABASE_POOLER."""
    settings = parsed(name, default, Env.db_url_config)
    given = settings.get("OPTIONS", {})
    if is_pooled and settings.get("ENGINE") != "django.db.backends.postgresql":
        raise env.refuse("DATABASE_POOLER", f"is for PostgreSQL only, and {name} names another database.")
    match settings.get("ENGINE"):
        case "django.db.backends.sqlite3":
            if urlsplit(env.text(name, default)).netloc not in {"", ":memory:"}:
                raise env.refuse(name, "must be sqlite:/// and an absolute path.")
            if not given.keys() <= SQLITE.keys():
                raise env.refuse(name, f"may have the options {', '.join(SQLITE)} only.")
            return settings | {"OPTIONS": SQLITE | given}
        case "django.db.backends.postgresql":
            if not settings["NAME"]:
                raise env.refuse(name, "does not name a database, as in postgres://user@host:5432/name.")
            require_known_options(name, given)
            if is_pooled:
                pooled = {"ENGINE": "portal.pooled_postgresql", "DISABLE_SERVER_SIDE_CURSORS": True}
                return {"CONN_MAX_AGE": 600} | settings | pooled | {"OPTIONS": POSTGRESQL | given}
            # Without JIT, because compiling a filter of the admin takes longer than running it.
            start_up = ["-c jit=off", *(f"-c {setting}={value}" for setting, value in DATABASE_LIMITS.items())]
            start_up += filter(None, [given.get("options")])
            settings["OPTIONS"] = POSTGRESQL | PREPARED | given | {"options": " ".join(start_up)}
            # A restarted database has cut the connections that are kept: check each one before a page uses it.
            return {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True} | settings
    raise env.refuse(name, "must begin with postgres:// or sqlite://.")


def require_known_options(name: str, given: dict[str, Any]) -> None:
    """Refuse an option that neither Django nor libpq supports: it would fail at the first connection."""
    from psycopg import ProgrammingError  # only where the database is PostgreSQL
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo(**{option: value for option, value in given.items() if option not in POSTGRESQL_OF_DJANGO})
    except ProgrammingError as error:
        raise env.refuse(name, "has an option that PostgreSQL's client does not know.") from error


# ---- CACHE_URL ------------------------------------------------------------------------------------------


def cache(name: str, default: str) -> dict[str, Any]:
    """Return the settings of the cache: Redis, or this process."""
    settings = parsed(name, default, Env.cache_url_config)
    match settings["BACKEND"]:
        case "django.core.cache.backends.locmem.LocMemCache":
            # The default of 300 would let anyone push the counts of failed attempts out.
            return settings | {"OPTIONS": {"MAX_ENTRIES": 10_000} | settings.get("OPTIONS", {})}
        case backend if "redis" in backend:
            return redis_cache(name, settings, urlsplit(env.text(name, default)))
    raise env.refuse(name, "must begin with redis://, rediss:// or locmemcache://.")


def redis_cache(name: str, settings: dict[str, Any], url: SplitResult) -> dict[str, Any]:
    """Return the settings of Redis. Its client parses the options in the URL and converts their types."""
    import redis  # only where the cache is Redis

    if url.hostname and not re.fullmatch(r"(/\d*)?", url.path):
        # The client would use database 0.
        raise env.refuse(name, "must name the database by its number, as in redis://host:6379/0.")

    of_django = {key.upper(): value for key, value in settings.items() if key.upper() in REDIS_OF_DJANGO}
    options = "&".join(each for each in url.query.split("&") if each.partition("=")[0].upper() not in REDIS_OF_DJANGO)
    servers = settings["LOCATION"] if isinstance(settings["LOCATION"], list) else [settings["LOCATION"]]
    locations = [f"{server}?{options}" if options else server for server in servers]
    try:
        for location in locations:
            redis.ConnectionPool.from_url(location, **REDIS).make_connection()
    except (redis.RedisError, AttributeError, TypeError, ValueError) as error:
        raise env.refuse(name, "has an option, port or database that the Redis client does not accept.") from error
    return of_django | {"BACKEND": "portal.caches.ForgivingRedisCache", "LOCATION": locations, "OPTIONS": REDIS}


# ---- EMAIL_URL ------------------------------------------------------------------------------------------


def mailer(name: str, default: str) -> dict[str, Any]:
    """Return the settings of outgoing mail."""
    email = parsed(name, default, Env.email_url_config)
    backend, given = email["EMAIL_BACKEND"], email.get("OPTIONS", {})
    options: dict[str, Any] = {}
    if backend.endswith("smtp.EmailBackend"):
        options = smtp_options(name, email, given)
    elif given:
        raise env.refuse(name, "has options that only smtp:// takes.")
    elif backend.endswith("console.EmailBackend"):
        # Standard output belongs to the commands: with --json nothing else may be written there.
        options = {"stream": sys.stderr}
    elif backend.endswith("filebased.EmailBackend"):
        if not email["EMAIL_FILE_PATH"]:
            raise env.refuse(name, "does not name a directory, as in filemail:///directory.")
        options = {"file_path": f"/{email['EMAIL_FILE_PATH']}"}
    return {"BACKEND": backend, "OPTIONS": options}


def smtp_options(name: str, email: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of Django's SMTP backend."""
    try:
        extra = {option.lower(): SMTP_OPTIONS[option.lower()](value) for option, value in given.items()}
    except (KeyError, ValueError) as error:
        raise env.refuse(name, f"may have the options {', '.join(SMTP_OPTIONS)} only.") from error
    return {
        "host": email["EMAIL_HOST"] or "localhost",
        "port": email["EMAIL_PORT"] or 25,
        "username": email["EMAIL_HOST_USER"],
        "password": email["EMAIL_HOST_PASSWORD"],
        "use_tls": email.get("EMAIL_USE_TLS", False),
        "use_ssl": email.get("EMAIL_USE_SSL", False),
        "timeout": 10,
    } | extra

"""Counting use and refusals in memory, and writing the counts once a minute."""

import datetime as dt
import time
from functools import lru_cache
from multiprocessing.util import Finalize
from threading import Lock, Thread

import structlog
from django.db import Error, InterfaceError, OperationalError, connection
from django.utils import timezone

from apicredentials.models.usage import Use
from apicredentials.oauth.sql.add_counts import DayOfEvent, Tally, add_counts

SECONDS_BETWEEN_WRITES = 60
# In one minute and process. Problems get half of them, so that deliberate problems cannot displace use.
MAXIMUM_KEYS = 10_000
# Different rights of one subject, event and day. Limited, because a caller can invent rights.
MAXIMUM_RIGHTS = 20
QUARTER_OF_AN_HOUR = 15 * 60

log = structlog.get_logger("portal.usage")


@lru_cache(maxsize=4)
def day_of(quarter: int) -> dt.date:
    """Return the portal's day of a quarter of an hour since 1970: no time zone changes day within one."""
    return timezone.localdate(dt.datetime.fromtimestamp(quarter * QUARTER_OF_AN_HOUR, dt.UTC))


class Counts:
    """Counts since the last write. All methods may be called from several threads."""

    def __init__(self) -> None:
        self._tallies: dict[DayOfEvent, Tally] = {}
        self._rights: dict[tuple[str, dt.date, str], set[str]] = {}
        self._dropped = 0
        self._lock = Lock()
        self._writing = Lock()

    def count(self, subject: str, event: str, *, right: str = "", address: str = "", agent: str = "") -> None:
        """Count an event of a client (by its client_id) or an authorisation (by its uid). About a microsecond."""
        now = time.time()
        day = day_of(int(now) // QUARTER_OF_AN_HOUR)
        with self._lock:
            if right:
                right = self._bounded_right(subject, day, event, right)
            key = (subject, day, event, right)
            present = self._tallies.get(key)
            if present is None:
                self._add(key, Tally(1, now, now, address, agent[:200]))
            else:  # As Tally.add() does, in a third of its time.
                present.count += 1
                present.last_at, present.address, present.agent = now, address, agent[:200]

    def flush(self) -> None:
        """Write the counts. When the database refuses, keep them for the next time.

        No lock is held that `count` needs. If the connection is lost during the commit, these counts may be written
        twice.
        """
        with self._writing:
            taken, dropped = self._take()
            if dropped:
                log.warning("use_not_counted", events=dropped, maximum_keys=MAXIMUM_KEYS)
            if not taken:
                return
            try:
                add_counts(taken)
            except (OperationalError, InterfaceError) as error:
                log.error("use_not_written", reason=type(error).__name__)
                self._put_back(taken)
            except Error:
                # The database will never take these: to keep them would stop all counting.
                log.exception("use_lost", keys=len(taken))

    def _add(self, key: DayOfEvent, tally: Tally) -> None:
        present = self._tallies.get(key)
        if present is not None:
            present.add(tally)
        elif len(self._tallies) < (MAXIMUM_KEYS if key[2] in Use else MAXIMUM_KEYS // 2):
            self._tallies[key] = tally
        else:
            self._dropped += tally.count

    def _bounded_right(self, subject: str, day: dt.date, event: str, right: str) -> str:
        """Return the right, or nothing when this subject has had too many different ones today."""
        if len(self._rights) >= MAXIMUM_KEYS:
            self._rights.clear()
        rights = self._rights.setdefault((subject, day, event), set())
        if right not in rights and len(rights) >= MAXIMUM_RIGHTS:
            return ""
        right = right[:100]
        rights.add(right)
        return right

    def _take(self) -> tuple[dict[DayOfEvent, Tally], int]:
        with self._lock:
            taken, self._tallies = self._tallies, {}
            dropped, self._dropped = self._dropped, 0
        return taken, dropped

    def _put_back(self, taken: dict[DayOfEvent, Tally]) -> None:
        with self._lock:
            for key, tally in taken.items():
                self._add(key, tally)


_counts = Counts()
count, flush = _counts.count, _counts.flush


def start() -> None:
    """Write the counts every minute from now on, and once more when this process ends.

    For a server's worker. SIGKILL loses what was counted since the last write.
    """
    Thread(target=_write_every_minute, name="usage-counts", daemon=True).start()
    # How a worker of Granian ends depends on multiprocessing's start method; atexit runs only in some of them.
    Finalize(None, _write, exitpriority=1)


def _write_every_minute() -> None:
    while True:
        time.sleep(SECONDS_BETWEEN_WRITES)
        _write()


def _write() -> None:
    """Write the counts on a connection of this thread, and close it."""
    try:
        flush()
    except Exception:
        log.exception("use_not_written")
    finally:
        connection.close()

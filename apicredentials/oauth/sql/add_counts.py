"""Adding counts of use and problems to what the table has, in one statement."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import batched
from typing import Any

from django.db import connection, transaction

from apicredentials.models.authorizations import ThirdPartyAuthorization
from apicredentials.models.clients import OAuthClient
from apicredentials.models.usage import ProblemCause, Usage
from apicredentials.oauth.sql.statements import moment

# Nine parameters a row: SQLite takes 32,766 in a statement, PostgreSQL 65,535.
ROWS_PER_STATEMENT = 3000

_PLACES = "(" + ", ".join(["%s"] * 9) + ")"
# The ORM's upsert can replace a column, but not add to it.
_ADD = """
INSERT INTO {usage} AS u (subject, day, event, "right", count, first_at, last_at, address, agent)
VALUES {rows}
ON CONFLICT (subject, day, event, "right") DO UPDATE SET
  count = u.count + excluded.count,
  first_at = CASE WHEN excluded.first_at < u.first_at THEN excluded.first_at ELSE u.first_at END,
  last_at = CASE WHEN excluded.last_at > u.last_at THEN excluded.last_at ELSE u.last_at END,
  address = CASE WHEN excluded.last_at >= u.last_at THEN excluded.address ELSE u.address END,
  agent = CASE WHEN excluded.last_at >= u.last_at THEN excluded.agent ELSE u.agent END
"""


# The key of a count, and of a row of `Usage`: subject, day, event and right. A plain tuple, because one is made for
# each request.
type DayOfEvent = tuple[str, dt.date, str, str]


@dataclass(slots=True)
class Tally:
    """How often, when first and last (seconds since 1970), and from where and by what software last."""

    count: int
    first_at: float
    last_at: float
    address: str
    agent: str

    def add(self, other: "Tally") -> None:
        """Count the other's events too."""
        self.count += other.count
        self.first_at = min(self.first_at, other.first_at)
        if other.last_at >= self.last_at:
            self.last_at, self.address, self.agent = other.last_at, other.address, other.agent


def add_counts(counts: dict[DayOfEvent, Tally]) -> None:
    """Add these counts, all or none of them; problems of unknown subjects are left out.

    The rows go in order of their keys, so that two processes that write the same ones wait for each other instead
    of deadlocking.
    """
    known = known_subjects({subject for subject, _, event, _ in counts if event in ProblemCause})
    rows = [row(key, counts[key]) for key in sorted(counts) if key[2] not in ProblemCause or key[0] in known]
    table = connection.ops.quote_name(Usage._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        for batch in batched(rows, ROWS_PER_STATEMENT):
            statement = _ADD.format(usage=table, rows=", ".join([_PLACES] * len(batch)))
            cursor.execute(statement, [value for values in batch for value in values])


def known_subjects(subjects: set[str]) -> set[str]:
    """Return those that are a client or an authorisation: anybody can send an invented client_id."""
    if not subjects:
        return set()
    # SQLite takes no ORDER BY within a UNION.
    clients = OAuthClient.objects.order_by().filter(client_id__in=subjects).values_list("client_id")
    authorizations = ThirdPartyAuthorization.objects.order_by().filter(uid__in=subjects).values_list("uid")
    return {subject for (subject,) in clients.union(authorizations)}


def row(key: DayOfEvent, tally: Tally) -> Sequence[Any]:
    """Return the parameters of one row."""
    subject, day, event, right = key
    return (
        subject,
        connection.ops.adapt_datefield_value(day),
        event,
        right,
        tally.count,
        moment(dt.datetime.fromtimestamp(tally.first_at, dt.UTC)),
        moment(dt.datetime.fromtimestamp(tally.last_at, dt.UTC)),
        storable_address(tally.address),
        tally.agent.replace("\0", ""),
    )


def storable_address(address: str) -> str | None:
    """Return an address as PostgreSQL takes it: without a zone; None for what is none, such as a socket's path."""
    try:
        return str(ip_address(address.partition("%")[0]))
    except ValueError:
        return None

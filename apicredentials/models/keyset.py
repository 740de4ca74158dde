"""Keyset paging through many rows, in constant memory: a pooler may not allow server-side cursors."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from django.db.models import Model, Q, QuerySet

PAGE_SIZE = 200


def walk[M: Model](rows: QuerySet[M], *order: str) -> Iterator[M]:
    """Yield the rows in this order, one page per query. The fields in `order` must be unique together and not null.

    The pages are not one snapshot: a row added meanwhile may be missing, but no row occurs twice.
    """
    rows = rows.order_by(*order)
    page = list(rows[:PAGE_SIZE])
    yield from page
    while len(page) == PAGE_SIZE:
        page = list(rows.filter(_after(page[-1], *order))[:PAGE_SIZE])
        yield from page


def _after(row: Any, name: str, *rest: str) -> Q:
    """Return the condition for the rows after this one."""
    field = name.removeprefix("-")
    lookup = f"{field}__{'lt' if name != field else 'gt'}"
    value = attrgetter(field.replace("__", "."))(row)
    if not rest:
        return Q((lookup, value))
    # The first condition is redundant, but it is the one that an index can use.
    return Q((f"{lookup}e", value)) & (Q((lookup, value)) | _after(row, *rest))

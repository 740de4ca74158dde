"""Enumeration of row states: every combination of up to two changes, each rolled back."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

type Change = Callable[[], object]
type Claims = dict[str, Any]

TICK = dt.timedelta(microseconds=1)


@contextmanager
def undone() -> Iterator[None]:
    """Roll back the changes of the block."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def combinations(changes: dict[str, Change], at_once: int = 2) -> Iterator[tuple[str, ...]]:
    """Yield every combination of at most `at_once` changes, the empty one included."""
    for count in range(at_once + 1):
        yield from itertools.combinations(changes, count)

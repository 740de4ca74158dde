"""The states that rows may be in: what may have changed of them, one change or two at once, each taken back."""

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
    """Take back what is done within."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def combinations(changes: dict[str, Change], at_once: int = 2) -> Iterator[tuple[str, ...]]:
    """Every choice of so many changes, and fewer, and none."""
    for count in range(at_once + 1):
        yield from itertools.combinations(changes, count)

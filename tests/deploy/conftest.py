from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import on_sqlite
from tests.served import copy_on_postgresql, copy_on_sqlite


@pytest.fixture
def empty_database(tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables, with the engine of the tests."""
    with ExitStack() as made:
        yield copy_on_sqlite(tmp_path, template=None) if on_sqlite() else copy_on_postgresql(made, template=None)

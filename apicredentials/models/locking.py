"""Row locks."""

from django.db import models


def lock(row: models.Model | None) -> None:
    """Lock a row until the end of the transaction and reload it, in one query.

    The lock is NO KEY UPDATE, so that inserting rows that refer to this one (the log) need not wait for it.
    """
    assert row is not None
    row.refresh_from_db(from_queryset=type(row)._base_manager.select_for_update(no_key=True))

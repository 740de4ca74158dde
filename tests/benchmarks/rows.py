"""Bulk creation: the database copies a row that the models created, a million times within seconds."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import Model

from portal import deadline

# Rows per statement.
SLICE = 20_000


@contextmanager
def without_indexes() -> Iterator[None]:
    """Drop the indexes that enforce nothing, and build them at the end: that is faster than a million insertions."""
    deadline.lift("default")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
            " JOIN pg_class ON pg_class.oid = indexrelid"
            " WHERE NOT indisunique AND relnamespace = 'public'::regnamespace"
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        for _, definition in indexes:
            cursor.execute(definition)
        # VACUUM too, because autovacuum would do it during the measurement.
        cursor.execute("VACUUM ANALYZE")
    deadline.restore("default")


def multiply(original: Model, times: int, **different: str) -> None:
    """Copy a saved row `times` times; `different` has SQL for the columns that differ, where n counts from 1."""
    key, *columns = [str(field.column) for field in (original._meta.pk, *original._meta.concrete_fields) if field]
    columns.remove(key)
    quote = connection.ops.quote_name
    values = [different.get(name, f"o.{quote(name)}") for name in columns]
    table = quote(original._meta.db_table)
    with connection.cursor() as cursor:
        for first in range(1, times + 1, SLICE):
            numbers = f"generate_series({first}, {min(first + SLICE - 1, times)})"
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(map(quote, columns))}) SELECT {', '.join(values)}"  # noqa: S608
                f" FROM {table} AS o, {numbers} AS n WHERE o.{quote(key)} = %s",
                [original.pk],
            )


def uid(prefix: str) -> str:
    """Return the SQL of a text that is unique for each n and prefix."""
    return f"md5('{prefix}' || n)"

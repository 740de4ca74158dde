"""A million rows in seconds: the database copies one that the models made."""

from django.db import connection
from django.db.models import Model

# Rows per statement: the portal ends one that takes longer than a request may.
SLICE = 20_000


def multiply(original: Model, times: int, **different: str) -> None:
    """Copy a saved row `times` times; `different` has SQL for the columns that are not alike, where n counts from 1."""
    key, *columns = [str(field.column) for field in (original._meta.pk, *original._meta.concrete_fields) if field]
    columns.remove(key)
    quote = connection.ops.quote_name
    values = [different.get(name, f"o.{quote(name)}") for name in columns]
    table = quote(original._meta.db_table)
    with connection.cursor() as cursor:
        for first in range(1, times + 1, SLICE):
            numbers = f"generate_series({first}, {min(first + SLICE - 1, times)}) AS n"
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(map(quote, columns))}) SELECT {', '.join(values)}"  # noqa: S608
                f" FROM {table} AS o, {numbers} WHERE o.{quote(key)} = %s",
                [original.pk],
            )


def uid(prefix: str) -> str:
    """Return the SQL of a text that differs for each n, and from those with another prefix."""
    return f"md5('{prefix}' || n)"

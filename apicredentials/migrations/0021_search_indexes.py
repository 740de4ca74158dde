"""Indexes for the searches of the admin on PostgreSQL, trigram indexes where this role may create pg_trgm.

Without the latter a search for a part of a name reads the whole table. Where the extension is created later, go back
and forth: `manage.py migrate apicredentials 0020`, then `make migrate`.
"""

from django.apps.registry import Apps
from django.db import ProgrammingError, migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.utils import NotSupportedError

# The expressions of the admin's conditions: `contains` compares the column, `icontains` and `istartswith` upper().
PREFIX = {
    "activity_by_actor": "apicredentials_activity (upper(actor_name::text) text_pattern_ops)",
    "mail_by_recipient": "apicredentials_outgoingmail (upper(recipient::text) text_pattern_ops)",
}
# Without fastupdate, because its list of pending entries makes one insert in thousands slow.
TRIGRAM = {
    "activity_subject_trgm": "apicredentials_activity USING gin (upper(subject::text) gin_trgm_ops)",
    "client_name_trgm": "apicredentials_oauthclient USING gin (folded_name gin_trgm_ops)",
}


def create(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Create the extension and the indexes, the latter while the portal writes to the tables."""
    if schema_editor.connection.vendor != "postgresql":
        return
    drop(apps, schema_editor)  # those whose creation was interrupted
    for name, index in PREFIX.items():
        schema_editor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {index}")
    try:
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except (ProgrammingError, NotSupportedError) as error:
        print(f"\n  No trigram indexes, so searches in the admin read whole tables: {error}", end="")
        return
    for name, index in TRIGRAM.items():
        schema_editor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {index} WITH (fastupdate = off)")


def drop(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Drop the indexes. The extension may have other users."""
    if schema_editor.connection.vendor == "postgresql":
        for name in [*PREFIX, *TRIGRAM]:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds no index online within a transaction

    dependencies = [("apicredentials", "0020_operator_indexes")]

    operations = [migrations.RunPython(create, drop)]

"""Trigram indexes for the searches of the admin, where PostgreSQL has pg_trgm and allows this role to create it.

Without them a search reads the whole table. Where the extension is created later, go back and forth:
`manage.py migrate apicredentials 0020`, then `make migrate`.
"""

from django.apps.registry import Apps
from django.db import ProgrammingError, migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.utils import NotSupportedError

# Table and expression as the admin's conditions have them: `contains` compares the column, `icontains` upper().
INDEXES = {
    "activity_subject_trgm": ("apicredentials_activity", "upper(subject::text)"),
    "activity_actor_trgm": ("apicredentials_activity", "upper(actor_name::text)"),
    "client_name_trgm": ("apicredentials_oauthclient", "folded_name"),
    "mail_recipient_trgm": ("apicredentials_outgoingmail", "upper(recipient::text)"),
}


def create(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Create the extension and the indexes, the latter while the portal writes to the tables."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except (ProgrammingError, NotSupportedError) as error:
        print(f"\n  No trigram indexes, so searches in the admin read whole tables: {error}", end="")
        return
    drop(apps, schema_editor)  # an index whose creation was interrupted
    for name, (table, column) in INDEXES.items():
        # Without fastupdate, because its list of pending entries makes one insert in thousands slow.
        schema_editor.execute(
            f"CREATE INDEX CONCURRENTLY {name} ON {table} USING gin ({column} gin_trgm_ops) WITH (fastupdate = off)"
        )


def drop(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Drop the indexes. The extension may have other users."""
    if schema_editor.connection.vendor == "postgresql":
        for name in INDEXES:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds no index online within a transaction

    dependencies = [("apicredentials", "0020_operator_indexes")]

    operations = [migrations.RunPython(create, drop)]

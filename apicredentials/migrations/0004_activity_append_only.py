"""Triggers that make the activity log append-only: no row can be changed, or deleted within 400 days.

On SQLite a later migration that alters a column of this table recreates the table and loses its triggers. Such a
migration must create them again; `tests/apicredentials/test_activity_append_only.py` fails when it does not.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQLITE = (
    """
    CREATE TRIGGER apicredentials_activity_no_update BEFORE UPDATE ON apicredentials_activity
    BEGIN
        SELECT RAISE(ABORT, 'apicredentials_activity is append-only');
    END
    """,
    # A moment that SQLite cannot read counts as young.
    """
    CREATE TRIGGER apicredentials_activity_no_delete BEFORE DELETE ON apicredentials_activity
    WHEN (julianday(OLD.at) < julianday('now', '-400 days')) IS NOT TRUE
    BEGIN
        SELECT RAISE(ABORT, 'apicredentials_activity is append-only');
    END
    """,
    # INSERT OR REPLACE removes the row in its way without asking the trigger above.
    """
    CREATE TRIGGER apicredentials_activity_no_replace BEFORE INSERT ON apicredentials_activity
    WHEN EXISTS (SELECT 1 FROM apicredentials_activity WHERE id = NEW.id)
    BEGIN
        SELECT RAISE(ABORT, 'apicredentials_activity is append-only');
    END
    """,
)

POSTGRESQL = (
    """
    CREATE FUNCTION apicredentials_activity_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'apicredentials_activity is append-only' USING ERRCODE = 'integrity_constraint_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER apicredentials_activity_no_update BEFORE UPDATE ON apicredentials_activity
    FOR EACH ROW EXECUTE FUNCTION apicredentials_activity_refuse()
    """,
    """
    CREATE TRIGGER apicredentials_activity_no_delete BEFORE DELETE ON apicredentials_activity
    FOR EACH ROW WHEN (OLD.at >= now() - interval '400 days') EXECUTE FUNCTION apicredentials_activity_refuse()
    """,
    """
    CREATE TRIGGER apicredentials_activity_no_truncate BEFORE TRUNCATE ON apicredentials_activity
    FOR EACH STATEMENT EXECUTE FUNCTION apicredentials_activity_refuse()
    """,
)

STATEMENTS = {
    "sqlite": (
        SQLITE,
        (
            "DROP TRIGGER apicredentials_activity_no_update",
            "DROP TRIGGER apicredentials_activity_no_delete",
            "DROP TRIGGER apicredentials_activity_no_replace",
        ),
    ),
    "postgresql": (POSTGRESQL, ("DROP FUNCTION apicredentials_activity_refuse() CASCADE",)),
}


def refuse_changes(apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in STATEMENTS[schema_editor.connection.vendor][0]:
        schema_editor.execute(statement, params=None)


def allow_changes(apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in STATEMENTS[schema_editor.connection.vendor][1]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("accounts", "0001_initial"),
        ("apicredentials", "0003_credential_life"),
    ]

    operations = [
        migrations.AlterField(
            model_name="activity",
            name="seller",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="activities",
                to="accounts.seller",
                verbose_name="verkoper",
            ),
        ),
        migrations.AlterField(
            model_name="activity",
            name="user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="gebruiker",
            ),
        ),
        migrations.RunPython(refuse_changes, allow_changes),
    ]

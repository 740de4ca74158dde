import importlib

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Max, Min, OuterRef, Subquery

AddIndexOnline = importlib.import_module("apicredentials.migrations.0020_operator_indexes").AddIndexOnline

# Rows per transaction, so that nothing waits long for their locks.
BATCH_SIZE = 10_000


def note_first_secrets(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Set `revealed_at` of the clients that have a secret. Can be repeated after an interruption."""
    clients = apps.get_model("apicredentials", "OAuthClient").objects.order_by()
    secrets = apps.get_model("apicredentials", "ClientSecret").objects.order_by().filter(client=OuterRef("pk"))
    first = secrets.values("client").annotate(first=Min("created_at")).values("first")
    last_key = clients.aggregate(last=Max("pk"))["last"] or 0
    for start in range(0, last_key + 1, BATCH_SIZE):
        batch = clients.filter(pk__gte=start, pk__lt=start + BATCH_SIZE, revealed_at=None)
        batch.update(revealed_at=Subquery(first))


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds no index online within a transaction

    dependencies = [("apicredentials", "0023_revealed_at")]

    operations = [
        migrations.RunPython(note_first_secrets, migrations.RunPython.noop),
        AddIndexOnline(
            model_name="oauthclient",
            index=models.Index(
                condition=models.Q(("revealed_at__isnull", True)), fields=["id"], name="client_unrevealed"
            ),
        ),
        AddIndexOnline(
            model_name="thirdpartyauthorization",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False)), fields=["end_cause"], name="authorization_ended"
            ),
        ),
    ]

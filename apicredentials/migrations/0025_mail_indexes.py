import importlib

from django.db import migrations, models

AddIndexOnline = importlib.import_module("apicredentials.migrations.0020_operator_indexes").AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds no index online within a transaction

    dependencies = [("apicredentials", "0024_filter_indexes")]

    operations = [
        AddIndexOnline(
            model_name="outgoingmail",
            index=models.Index(
                condition=models.Q(("announcement__isnull", False)),
                fields=["announcement"],
                name="mail_of_announcement",
            ),
        ),
        AddIndexOnline(
            model_name="outgoingmail",
            index=models.Index(
                condition=models.Q(
                    ("announcement__isnull", True), ("given_up_at__isnull", True), ("sent_at__isnull", True)
                ),
                fields=["due_at"],
                name="mail_urgent",
            ),
        ),
    ]

from django.db import migrations, models
from django.db.models import F


class Migration(migrations.Migration):
    dependencies = [("apicredentials", "0021_search_indexes")]

    operations = [
        migrations.AddField("announcement", "queued_at", models.DateTimeField(editable=False, null=True)),
        # Until now, sending queued all mails in its transaction.
        migrations.RunPython(
            lambda apps, schema_editor: apps.get_model("apicredentials", "Announcement").objects.update(
                queued_at=F("sent_at")
            ),
            migrations.RunPython.noop,
        ),
    ]

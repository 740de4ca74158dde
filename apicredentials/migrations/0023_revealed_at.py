from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("apicredentials", "0022_announcement_queued_at")]

    operations = [
        migrations.AddField(
            "oauthclient",
            "revealed_at",
            models.DateTimeField(blank=True, editable=False, null=True, verbose_name="secret getoond op"),
        ),
    ]

"""Drop the columns of the latest refusal: `Usage` counts each cause of the last 30 days."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("apicredentials", "0017_usage")]

    operations = [
        migrations.RemoveField("oauthclient", "last_refused_at"),
        migrations.RemoveField("oauthclient", "last_refused_reason"),
        migrations.RemoveField("oauthclient", "last_refused_address"),
    ]

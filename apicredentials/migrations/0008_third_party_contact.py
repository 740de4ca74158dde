from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("apicredentials", "0007_announcements"),
    ]

    operations = [
        migrations.AddField(
            model_name="oauthclient",
            name="contact_email",
            field=models.EmailField(
                blank=True,
                help_text="Wie zij met vragen kunnen mailen. Dit adres staat op de toestemmingspagina.",
                max_length=254,
                verbose_name="contact voor verkopers",
            ),
        ),
    ]

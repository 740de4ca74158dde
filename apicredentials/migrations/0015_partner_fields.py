from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("apicredentials", "0014_png_logos"),
    ]

    operations = [
        migrations.AddField(
            model_name="oauthclient",
            name="level",
            field=models.CharField(
                blank=True,
                choices=[("gold", "Goud"), ("silver", "Zilver"), ("bronze", "Brons")],
                max_length=10,
                verbose_name="partnerniveau",
            ),
        ),
        migrations.AddField(
            model_name="oauthclient",
            name="description",
            field=models.CharField(
                blank=True,
                help_text="Wat deze partij doet, in één zin. Staat in de partnerlijst.",
                max_length=200,
                verbose_name="omschrijving",
            ),
        ),
        migrations.AddField(
            model_name="oauthclient",
            name="start_url",
            field=models.URLField(
                blank=True,
                help_text="Waar een verkoper bij deze partij begint met koppelen. Koppelen opent dit adres.",
                verbose_name="startadres",
            ),
        ),
        migrations.AddField(
            model_name="oauthclient",
            name="is_listed",
            field=models.BooleanField(default=False, verbose_name="in de partnerlijst"),
        ),
    ]

from typing import Any

from django.db import migrations, models


def delete_svg_logos(apps: Any, schema_editor: Any) -> None:
    """Delete the logos that are SVG: only PNG is served from now on."""
    apps.get_model("apicredentials", "ThirdPartyLogo").objects.filter(media_type="image/svg+xml").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("apicredentials", "0013_simple_announcements"),
    ]

    operations = [
        migrations.RunPython(delete_svg_logos, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField(model_name="thirdpartylogo", name="media_type"),
        migrations.AlterField(
            model_name="thirdpartylogo",
            name="content",
            field=models.BinaryField(verbose_name="inhoud"),
        ),
    ]

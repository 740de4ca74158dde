from typing import Any

from django.db import IntegrityError, migrations, transaction

from apicredentials import names


def fold_again(apps: Any, schema_editor: Any) -> None:
    """Compare names made before as new ones are; of two that look alike already, one keeps its old form."""
    clients = apps.get_model("apicredentials", "OAuthClient").objects
    for pk, name, folded_name in clients.values_list("pk", "name", "folded_name").iterator():
        if names.fold(name) != folded_name:
            try:
                with transaction.atomic():
                    clients.filter(pk=pk).update(folded_name=names.fold(name))
            except IntegrityError:
                pass


class Migration(migrations.Migration):
    dependencies = [
        ("apicredentials", "0008_third_party_contact"),
    ]

    operations = [
        migrations.RunPython(fold_again, migrations.RunPython.noop, elidable=True),
    ]

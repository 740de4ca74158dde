import django.utils.timezone
import phonenumber_field.modelfields
from django.db import migrations, models
from django.db.models.functions import MD5

import apicredentials.models.contacts


class Migration(migrations.Migration):
    dependencies = [
        ("apicredentials", "0012_authorization_end_has_cause"),
    ]

    operations = [
        migrations.AlterField(
            model_name="technicalcontact",
            name="phone_number",
            field=phonenumber_field.modelfields.PhoneNumberField(
                blank=True,
                max_length=128,
                region=None,
                validators=[apicredentials.models.contacts.refuse_lost_characters],
                verbose_name="telefoonnummer",
            ),
        ),
        migrations.RemoveConstraint(model_name="announcement", name="announcement_is_sent_before_queued"),
        migrations.RemoveConstraint(model_name="outgoingmail", name="mail_once_per_announcement_and_contact"),
        migrations.RemoveField(model_name="announcement", name="digest"),
        migrations.RemoveField(model_name="announcement", name="last_contact"),
        migrations.RemoveField(model_name="announcement", name="queued_at"),
        migrations.RenameField(model_name="announcement", old_name="started_at", new_name="sent_at"),
        migrations.AddField(
            model_name="announcement",
            name="updated_at",
            field=models.DateTimeField(auto_now=True, default=django.utils.timezone.now, verbose_name="gewijzigd"),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.UniqueConstraint(
                models.F("subject"),
                MD5("text"),
                name="announcement_words_once",
                violation_error_code="unique",
                violation_error_message="Er is al een mededeling met precies deze woorden.",
            ),
        ),
    ]

import django.db.models.deletion
import django.utils.timezone
import phonenumber_field.modelfields
from django.db import migrations, models
from django.db.models.functions import MD5, Coalesce

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
        migrations.AddField(
            model_name="announcement",
            name="third_party",
            field=models.ForeignKey(
                blank=True,
                help_text="Leeg: aan elk technisch contact. Kies je een partij, dan gaat de mail aan de eigenaren en het technisch contact van elke verkoper die deze partij nu toegang geeft.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="apicredentials.thirdparty",
                verbose_name="alleen voor verkopers met",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.UniqueConstraint(
                models.F("subject"),
                MD5("text"),
                Coalesce("third_party", 0),
                name="announcement_words_once",
                violation_error_code="unique",
                violation_error_message="Er is al een mededeling met precies deze woorden.",
            ),
        ),
    ]

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("apicredentials", "0011_authorization_causes")]

    operations = [
        migrations.AddConstraint(
            "thirdpartyauthorization",
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end_cause="") | (Q(ended_at__isnull=False) & ~Q(end_cause="")),
                name="authorization_end_has_cause",
            ),
        ),
        migrations.AddIndex(
            "activity",
            models.Index(fields=["target", "-at"], name="activity_by_target", condition=Q(target__isnull=False)),
        ),
    ]

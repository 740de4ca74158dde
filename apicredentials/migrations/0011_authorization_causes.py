"""Why an authorisation ended, and what a row of the log is about."""

import datetime as dt
from typing import Any

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.models import F, Max

import apicredentials.models.states


def note_causes(apps: Apps, schema_editor: Any) -> None:
    """Give ends from before these columns their most likely cause, and record ends that nothing recorded."""
    authorizations = apps.get_model("apicredentials", "ThirdPartyAuthorization").objects
    ended = authorizations.filter(ended_at__isnull=False)
    ended.filter(ended_at__gte=F("expires_at")).update(end_cause="year_over")
    ended.filter(ended_at__lt=F("expires_at")).update(end_cause="removed_by_seller")
    chains = authorizations.filter(ended_at=None, grants__isnull=False)
    dead = chains.exclude(grants__revoked_at=None).annotate(last_end=Max("grants__revoked_at"))
    for authorization in dead.iterator():
        cause = cause_of(apps, authorization)
        authorizations.filter(pk=authorization.pk).update(ended_at=authorization.last_end, end_cause=cause)


def cause_of(apps: Apps, authorization: Any) -> str:
    """Return the cause that the log names for the end of the last chain of tokens."""
    moment, second = authorization.last_end, dt.timedelta(seconds=2)
    replays = apps.get_model("apicredentials", "Activity").objects.filter(
        seller=authorization.seller_id,
        kind__in=["code_replayed", "refresh_token_replayed"],
        at__range=(moment - second, moment + second),
    )
    replay = replays.first()
    return str(replay.kind) if replay else "ended_by_party"


class Migration(migrations.Migration):
    dependencies = [("apicredentials", "0010_activity_kinds")]

    operations = [
        migrations.AddField("activity", "target", models.UUIDField(editable=False, null=True, verbose_name="betreft")),
        migrations.AddField(
            "thirdpartyauthorization",
            "end_cause",
            models.CharField(
                blank=True,
                choices=apicredentials.models.states.cause_choices,
                default="",
                editable=False,
                max_length=30,
                verbose_name="beëindigd omdat",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "thirdpartyauthorization",
            "ended_by",
            models.CharField(blank=True, default="", editable=False, max_length=254, verbose_name="beëindigd door"),
            preserve_default=False,
        ),
        migrations.RunPython(note_causes, migrations.RunPython.noop),
    ]

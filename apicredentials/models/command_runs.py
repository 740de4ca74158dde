from typing import ClassVar

from django.db import models
from django.db.models import F
from django.utils import timezone


class CommandRunQuerySet(models.QuerySet["CommandRun"]):
    def note(self, command: str, done: int) -> None:
        """Note that a run has finished, and add what it did to the total."""
        run, _ = self.get_or_create(command=command)
        self.filter(pk=run.pk).update(finished_at=timezone.now(), total=F("total") + done)


class CommandRun(models.Model):
    """When a scheduled command last finished, on any machine, and how much all its runs did. For /metrics."""

    command = models.CharField("opdracht", max_length=40, primary_key=True)
    finished_at = models.DateTimeField("klaar", default=timezone.now)
    total = models.PositiveBigIntegerField("totaal", default=0)

    objects: ClassVar[models.Manager["CommandRun"]] = CommandRunQuerySet.as_manager()

    class Meta:
        verbose_name = "uitgevoerde opdracht"
        verbose_name_plural = "uitgevoerde opdrachten"

    def __str__(self) -> str:
        return self.command

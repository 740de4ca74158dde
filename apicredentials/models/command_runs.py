from typing import ClassVar

from django.db import models
from django.db.models import F
from django.utils import timezone


class CommandRunQuerySet(models.QuerySet["CommandRun"]):
    def note(self, command: str, done: int = 0) -> None:
        """Note that a run has finished, or a step of a long one, and add what it did to the total."""
        changes = {"finished_at": timezone.now(), "total": F("total") + done}
        if not self.filter(command=command).update(**changes):
            self.get_or_create(command=command)
            self.note(command, done)


class CommandRun(models.Model):
    """When a scheduled command, or a step of it, last finished, on any machine, and how much all its runs did."""

    command = models.CharField("opdracht", max_length=40, primary_key=True)
    finished_at = models.DateTimeField("klaar", default=timezone.now)
    total = models.PositiveBigIntegerField("totaal", default=0)

    objects: ClassVar[models.Manager["CommandRun"]] = CommandRunQuerySet.as_manager()

    class Meta:
        verbose_name = "uitgevoerde opdracht"
        verbose_name_plural = "uitgevoerde opdrachten"

    def __str__(self) -> str:
        return self.command

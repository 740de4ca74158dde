"""The logo of a third party, in a table of its own: rows of clients are read all the time, and small."""

import hashlib

from django.db import models, transaction
from django.urls import reverse

from accounts.models import Actor
from apicredentials.models import logo_files
from apicredentials.models.activity import Activity
from apicredentials.models.third_parties import ThirdParty


class ThirdPartyLogo(models.Model):
    """A picture that `apicredentials.logos` has made harmless."""

    third_party = models.OneToOneField(
        ThirdParty, on_delete=models.CASCADE, related_name="logo", verbose_name="derde partij"
    )
    content = models.BinaryField("inhoud", max_length=logo_files.MAXIMUM_BYTES)
    media_type = models.CharField("soort", max_length=20, choices=[(logo_files.PNG, "PNG"), (logo_files.SVG, "SVG")])
    digest = models.CharField(max_length=64, editable=False)

    class Meta:
        verbose_name = "logo van een derde partij"
        verbose_name_plural = "logo’s van derde partijen"

    def __str__(self) -> str:
        return f"{self.digest[:8]}.{self.get_media_type_display().lower()}"

    @property
    def url(self) -> str:
        """Where it is shown: another picture has another address, so each may be kept for ever."""
        return reverse("logo", args=[self.third_party.client_id, self.digest])

    @classmethod
    def set_for(cls, third_party: ThirdParty, content: bytes, *, by: Actor) -> None:
        """Give a third party this logo, in place of what it has; raises ValidationError."""
        content, media_type = logo_files.clean(content)
        digest = hashlib.sha256(content).hexdigest()
        with transaction.atomic():
            third_party.lock()
            if not cls.objects.filter(third_party=third_party, digest=digest).exists():
                cls.objects.filter(third_party=third_party).delete()
                cls.objects.create(third_party=third_party, content=content, media_type=media_type, digest=digest)
                record_change(third_party, by)

    def remove(self, *, by: Actor) -> None:
        """Take it away. Twice is once."""
        with transaction.atomic():
            removed, _ = ThirdPartyLogo.objects.filter(pk=self.pk).delete()
            if removed:
                record_change(self.third_party, by)


def record_change(third_party: ThirdParty, by: Actor) -> None:
    """Write in the log that a party has another logo, or none."""
    Activity.record(Activity.Kind.CLIENT_CHANGED, seller=None, subject=third_party.name, by=by, changed="logo")

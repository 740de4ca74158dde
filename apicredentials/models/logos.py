"""Logos of third parties, in a table of their own so that the rows of clients stay small."""

import hashlib
from io import BytesIO

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.urls import reverse
from PIL import Image, ImageOps

from accounts.models import Actor
from apicredentials.models.activity import Activity
from apicredentials.models.third_parties import ThirdParty

MAXIMUM_BYTES = 512 * 1024
# Limit per side, checked against the file's header before anything is decompressed.
MAXIMUM_PIXELS = 2048
# The longer side of the stored picture, in pixels: twice the size at which pages show it.
SIDE = 128


def to_png(upload: bytes) -> bytes:
    """Return the picture in a PNG, JPEG or WebP file as a PNG of at most SIDE by SIDE pixels.

    Only pixels are copied. Raise ValidationError with the code `too_large`, `too_many_pixels` or `not_a_picture`.
    """
    if len(upload) > MAXIMUM_BYTES:
        raise ValidationError(f"Dit bestand is te groot: hoogstens {MAXIMUM_BYTES // 1024} kB.", code="too_large")
    try:
        with Image.open(BytesIO(upload), formats=["PNG", "JPEG", "WEBP"]) as image:
            fits = max(image.size) <= MAXIMUM_PIXELS
            logo = ImageOps.exif_transpose(image).convert("RGBA") if fits else image
    except Exception as error:  # Pillow raises many kinds, including struct.error and SyntaxError (see ImageField).
        message = "Dit is geen geldige PNG, JPEG of WebP. Kies een ander bestand."
        raise ValidationError(message, code="not_a_picture") from error
    if not fits:
        message = f"Dit logo is te groot: hoogstens {MAXIMUM_PIXELS} bij {MAXIMUM_PIXELS} pixels."
        raise ValidationError(message, code="too_many_pixels")
    logo.thumbnail((SIDE, SIDE))
    logo.info.clear()  # otherwise a colour profile and texts are copied too
    png = BytesIO()
    logo.save(png, "PNG", optimize=True)
    return png.getvalue()


class ThirdPartyLogo(models.Model):
    """The one logo of a third party: a PNG made by `to_png`."""

    third_party = models.OneToOneField(
        ThirdParty, on_delete=models.CASCADE, related_name="logo", verbose_name="derde partij"
    )
    content = models.BinaryField("inhoud")
    digest = models.CharField(max_length=64, editable=False)

    class Meta:
        verbose_name = "logo van een derde partij"
        verbose_name_plural = "logo's van derde partijen"

    def __str__(self) -> str:
        return f"{self.digest[:8]}.png"

    @property
    def url(self) -> str:
        """The address contains the digest of the picture, so that browsers may cache it for ever."""
        return reverse("logo", args=[self.third_party.client_id, self.digest])

    @classmethod
    def set_for(cls, third_party: ThirdParty, upload: bytes, *, by: Actor) -> None:
        """Replace the logo of a third party; raises ValidationError. Idempotent."""
        content = to_png(upload)
        digest = hashlib.sha256(content).hexdigest()
        with transaction.atomic():
            third_party.lock()
            if not cls.objects.filter(third_party=third_party, digest=digest).exists():
                cls.objects.filter(third_party=third_party).delete()
                cls.objects.create(third_party=third_party, content=content, digest=digest)
                record_change(third_party, by)

    def remove(self, *, by: Actor) -> None:
        """Delete the logo. Idempotent."""
        with transaction.atomic():
            removed, _ = ThirdPartyLogo.objects.filter(pk=self.pk).delete()
            if removed:
                record_change(self.third_party, by)


def record_change(third_party: ThirdParty, by: Actor) -> None:
    """Log that the logo of a party was set or removed."""
    kind, target = Activity.Kind.CLIENT_CHANGED, third_party.client_id
    Activity.record(kind, seller=None, subject=third_party.name, by=by, target=target, changed="logo")

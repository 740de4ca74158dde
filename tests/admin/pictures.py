"""Images that a third party might send as its logo."""

from io import BytesIO
from typing import Any

from PIL import Image

# A circle in SVG, which is no longer accepted.
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="red"/></svg>'


def picture(
    file_format: str = "PNG", *, size: tuple[int, int] = (64, 64), mode: str = "RGBA", colour: Any = None, **save: Any
) -> bytes:
    """Return a picture of one colour, opaque red unless `colour` is given."""
    file = BytesIO()
    colour = colour or {"RGBA": (200, 0, 0, 255), "RGB": (200, 0, 0)}.get(mode, 0)
    Image.new(mode, size, colour).save(file, file_format, **save)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    """Return a picture that must be a PNG."""
    return Image.open(BytesIO(content), formats=["PNG"])


PNG, WEBP = picture(), picture("WEBP", lossless=True)
JPEG = picture("JPEG", mode="RGB", colour=(220, 0, 0))

"""Pictures that a third party might send as its logo, and the code with which one is refused."""

import zlib

import pytest
from django.core.exceptions import ValidationError

from apicredentials.models import logo_files

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="red"/></svg>'
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)


def header(width: int = 2, height: int = 2, *rest: int) -> bytes:
    return chunk(b"IHDR", width.to_bytes(4) + height.to_bytes(4) + bytes(rest or (8, 6, 0, 0, 0)))


def pixels(size: int = 2 * (1 + 2 * 4)) -> bytes:
    return chunk(b"IDAT", zlib.compress(bytes(size)))


END = chunk(b"IEND")
# Two by two pixels of red, green, blue and opacity.
PNG = SIGNATURE + header() + pixels() + END


def svg(inside: str, attributes: str = "") -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>'.encode()


def refusal(content: bytes) -> str:
    """Return the code with which a logo is refused."""
    with pytest.raises(ValidationError) as refused:
        logo_files.clean(content)
    return str(refused.value.code)

"""`to_png`: only the pixels of an uploaded image are kept."""

import zlib
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from apicredentials.models.logos import MAXIMUM_BYTES, MAXIMUM_PIXELS, SIDE, to_png
from tests.admin.pictures import JPEG, PNG, SVG, WEBP, opened, picture


def refusal(content: bytes) -> str:
    """Return the code with which a logo is refused."""
    with pytest.raises(ValidationError) as refused:
        to_png(content)
    return str(refused.value.code)


@pytest.mark.parametrize("content", [PNG, JPEG, WEBP], ids=["PNG", "JPEG", "WebP"])
def test_logo_becomes_a_png_of_the_same_image(content: bytes) -> None:
    logo = opened(to_png(content))
    red, green, blue, opacity = logo.getpixel((32, 32))  # type: ignore[misc]
    assert (logo.mode, logo.size) == ("RGBA", (64, 64))
    assert red > 190
    assert max(green, blue) < 10
    assert opacity == 255


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("I;16", "PNG"), ("RGB", "PNG"), ("CMYK", "JPEG")],
)
def test_every_mode_is_accepted(mode: str, file_format: str) -> None:
    assert opened(to_png(picture(file_format, mode=mode))).mode == "RGBA"


@pytest.mark.parametrize(
    "content",
    [
        picture(colour=(0, 0, 0, 0)),
        picture("WEBP", colour=(0, 0, 0, 0)),
        picture(mode="P", transparency=0),
        picture(mode="RGB", colour=(1, 2, 3), transparency=(1, 2, 3)),
    ],
)
def test_transparency_is_kept(content: bytes) -> None:
    assert opened(to_png(content)).getpixel((0, 0))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize(
    ("size", "stored"),
    [((SIDE, SIDE), (SIDE, SIDE)), ((400, 100), (SIDE, SIDE // 4)), ((1, 1), (1, 1)), ((MAXIMUM_PIXELS, 1), (SIDE, 1))],
)
def test_large_image_is_reduced_and_small_one_is_kept(size: tuple[int, int], stored: tuple[int, int]) -> None:
    assert opened(to_png(picture(size=size))).size == stored


def texts() -> dict[str, Any]:
    text = PngInfo()
    text.add_text("Comment", "<script>alert(1)</script>")
    text.add_itxt("XML:com.adobe.xmp", "<script>alert(1)</script>")
    return {"pnginfo": text, "icc_profile": b"<script>" * 20, "exif": exif()}


def exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = orientation, "<script>alert(1)</script>"
    return exif


@pytest.mark.parametrize(
    "content",
    [
        picture(**texts()),
        PNG + b"<script>alert(1)</script>",
        picture("JPEG", mode="RGB", comment="<script>", exif=exif(), icc_profile=b"<script>" * 20),
        picture("WEBP", exif=exif(), xmp=b"<script>"),
    ],
)
def test_everything_but_the_pixels_is_removed(content: bytes) -> None:
    logo = to_png(content)
    assert b"script" not in logo
    assert chunks(logo) == [b"IHDR", b"IDAT", b"IEND"]


def chunks(png: bytes) -> list[bytes]:
    """Return the names of the chunks of a PNG."""
    names, at = [], 8
    while at < len(png):
        names.append(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4])
    return names


def test_orientation_is_applied() -> None:
    assert opened(to_png(picture("JPEG", mode="RGB", size=(20, 10), exif=exif(orientation=6)))).size == (10, 20)


def test_only_the_first_frame_of_an_animation_is_kept() -> None:
    frames = [Image.new("RGBA", (64, 64), (0, 200, 0, 255))] * 3
    for file_format in ("PNG", "WEBP"):
        logo = opened(to_png(picture(file_format, save_all=True, append_images=frames)))
        assert getattr(logo, "n_frames", 1) == 1


# ---- Refused ----------------------------------------------------------------------------------------------


def test_large_file_is_refused() -> None:
    assert refusal(PNG + b" " * MAXIMUM_BYTES) == "too_large"
    to_png(PNG + b" " * (MAXIMUM_BYTES - len(PNG)))


def with_size(width: int, height: int) -> bytes:
    """Return a PNG whose header gives another size than that of its pixels."""
    header = b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + PNG[24:29]
    return PNG[:12] + header + zlib.crc32(header).to_bytes(4) + PNG[33:]


@pytest.mark.parametrize("side", [MAXIMUM_PIXELS + 1, 65_500, 2**31 - 1])
def test_too_many_pixels_are_refused_before_decoding(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda image: pytest.fail("unpacked"))
    for content in (with_size(side, 1), with_size(1, side), with_size(side, side)):
        # Pillow itself refuses, or warns of, the largest.
        assert refusal(content) in {"too_many_pixels", "not_a_picture"}


def test_image_of_the_maximum_size_is_accepted() -> None:
    to_png(picture(size=(MAXIMUM_PIXELS, MAXIMUM_PIXELS)))


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt", b"iCCP"])
def test_compressed_text_that_is_too_large_is_not_unpacked(name: bytes) -> None:
    head = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}[name]
    chunk = name + head + zlib.compress(bytes(100_000_000), 9)
    bomb = PNG[:33] + (len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) + PNG[33:]
    assert refusal(bomb) == "not_a_picture"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        SVG,
        b"<html><script>alert(1)</script></html>",
        picture("GIF", mode="P"),
        picture("BMP", mode="RGB"),
        picture("TIFF"),
        picture("ICO"),
        picture("PDF", mode="RGB"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n",
        PNG[:80],
        PNG[:40],
        PNG[:8],
        JPEG[:200],
        WEBP[:20],
        with_size(0, 64),
    ],
)
def test_other_or_truncated_file_is_refused(content: bytes) -> None:
    assert refusal(content) == "not_a_picture"


@given(st.binary(max_size=300) | st.binary(max_size=300).map(PNG[:40].__add__))
def test_any_file_becomes_a_png_or_is_refused(content: bytes) -> None:
    try:
        logo = to_png(content)
    except ValidationError:
        return
    assert opened(logo).format == "PNG"


@given(st.sampled_from([PNG, JPEG, WEBP]), st.integers(0, 10_000), st.integers(1, 255))
def test_image_with_one_wrong_byte_becomes_a_png_or_is_refused(content: bytes, place: int, change: int) -> None:
    broken = bytearray(content)
    broken[place % len(broken)] ^= change
    test_any_file_becomes_a_png_or_is_refused.hypothesis.inner_test(bytes(broken))  # type: ignore[attr-defined]

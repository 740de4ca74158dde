"""A logo that is a PNG: its pixels are kept, and nothing else is."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apicredentials.models import logo_files
from tests.admin.pictures import END, PNG, SIGNATURE, chunk, header, pixels, refusal


def test_a_png_is_kept_as_it_is() -> None:
    assert logo_files.clean(PNG) == (PNG, "image/png")


@pytest.mark.parametrize(
    ("colour", "depth", "size"),
    [(0, 1, 2 * 2), (0, 16, 2 * 5), (2, 8, 2 * 7), (3, 4, 2 * 2), (4, 8, 2 * 5), (6, 16, 2 * 17)],
)
def test_every_kind_of_pixel_is_known(colour: int, depth: int, size: int) -> None:
    logo_files.clean(SIGNATURE + header(2, 2, depth, colour, 0, 0, 0) + pixels(size) + END)


def test_an_interlaced_one_is_known() -> None:
    # Of eight by eight pixels: passes of 1, 1, 2, 4, 8, 16 and 32, in 1, 1, 1, 2, 2, 4 and 4 rows.
    logo_files.clean(SIGNATURE + header(8, 8, 8, 0, 0, 0, 1) + pixels(64 + 15) + END)
    # Of one by one there is only the first pass.
    logo_files.clean(SIGNATURE + header(1, 1, 8, 0, 0, 0, 1) + pixels(2) + END)


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"tIME", b"acTL", b"fdAT", b"vpAg"])
def test_what_does_not_draw_is_left_out(name: bytes) -> None:
    content = SIGNATURE + header() + chunk(name, b"GPS 52.37, <script>alert(1)</script>") + pixels() + END
    assert logo_files.clean(content) == (PNG, "image/png")


def test_what_comes_after_the_end_is_left_out() -> None:
    assert logo_files.clean(PNG + b"<script>alert(1)</script>") == (PNG, "image/png")


@pytest.mark.parametrize(
    "content",
    [
        SIGNATURE,
        PNG[:-1],
        PNG[:-12],
        PNG[:40],
        PNG.replace(b"IDAT", b"IDAT"[::-1]),
        SIGNATURE + pixels() + header() + END,
        SIGNATURE + header() + header() + pixels() + END,
        SIGNATURE + chunk(b"tEXt", header()[8:21]) + header(9999, 9999) + pixels() + END,
        SIGNATURE + header() + END,
        SIGNATURE + header() + pixels(17) + END,
        SIGNATURE + header() + pixels(19) + END,
        SIGNATURE + header() + chunk(b"IDAT", b"no zlib") + END,
        SIGNATURE + header() + chunk(b"IDAT", zlib.compress(bytes(18)) + b"<script>") + END,
        SIGNATURE + header() + chunk(b"IDAT", zlib.compress(bytes(18))[:-1]) + END,
        SIGNATURE + header() + chunk(b"EVIL") + pixels() + END,
        SIGNATURE + header() + pixels() + chunk(b"IEND", b"x"),
        SIGNATURE + chunk(b"IHDR", b"short") + pixels() + END,
        SIGNATURE + header(0, 2) + pixels(2) + END,
        SIGNATURE + header(2, 0) + pixels(0) + END,
        SIGNATURE + header(2, 2, 3, 6, 0, 0, 0) + pixels(2 * 4) + END,
        SIGNATURE + header(2, 2, 8, 5, 0, 0, 0) + pixels(2 * 1) + END,
        SIGNATURE + header(2, 2, 8, 6, 1, 0, 0) + pixels() + END,
        SIGNATURE + header(2, 2, 8, 6, 0, 0, 2) + pixels() + END,
        SIGNATURE + (2**32 - 1).to_bytes(4) + b"IHDR",
    ],
)
def test_what_is_no_whole_png_is_refused(content: bytes) -> None:
    assert refusal(content) == "broken"


@pytest.mark.parametrize(("width", "height"), [(513, 1), (1, 513), (2**31 - 1, 2**31 - 1)])
def test_too_many_pixels_are_refused(width: int, height: int) -> None:
    assert refusal(SIGNATURE + header(width, height) + pixels() + END) == "too_many_pixels"


def test_the_largest_is_taken() -> None:
    logo_files.clean(SIGNATURE + header(512, 512) + pixels(512 * (1 + 512 * 4)) + END)


def test_what_unpacks_to_more_than_it_says_is_not_unpacked() -> None:
    bomb = chunk(b"IDAT", zlib.compress(bytes(50_000_000), 9))
    assert len(bomb) < logo_files.MAXIMUM_BYTES
    assert refusal(SIGNATURE + header() + bomb + END) == "broken"


@given(st.integers(0, len(PNG) - 1), st.integers(1, 255))
def test_one_wrong_byte_is_found(place: int, change: int) -> None:
    content = bytearray(PNG)
    content[place] ^= change
    assert refusal(bytes(content)) in {"broken", "not_a_picture"}

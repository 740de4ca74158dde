"""Logos of third parties: small pictures from strangers, made harmless before they are kept.

A logo is written anew from what was understood of it: of a PNG the parts that draw, of an SVG the elements and
attributes named here. Whatever else a file carries is left behind, or is a reason to refuse it.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from django.core.exceptions import ValidationError

MAXIMUM_BYTES = 64 * 1024
MAXIMUM_PIXELS = 512
PNG, SVG = "image/png", "image/svg+xml"

_NO_PICTURE = "Dit is geen PNG of geldige SVG. Kies een ander bestand."
_REFERENCE = "Een logo mag niets van elders ophalen. Sla het op als één los bestand."
_TOO_COMPLEX = "Deze SVG is te ingewikkeld voor een logo. Sla het logo op als PNG."


def clean(content: bytes) -> tuple[bytes, str]:
    """Return a harmless picture and its media type; raise ValidationError, with a code, when there is none in it."""
    if not content:
        raise _refusal("empty", "Dit bestand is leeg.")
    _check_length(content)
    is_png = content.startswith(_SIGNATURE)
    cleaned = _clean_png(content) if is_png else _clean_svg(content)
    _check_length(cleaned)
    return cleaned, PNG if is_png else SVG


def _check_length(content: bytes) -> None:
    if len(content) > MAXIMUM_BYTES:
        raise _refusal("too_large", f"Dit bestand is te groot: hoogstens {MAXIMUM_BYTES // 1024} kB.")


def _refusal(code: str, problem: str) -> ValidationError:
    return ValidationError(problem, code=code)


# ---- PNG (W3C Portable Network Graphics, third edition) ---------------------------------------------------

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What draws. Text, time, colour profiles and the frames of an animation may go: all are ancillary (§5.4).
_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB"}
# Samples for each pixel, and the bits a sample may have, by colour type (§11.2.1).
_SAMPLES = {0: (1, {1, 2, 4, 8, 16}), 2: (3, {8, 16}), 3: (1, {1, 2, 4, 8}), 4: (2, {8, 16}), 6: (4, {8, 16})}
# Where each pass of an interlaced picture starts, and its steps: across and down (§8.1).
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_BROKEN_PNG = "Dit is geen geldige PNG. Sla het logo opnieuw op als PNG."


def _clean_png(content: bytes) -> bytes:
    chunks = list(_chunks(content))
    names = [name for name, _ in chunks]
    if names[0] != b"IHDR" or names.count(b"IHDR") != 1 or b"IEND" in names[:-1] or chunks[-1] != (b"IEND", b""):
        raise _refusal("broken", _BROKEN_PNG)
    if unknown := [name for name in names if name not in _CHUNKS and not name[0] & 0x20]:
        raise _refusal("broken", f"{_BROKEN_PNG} Het onderdeel {unknown[0]!r} is onbekend.")
    _check_pixels(chunks[0][1], b"".join(data for name, data in chunks if name == b"IDAT"))
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks if name in _CHUNKS)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Return name and data of each chunk, up to the end of the picture (§5.3)."""
    at, name = len(_SIGNATURE), b""
    while name != b"IEND":
        length, name = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        data = content[at + 8 : at + 8 + length]
        if content[at : at + 12 + length] != _chunk(name, data):
            raise _refusal("broken", _BROKEN_PNG)
        yield name, data
        at += 12 + length


def _chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)


def _check_pixels(header: bytes, compressed: bytes) -> None:
    """Refuse a picture that is too big, or does not hold exactly the pixels it announces (§11.2.1, §10)."""
    if len(header) != 13:
        raise _refusal("broken", _BROKEN_PNG)
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    depth, colour, *methods, interlaced = header[8:]
    samples, depths = _SAMPLES.get(colour, (0, set()))
    if not width or not height or depth not in depths or any(methods) or interlaced > 1:
        raise _refusal("broken", _BROKEN_PNG)
    if width > MAXIMUM_PIXELS or height > MAXIMUM_PIXELS:
        raise _refusal("too_many_pixels", f"Dit logo is te groot: hoogstens {MAXIMUM_PIXELS} bij {MAXIMUM_PIXELS}.")
    expected = _size(width, height, samples * depth, _PASSES if interlaced else ((0, 0, 1, 1),))
    inflater = zlib.decompressobj()
    try:
        # One byte more than there may be: what unpacks to gigabytes is not unpacked.
        whole = len(inflater.decompress(compressed, expected + 1)) == expected and inflater.eof
        whole = whole and not inflater.unused_data
    except zlib.error:
        whole = False
    if not whole:
        raise _refusal("broken", _BROKEN_PNG)


def _size(width: int, height: int, bits: int, passes: tuple[tuple[int, int, int, int], ...]) -> int:
    """Return how many bytes the rows of all passes take: each has one byte for its filter (§9)."""
    shapes = [(-(-(width - x) // across), -(-(height - y) // down)) for x, y, across, down in passes]
    return sum((1 + -(-columns * bits // 8)) * rows for columns, rows in shapes if columns > 0)


# ---- SVG --------------------------------------------------------------------------------------------------

_NAMESPACE = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_ELEMENT_NAMES = (
    "circle clipPath defs ellipse g line linearGradient mask path polygon polyline radialGradient rect stop style svg "
    "symbol text tspan use"
)
# What describes and does not draw: left out, with all that stands in it.
_IDLE = {"desc", "metadata", "title"}
_GEOMETRY_NAMES = (
    "class clipPathUnits cx cy d dx dy fx fy gradientTransform gradientUnits height id maskContentUnits maskUnits "
    "offset pathLength points preserveAspectRatio r rx ry spreadMethod textLength transform version viewBox width x "
    "x1 x2 y y1 y2"
)
# What may hold style, and so an address.
_STYLE_NAMES = (
    "clip-path clip-rule color display dominant-baseline fill fill-opacity fill-rule font-family font-size font-style "
    "font-weight letter-spacing mask mask-type opacity overflow paint-order shape-rendering stop-color stop-opacity "
    "stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity "
    "stroke-width style text-anchor text-rendering vector-effect visibility"
)
_ELEMENTS, _GEOMETRY, _STYLE = ({*names.split()} for names in (_ELEMENT_NAMES, _GEOMETRY_NAMES, _STYLE_NAMES))
# In style: what takes an address other than `#…`, and the escapes, rules and comments that could hide it.
_ELSEWHERE = re.compile(
    r"""[\\@]|//|/\*|url\((?!\s*["']?\#)|(?:src|image|image-set|cross-fade|element)\(""", re.IGNORECASE | re.VERBOSE
)
_CUT_OUT = re.compile(r"(?:clip-path|mask)\s*:[^;}]*url", re.IGNORECASE)
# Each may draw all the others again: a dozen is more than a logo needs, and too few to hang a browser.
MAXIMUM_REFERENCES = 12
MAXIMUM_DEPTH = 50


def _clean_svg(content: bytes) -> bytes:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _refusal("not_a_picture", _NO_PICTURE) from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _refusal("doctype", "Deze SVG heeft een DOCTYPE. Sla het logo op zonder DOCTYPE.")
    # Given text, the parser takes no encoding from the file. Without a DOCTYPE it has no entities to expand.
    parser = ElementTree.XMLParser(target=_Writer())  # noqa: S314
    try:
        parser.feed(text)
        return str(parser.close()).encode()
    except ElementTree.ParseError as error:
        raise _refusal("not_a_picture", _NO_PICTURE) from error


@dataclass
class _Writer:
    """Writes what the parser reads, as far as it is known to draw and to do nothing else."""

    written: list[str] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    text: str = ""
    idle: int = 0
    references: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.removeprefix(f"{{{_NAMESPACE}}}")
        if not self.path and (name, tag) != ("svg", f"{{{_NAMESPACE}}}svg"):
            raise _refusal("not_a_picture", _NO_PICTURE)
        self.write_text()
        self.path.append(name)
        if self.idle or name in _IDLE or name.startswith("{"):
            self.idle += 1
            return
        if name not in _ELEMENTS or "style" in self.path[:-1]:
            raise _refusal("element", f"Een logo mag geen <{name[:50]}> bevatten.")
        if len(self.path) > MAXIMUM_DEPTH:
            raise _refusal("too_complex", _TOO_COMPLEX)
        kept = dict(self.kept(name, attributes)) | ({"xmlns": _NAMESPACE} if len(self.path) == 1 else {})
        self.written.append(f"<{name}{''.join(f' {key}={quoteattr(value)}' for key, value in kept.items())}>")

    def data(self, text: str) -> None:
        # In pieces, as the parser finds them: what is written as `&#117;rl(` comes in two.
        self.text += text

    def end(self, tag: str) -> None:
        self.write_text()
        name = self.path.pop()
        if self.idle:
            self.idle -= 1
        else:
            self.written.append(f"</{name}>")

    def close(self) -> str:
        return "".join(self.written)

    def write_text(self) -> None:
        """Write the text up to here; that of a style is checked first."""
        text, self.text = self.text, ""
        if self.idle:
            return
        if self.path[-1:] == ["style"]:
            self.check_style(text)
            # Which shapes a rule is for, and so how many there are, is for the browser to find out.
            self.count(MAXIMUM_REFERENCES + 1 if _CUT_OUT.search(text) else 0)
        self.written.append(escape(text))

    def kept(self, element: str, attributes: dict[str, str]) -> Iterator[tuple[str, str]]:
        """Return the attributes that draw."""
        for given, value in attributes.items():
            name = "href" if given == _LINK else given
            if name.lower().startswith("on"):
                raise _refusal("handler", f"Een logo mag geen script bevatten, zoals in {name[:50]}.")
            if name == "href":
                self.check_link(value)
                self.count(element == "use")
            elif name in _STYLE:
                self.check_style(value)
                self.count(len(_CUT_OUT.findall(value)) if name == "style" else name in {"clip-path", "mask"})
            elif name not in _GEOMETRY:
                continue
            yield name, value

    def check_link(self, value: str) -> None:
        """Refuse an address outside the picture."""
        if not value.startswith("#"):
            raise _refusal("reference", _REFERENCE)

    def check_style(self, value: str) -> None:
        """Refuse style that could take something from elsewhere."""
        if _ELSEWHERE.search(value):
            raise _refusal("reference", _REFERENCE)

    def count(self, references: int) -> None:
        """Refuse more references than a logo needs."""
        self.references += references
        if self.references > MAXIMUM_REFERENCES:
            raise _refusal("too_complex", _TOO_COMPLEX)

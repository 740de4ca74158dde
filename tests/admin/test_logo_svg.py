"""A logo that is an SVG, or says so: what draws is kept, and what could do more is refused."""

from contextlib import suppress
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from apicredentials.models import logo_files
from tests.admin.pictures import PNG, SVG, refusal, svg


def test_an_svg_draws_what_it_drew() -> None:
    content, media_type = logo_files.clean(
        svg(
            '<defs><linearGradient id="g" xlink:href="#f"><stop offset="0" stop-color="red"/></linearGradient></defs>'
            "<style>.a{fill:url(#g)}</style><path class='a' d='M0 0L8 8' style='stroke: blue'/>"
            '<clipPath id="c"><use xlink:href="#s"/></clipPath>'
            '<g clip-path="url(#c)"><text>Eén &amp; &lt;twee></text></g>',
            'xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 8 8"',
        )
    )
    text = content.decode()
    assert media_type == "image/svg+xml"
    for part in (
        '<svg viewBox="0 0 8 8" xmlns="http://www.w3.org/2000/svg">',
        '<linearGradient id="g" href="#f"><stop offset="0" stop-color="red"></stop>',
        "<style>.a{fill:url(#g)}</style>",
        '<path class="a" d="M0 0L8 8" style="stroke: blue">',
        '<use href="#s">',
        '<g clip-path="url(#c)"><text>Eén &amp; &lt;twee&gt;</text></g>',
    ):
        assert part in text
    assert logo_files.clean(content) == (content, media_type)


@pytest.mark.parametrize(
    "inside",
    [
        "<!-- wie dit leest -->",
        "<title>Orderwijs</title>",
        "<metadata><x:y xmlns:x='http://x.example/'><script xmlns='http://www.w3.org/2000/svg'/></x:y></metadata>",
        "<sodipodi:namedview xmlns:sodipodi='http://sodipodi.example/' onload='x'/>",
        "<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>",
        "<?xml-stylesheet href='https://kwaad.example/x.css'?>",
        "<desc><![CDATA[<script>alert(1)</script>]]></desc>",
    ],
)
def test_what_draws_nothing_is_left_out(inside: str) -> None:
    assert logo_files.clean(svg(inside))[0] == b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'


def test_attributes_that_draw_nothing_are_left_out() -> None:
    content, _ = logo_files.clean(
        svg("<g data-name='x' xml:base='https://kwaad.example/' tabindex='0' srcdoc='x' formaction='x' r='1'/>")
    )
    assert b'<g r="1"></g>' in content


ELEMENTS = [
    *("script", "SCRIPT", "foreignObject", "image", "iframe", "a", "animate", "animateTransform", "set", "handler"),
    *("feImage", "filter", "pattern", "audio", "video", "object", "embed", "link", "html", "textPath", "marker"),
]
ADDRESSES = [
    *("https://kwaad.example/x.svg#a", "//kwaad.example", "data:image/svg+xml,x", "javascript:alert(1)", "x.svg"),
    *("", " #a", "&#106;avascript:alert(1)"),
]
VALUES = [
    *("url(https://kwaad.example/x)", "URL( https://kwaad.example/x)", "url(x.svg#a)", "url()", "url( )"),
    *("url(&#34;https://kwaad.example/#a&#34;)", "u\\72l(#a)", "image-set(&#34;x&#34; 1x)", "url(data:image/png,x)"),
]
STYLES = [
    *("@import 'https://kwaad.example/x.css';", "@import url(#a);", "@font-face{src:url(x)}", "&#64;import 'x'"),
    *(".a{fill:url(https://kwaad.example)}", ".a{background:image('x')}", ".a{fill:u&#114;l(x)}"),
    *("<![CDATA[.a{fill:url(//kwaad.example)}]]>", ".a{fill:u<!-- x -->rl(x)}", ".a{fill:u<?x?>rl(x)}"),
    ".a{fill:url(/**/x)}",
]


@pytest.mark.parametrize(
    ("code", "inside"),
    [
        *[("element", f"<{name}/>") for name in ELEMENTS],
        ("element", "<g xmlns=''><script/></g>"),
        ("element", "<style>a<g/></style>"),
        *[("handler", f"<g {name}='alert(1)'/>") for name in ("onload", "onclick", "ONLOAD", "onbegin", "on")],
        *[("reference", f"<use href='{address}'/>") for address in ADDRESSES],
        ("reference", "<use xmlns:x='http://www.w3.org/1999/xlink' x:href='https://kwaad.example/#a'/>"),
        *[("reference", f"<rect {name}='{value}'/>") for name in ("style", "fill", "mask") for value in VALUES],
        *[("reference", f"<style>{style}</style>") for style in STYLES],
        ("too_complex", "<g>" * 51 + "</g>" * 51),
        ("too_complex", "<use href='#a'/>" * 13),
        ("too_complex", "<g clip-path='url(#a)' style='mask:url(#b)'/>" * 7),
        ("too_complex", "<style>.a{fill:red;clip-path:url(#a)}</style>"),
    ],
)
def test_what_could_do_more_than_draw_is_refused(code: str, inside: str) -> None:
    assert refusal(svg(inside)) == code


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("doctype", b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd">' + SVG),
        ("doctype", b'<!DOCTYPE svg [<!ENTITY a "x">]>' + svg("<text>&a;</text>")),
        ("doctype", b'<!DOCTYPE svg [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>' + SVG),
        ("not_a_picture", svg("<text>&a;</text>")),
        ("not_a_picture", '<?xml version="1.0" encoding="utf-16"?>'.encode("utf-16") + SVG.decode().encode("utf-16")),
        ("not_a_picture", b"\xff\xfe"),
        ("not_a_picture", b"GIF89a"),
        ("not_a_picture", b"<html><script>alert(1)</script></html>"),
        ("not_a_picture", b"<svg><circle/></svg>"),
        ("not_a_picture", b'<svg xmlns="http://www.w3.org/1999/xhtml"/>'),
        ("not_a_picture", b'<svg:g xmlns:svg="http://www.w3.org/2000/svg"/>'),
        ("not_a_picture", SVG[:-1]),
        ("not_a_picture", SVG + SVG),
        ("not_a_picture", svg("<text>\x00</text>")),
        ("not_a_picture", b" "),
        ("empty", b""),
        ("too_large", SVG + b" " * logo_files.MAXIMUM_BYTES),
        ("too_large", svg("<text>" + ">" * 30_000 + "</text>")),
    ],
)
def test_what_is_no_safe_file_is_refused(code: str, content: bytes) -> None:
    assert refusal(content) == code


def test_an_encoding_that_is_only_said_does_not_count() -> None:
    content = b'<?xml version="1.0" encoding="utf-7"?>' + svg("<text>+ADw-script+AD4-</text>")
    assert b"<text>+ADw-script+AD4-</text>" in logo_files.clean(content)[0]


def test_a_byte_order_mark_is_nothing() -> None:
    assert logo_files.clean(b"\xef\xbb\xbf" + SVG) == logo_files.clean(SVG)


@given(st.binary(max_size=300) | st.binary(max_size=300).map(PNG.__add__) | st.text(max_size=100).map(svg))
def test_nothing_else_happens_to_any_file(content: bytes) -> None:
    with suppress(ValidationError):
        cleaned = logo_files.clean(content)
        assert logo_files.clean(cleaned[0]) == cleaned


def test_our_own_pictures_would_do() -> None:
    favicon = Path(logo_files.__file__).parent.parent / "portal/static/portal/favicon.svg"
    logo_files.clean(favicon.read_bytes())

"""`/logo/<client id>/<digest>`: pictures from strangers, made harmless, and shown from our own origin."""

import re
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Actor, Seller
from apicredentials import logos
from apicredentials.models import Activity, ThirdParty, ThirdPartyLogo
from tests.factories import TechnicalContactFactory, ThirdPartyAuthorizationFactory, ThirdPartyFactory
from tests.journeys.pages import Element, Page
from tests.oauth.flow import request_address, software
from tests.people import signed_in

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
        logos.clean(content)
    return str(refused.value.code)


# ---- PNG --------------------------------------------------------------------------------------------------


def test_a_png_is_kept_as_it_is() -> None:
    assert logos.clean(PNG) == (PNG, "image/png")


@pytest.mark.parametrize(
    ("colour", "depth", "size"),
    [(0, 1, 2 * 2), (0, 16, 2 * 5), (2, 8, 2 * 7), (3, 4, 2 * 2), (4, 8, 2 * 5), (6, 16, 2 * 17)],
)
def test_every_kind_of_pixel_is_known(colour: int, depth: int, size: int) -> None:
    logos.clean(SIGNATURE + header(2, 2, depth, colour, 0, 0, 0) + pixels(size) + END)


def test_an_interlaced_one_is_known() -> None:
    # Of eight by eight pixels: passes of 1, 1, 2, 4, 8, 16 and 32, in 1, 1, 1, 2, 2, 4 and 4 rows.
    logos.clean(SIGNATURE + header(8, 8, 8, 0, 0, 0, 1) + pixels(64 + 15) + END)
    # Of one by one there is only the first pass.
    logos.clean(SIGNATURE + header(1, 1, 8, 0, 0, 0, 1) + pixels(2) + END)


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"tIME", b"acTL", b"fdAT", b"vpAg"])
def test_what_does_not_draw_is_left_out(name: bytes) -> None:
    content = SIGNATURE + header() + chunk(name, b"GPS 52.37, <script>alert(1)</script>") + pixels() + END
    assert logos.clean(content) == (PNG, "image/png")


def test_what_comes_after_the_end_is_left_out() -> None:
    assert logos.clean(PNG + b"<script>alert(1)</script>") == (PNG, "image/png")


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
    logos.clean(SIGNATURE + header(512, 512) + pixels(512 * (1 + 512 * 4)) + END)


def test_what_unpacks_to_more_than_it_says_is_not_unpacked() -> None:
    bomb = chunk(b"IDAT", zlib.compress(bytes(50_000_000), 9))
    assert len(bomb) < logos.MAXIMUM_BYTES
    assert refusal(SIGNATURE + header() + bomb + END) == "broken"


# ---- SVG --------------------------------------------------------------------------------------------------


def test_an_svg_draws_what_it_drew() -> None:
    content, media_type = logos.clean(
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
    assert logos.clean(content) == (content, media_type)


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
    assert logos.clean(svg(inside))[0] == b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'


def test_attributes_that_draw_nothing_are_left_out() -> None:
    content, _ = logos.clean(
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
        ("too_large", SVG + b" " * logos.MAXIMUM_BYTES),
        ("too_large", svg("<text>" + ">" * 30_000 + "</text>")),
    ],
)
def test_what_is_no_safe_file_is_refused(code: str, content: bytes) -> None:
    assert refusal(content) == code


def test_an_encoding_that_is_only_said_does_not_count() -> None:
    content = b'<?xml version="1.0" encoding="utf-7"?>' + svg("<text>+ADw-script+AD4-</text>")
    assert b"<text>+ADw-script+AD4-</text>" in logos.clean(content)[0]


def test_a_byte_order_mark_is_nothing() -> None:
    assert logos.clean(b"\xef\xbb\xbf" + SVG) == logos.clean(SVG)


@given(st.binary(max_size=300) | st.binary(max_size=300).map(PNG.__add__) | st.text(max_size=100).map(svg))
def test_nothing_else_happens_to_any_file(content: bytes) -> None:
    with suppress(ValidationError):
        cleaned = logos.clean(content)
        assert logos.clean(cleaned[0]) == cleaned


@given(st.integers(0, len(PNG) - 1), st.integers(1, 255))
def test_one_wrong_byte_is_found(place: int, change: int) -> None:
    content = bytearray(PNG)
    content[place] ^= change
    assert refusal(bytes(content)) in {"broken", "not_a_picture"}


def test_our_own_pictures_would_do() -> None:
    favicon = Path(logos.__file__).parent.parent / "portal/static/portal/favicon.svg"
    logos.clean(favicon.read_bytes())


# ---- Shown ------------------------------------------------------------------------------------------------


@pytest.fixture
def party(db: None) -> ThirdParty:
    return with_logo(ThirdPartyFactory(name="Orderwijs"))


def with_logo(party: ThirdParty, content: bytes = SVG) -> ThirdParty:
    ThirdPartyLogo.set_for(party, content, by=Actor())
    return party


def url(party: ThirdParty) -> str:
    return ThirdPartyLogo.objects.get(third_party=party).url


@pytest.mark.parametrize(("content", "media_type"), [(SVG, "image/svg+xml"), (PNG, "image/png")])
def test_anybody_sees_it_as_the_picture_it_is(
    client: Client, party: ThirdParty, content: bytes, media_type: str
) -> None:
    with_logo(party, content)
    answer = client.get(url(party))
    assert (answer.status_code, answer["Content-Type"]) == (200, media_type)
    assert answer.content == logos.clean(content)[0]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert client.head(url(party)).status_code == 200


def test_it_may_be_kept_for_ever_by_the_browser_alone(party: ThirdParty) -> None:
    authorization = ThirdPartyAuthorizationFactory(third_party=party)
    answer = signed_in(authorization.seller.members.get()).get(url(party))
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"


def test_its_address_says_which_party_and_which_picture(party: ThirdParty) -> None:
    first = url(party)
    assert re.fullmatch(rf"/logo/{party.client_id}/[0-9a-f]{{64}}", first)
    with_logo(party, PNG)
    assert url(party) != first


@pytest.mark.parametrize("wrong", ["digest", "party", "none"])
def test_another_address_shows_nothing(client: Client, party: ThirdParty, wrong: str) -> None:
    address = url(party)
    other = with_logo(ThirdPartyFactory(), PNG)
    if wrong == "digest":
        address = address[:-1] + ("0" if address[-1] != "0" else "1")
    elif wrong == "party":
        address = address.replace(party.client_id, other.client_id)
    else:
        party.logo.remove(by=Actor())
    answer = client.get(address)
    assert answer.status_code == 404
    assert "sandbox" not in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("digest", ["%00", "%ff", "a" * 5000, "..%2f..", "%E2%80%AE"])
def test_an_address_that_cannot_be_one_is_unknown(client: Client, party: ThirdParty, digest: str) -> None:
    assert client.get(f"/logo/{party.client_id}/{digest}").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_there_is_nothing_to_do_there(client: Client, party: ThirdParty, method: str) -> None:
    assert client.generic(method, url(party)).status_code == 405


def logo_on(page: Page) -> Element:
    """Return what stands for the party: it tells nothing that the name beside it does not."""
    (found,) = [each for each in page.root.all("img", "span") if "party__logo" in each["class"].split()]
    if found.tag == "img":
        assert found.attributes["alt"] == ""
    else:
        assert found["aria-hidden"] == "true"
    return found


def consent_page(party: ThirdParty) -> Page:
    seller = TechnicalContactFactory().seller
    address = request_address(software(party))
    return Page(signed_in(seller.members.get()).get(address).content.decode())


def settings_page(seller: Seller) -> Page:
    return Page(signed_in(seller.members.get()).get("/instellingen/api/").content.decode())


def test_it_stands_on_the_consent_page(party: ThirdParty) -> None:
    assert logo_on(consent_page(party))["src"] == url(party)


def test_it_stands_on_the_card_of_the_party(party: ThirdParty) -> None:
    seller = TechnicalContactFactory().seller
    ThirdPartyAuthorizationFactory(seller=seller, third_party=party)
    assert logo_on(settings_page(seller))["src"] == url(party)


@pytest.mark.django_db
def test_without_one_there_is_the_first_letter() -> None:
    party = ThirdPartyFactory(name="zendwijs")
    assert logo_on(consent_page(party)).words == "Z"
    seller = TechnicalContactFactory().seller
    ThirdPartyAuthorizationFactory(seller=seller, third_party=party)
    assert logo_on(settings_page(seller)).words == "Z"


@pytest.mark.django_db
def test_no_page_asks_more_of_the_database_for_more_logos() -> None:
    seller = TechnicalContactFactory().seller
    client = signed_in(seller.members.get())

    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/instellingen/api/").status_code == 200
        return [query["sql"] for query in captured]

    queries()  # the first one writes down that the session is in use
    ThirdPartyAuthorizationFactory(seller=seller)
    few = queries()
    for content in (SVG, PNG, SVG):
        ThirdPartyAuthorizationFactory(seller=seller, third_party=with_logo(ThirdPartyFactory(), content))
    many = queries()
    assert len(many) == len(few)
    assert not [sql for sql in many if re.search(r'thirdpartylogo"\."content', sql)]


@pytest.mark.django_db
def test_the_consent_page_does_not_fetch_the_picture_to_name_it(party: ThirdParty) -> None:
    client = signed_in(TechnicalContactFactory().seller.members.get())
    address = request_address(software(party))
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    asking = [query["sql"] for query in captured if "thirdpartylogo" in query["sql"]]
    assert len(asking) == 1
    assert not re.search(r'thirdpartylogo"\."content', asking[0])


# ---- Given and taken away ---------------------------------------------------------------------------------


def test_it_is_written_down_once(party: ThirdParty) -> None:
    with_logo(party)  # the same again
    activity = Activity.objects.get()
    assert (activity.kind, activity.seller, activity.subject) == (Activity.Kind.CLIENT_CHANGED, None, "Orderwijs")
    assert activity.explanation == "Gewijzigd: logo."
    party.logo.remove(by=Actor())
    party.logo.remove(by=Actor())
    assert Activity.objects.count() == 2
    assert not ThirdPartyLogo.objects.exists()


def test_a_party_has_one(party: ThirdParty) -> None:
    with_logo(party, PNG)
    assert ThirdPartyLogo.objects.get().media_type == "image/png"


def test_a_bad_one_leaves_the_good_one(party: ThirdParty) -> None:
    with pytest.raises(ValidationError):
        with_logo(party, b"GIF89a")
    assert bytes(ThirdPartyLogo.objects.get().content) == logos.clean(SVG)[0]


def change(operator: Client, party: ThirdParty, **fields: object) -> None:
    """Save the form of the party in the admin."""
    address = reverse("admin:apicredentials_thirdparty_change", args=[party.pk])
    form = Page(operator.get(address).content.decode(), address).form("Opslaan")
    answer = operator.post(address, form.fill() | fields)
    assert answer.status_code == 302, answer.context["adminform"].form.errors


def upload(content: bytes, name: str = "logo.svg", content_type: str = "text/html") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type)


def test_an_operator_uploads_it_and_its_type_is_what_it_is(operator: Client, party: ThirdParty) -> None:
    change(operator, party, logo=upload(PNG, "../../kwaad.html"))
    assert ThirdPartyLogo.objects.get().media_type == "image/png"


def test_an_operator_removes_it(operator: Client, party: ThirdParty) -> None:
    change(operator, party, **{"logo-clear": "on"})
    assert not ThirdPartyLogo.objects.exists()
    change(operator, party, **{"logo-clear": "on"})
    assert Activity.objects.count() == 2


def test_saving_something_else_leaves_it(operator: Client, party: ThirdParty) -> None:
    before = url(party)
    change(operator, party, name="Orderwijs B.V.")
    assert url(party) == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (svg("<script>alert(1)</script>"), "Een logo mag geen &lt;script&gt; bevatten."),
        (b"x" * (logos.MAXIMUM_BYTES + 1), "Dit bestand is te groot: hoogstens 64 kB."),
    ],
)
def test_a_bad_upload_is_explained_and_nothing_is_saved(
    operator: Client, party: ThirdParty, content: bytes, words: str
) -> None:
    before = url(party)
    address = reverse("admin:apicredentials_thirdparty_change", args=[party.pk])
    form = Page(operator.get(address).content.decode(), address).form("Opslaan")
    answer = operator.post(address, form.fill() | {"name": "Anders", "logo": upload(content)})
    assert answer.status_code == 200
    assert words in answer.content.decode()
    party.refresh_from_db()
    assert (party.name, url(party)) == ("Orderwijs", before)

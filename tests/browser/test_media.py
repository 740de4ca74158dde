"""Colours that the system forces, and paper."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from apicredentials.models import ClientCredential
from apicredentials.models.usage import Use
from tests.apicredentials.use import counted
from tests.browser.inspection import Scheme, go, what_sticks_out
from tests.browser.seller import SECRET, SETTINGS, WITH_AND_WITHOUT_SCRIPT, ask
from tests.browser.shop import fill

SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
# A4 without margins, in CSS pixels.
PAPER = 718


def style(element: Locator, *names: str, of: str = "") -> tuple[str, ...]:
    """Return how an element, or its pseudo-element `of`, is drawn."""
    script = "(each, [names, of]) => names.map(name => getComputedStyle(each, of)[name])"
    return tuple(element.evaluate(script, [names, of]))


# ---- Forced colours ---------------------------------------------------------------------------------------


@pytest.fixture
def forced(page: Page, credential: ClientCredential, come_in: Callable[[User], None], scheme: Scheme) -> Page:
    """The browser of the credential's owner, in colours of the system's choice."""
    assert credential.seller
    come_in(credential.seller.members.get())
    page.emulate_media(forced_colors="active", color_scheme=scheme)
    return page


@SCHEMES
def test_forced_colours_leave_each_state_its_shape(forced: Page, credential: ClientCredential) -> None:
    assert credential.seller
    fill(credential.seller, credential.seller.members.get())
    go(forced, SETTINGS)
    shapes: dict[str, Any] = {}
    for kind in ("--ok", "--warning", "--danger", "--pause", "--plain"):
        names = ("backgroundColor", "borderTopWidth", "borderLeftWidth", "borderRadius", "clipPath")
        shapes[kind] = style(forced.locator(f"main .tag.tag{kind}").first, *names, of="::before")
    assert len({*shapes.values()}) == len(shapes), shapes


@SCHEMES
def test_forced_colours_leave_charts_and_choices_distinguishable(forced: Page, credential: ClientCredential) -> None:
    for days_ago in (0, 1):
        counted(credential.client_id, Use.API_CALL, 5, days_ago=days_ago)
    go(forced, reverse("apicredentials:credential", args=[credential.client_id]))
    text, ground = style(forced.locator("body"), "color", "backgroundColor")
    (before,), (today,) = (style(bar, "fill") for bar in forced.locator(".chart__bar").all())
    assert before == text
    assert today not in {text, ground}
    primary, plain = forced.get_by_role("button", name="Toon secret"), forced.get_by_role("button", name="Pauzeren")
    assert style(primary, "backgroundColor") != style(plain, "backgroundColor")
    go(forced, reverse("apicredentials:credential-rights", args=[credential.client_id]))
    rights = forced.get_by_role("radiogroup", name="Bestellingen").locator(".levels__level")
    grounds = [style(level, "backgroundColor") for level in rights.all()]
    assert grounds[0] == grounds[1] != grounds[2]


# ---- Paper ------------------------------------------------------------------------------------------------


@WITH_AND_WITHOUT_SCRIPT
@SCHEMES
def test_secret_is_printed_whole_in_black_on_white(settings_page: Page, scripted: bool, scheme: Scheme) -> None:
    page = settings_page
    answer = ask(page, scripted, page.get_by_role("button", name="Toon secret"))
    page.emulate_media(media="print", color_scheme=scheme)
    secret = answer.locator("#toon-secret")
    expect(secret).to_have_text(SECRET)
    for part in (*page.get_by_role("navigation").all(), page.get_by_role("banner"), page.get_by_role("contentinfo")):
        expect(part).to_be_hidden()
    assert style(secret, "color") == ("rgb(0, 0, 0)",)
    assert style(answer.locator(".secret").last, "backgroundColor") == ("rgb(255, 255, 255)",)
    assert style(answer.get_by_text("Je ziet dit secret alleen nu."), "color") == ("rgb(138, 75, 0)",)
    assert what_sticks_out(page, PAPER) == []
    assert answer.evaluate("each => each.scrollHeight <= each.clientHeight + 1")
    assert page.pdf(format="A4").count(b"/Type /Page\n") == 1

"""Checks of every page: WCAG 2.2 AA, light and dark, and nothing that sticks out or scrolls sideways."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from playwright.sync_api import Page

type Scheme = Literal["light", "dark"]


class Inspected(Protocol):
    """Go to a page inside `with inspected("its state"):`; then it is inspected, and so is what it asked the network."""

    def __call__(self, state: str, ways: list[tuple[int, Scheme]] = ...) -> AbstractContextManager[None]: ...


DESKTOP, ZOOMED_TO_200_PERCENT, NARROWEST = 1280, 640, 320
# Of a page's states the first two are enough: between them lie every width and every colour.
WAYS: list[tuple[int, Scheme]] = [(DESKTOP, "light"), (NARROWEST, "dark"), (NARROWEST, "light"), (DESKTOP, "dark")]

# A box is what a reader sees as one. Inputs scroll what is typed in them; `.visually-hidden` has no size.
STICKING_OUT = """() => [...document.querySelectorAll("body *:not(input, textarea, .visually-hidden)")]
  .filter((each) => each.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }))
  .filter((each) => {
    const { left, right } = each.getBoundingClientRect();
    const { backgroundColor, borderLeftStyle } = getComputedStyle(each);
    const isBox = backgroundColor !== "rgba(0, 0, 0, 0)" || borderLeftStyle !== "none";
    return left < -1 || right > innerWidth + 1 || (isBox && each.scrollWidth > each.clientWidth + 1);
  })
  .map((each) => `${each.outerHTML.slice(0, 200)}: ${each.scrollWidth} in ${each.clientWidth}`)"""
SPACED = """(spaced) => {
  const sheet = new CSSStyleSheet();
  if (spaced) sheet.replaceSync(`
    * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
    p { margin-bottom: 2em !important }`);
  document.adoptedStyleSheets = [sheet];
}"""


def what_sticks_out(page: Page, width: int) -> list[str]:
    """Return what breaks WCAG 1.4.4 and 1.4.10 at this width: what sticks out, and a page that scrolls sideways."""
    page.set_viewport_size({"width": width, "height": 800})
    scrolls = page.evaluate("document.documentElement.scrollWidth") > width
    return [*["the page scrolls sideways"] * scrolls, *page.evaluate(STICKING_OUT)]


def assert_fits(page: Page, width: int) -> None:
    found = what_sticks_out(page, width)
    assert not found, f"{page.url} at {width} px: {found}"


def inspect(page: Page, axe: Callable[[Page], None], ways: list[tuple[int, Scheme]]) -> None:
    """Hold a page, as it stands, to all of this."""
    assert page.evaluate("[...document.images].filter(each => !each.naturalWidth).map(each => each.src)") == []
    for width, scheme in ways:
        page.emulate_media(color_scheme=scheme)
        assert_fits(page, width)
        axe(page)
    assert_fits(page, ZOOMED_TO_200_PERCENT)
    page.evaluate(SPACED, True)  # WCAG 1.4.12
    assert_fits(page, NARROWEST)
    page.evaluate(SPACED, False)
    page.set_viewport_size({"width": DESKTOP, "height": 800})


def go(page: Page, address: str, status: int = 200) -> None:
    """Go somewhere and expect this status."""
    answer = page.goto(address)
    assert answer
    assert answer.status == status, f"{address}: {answer.status}"

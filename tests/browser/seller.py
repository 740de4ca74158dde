"""A seller at API Instellingen, with a browser that runs scripts or one that does not."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

SETTINGS = "/instellingen/api/"
SECRET = re.compile(r"rts_[A-Za-z0-9_]{82}")

WITH_AND_WITHOUT_SCRIPT = pytest.mark.parametrize(
    "scripted",
    [
        pytest.param(True, id="script"),
        pytest.param(False, id="no-script", marks=pytest.mark.browser_context_args(java_script_enabled=False)),
    ],
)


def ask(page: Page, scripted: bool, button: Locator) -> Locator:
    """Press a button and return what its answer is shown in: a dialog, or without script a page of its own."""
    button.click()
    answer = page.get_by_role("dialog") if scripted else page.get_by_role("main")
    expect(answer.get_by_role("heading", level=1)).not_to_have_text("API Instellingen")
    return answer


def row(page: Page, name: str) -> Locator:
    """The card of a credential or a party."""
    return page.get_by_role("article", name=name)


def expect_message(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()

"""The dialogs and menus of API Instellingen: by the keyboard alone, on a second page, and without a connection."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from apicredentials.models import ClientCredential
from tests.browser.seller import SETTINGS, expect_message, row
from tests.factories import ClientCredentialFactory

# ---- The keyboard alone -----------------------------------------------------------------------------------


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until `target` has the focus, which every stop on the way shows."""
    target.wait_for()
    for _ in range(100):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px", page.evaluate("document.activeElement.outerHTML")
        if target.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {target}")


def test_creating_by_keyboard(settings_page: Page) -> None:
    page, keyboard, dialog = settings_page, settings_page.keyboard, settings_page.get_by_role("dialog")
    keyboard.press("Tab")
    expect(page.get_by_role("link", name="Naar de inhoud")).to_be_focused()
    keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    opener = page.get_by_role("button", name="Aanmaken")
    tab_to(page, opener)
    keyboard.press("Enter")
    expect(dialog.get_by_label("Naam", exact=True)).to_be_focused()
    keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    keyboard.press("Enter")
    expect(dialog.get_by_label("Naam", exact=True)).to_be_focused()
    keyboard.type("Winkel")
    keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="‘Winkel’ zijn aangemaakt")).to_be_focused()


def test_revealing_and_deleting_by_keyboard(settings_page: Page) -> None:
    page, keyboard, dialog = settings_page, settings_page.keyboard, settings_page.get_by_role("dialog")
    tab_to(page, page.get_by_role("button", name="Toon secret"))
    keyboard.press("Enter")
    expect(dialog.get_by_role("heading", name="Client secret van 'Magazijn'")).to_be_focused()
    tab_to(page, dialog.get_by_role("link", name="Ik heb het opgeslagen"))
    keyboard.press("Enter")
    expect(row(page, "Magazijn")).to_contain_text("getoond op")
    opener = row(page, "Magazijn").get_by_role("button", name="Verwijderen")
    tab_to(page, opener)
    keyboard.press("Space")
    expect(dialog.get_by_role("heading", name="verwijderen?")).to_be_focused()
    tab_to(page, dialog.get_by_role("link", name="Annuleren"))
    keyboard.press("Enter")
    expect(opener).to_be_focused()
    keyboard.press("Space")
    tab_to(page, dialog.get_by_role("button", name="Verwijderen"))
    keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="‘Magazijn’ zijn verwijderd")).to_be_focused()


def test_the_keyboard_does_not_leave_an_open_dialog(settings_page: Page) -> None:
    settings_page.get_by_role("button", name="Verwijderen").click()
    dialog = settings_page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=1)).to_be_focused()
    stops = []
    for key in ["Tab"] * 5 + ["Shift+Tab"] * 5:
        settings_page.keyboard.press(key)
        stops.append(settings_page.evaluate("document.activeElement.textContent.trim()"))
        assert settings_page.evaluate(
            "document.activeElement === document.body || dialog.contains(document.activeElement)"
        )
    assert {"Sluiten", "Verwijderen", "Annuleren"} <= {*stops}


def test_menus_close_with_escape(settings_page: Page) -> None:
    menu = settings_page.get_by_role("article").locator("details.menu")
    summary = menu.locator("summary")
    summary.focus()
    settings_page.keyboard.press("Enter")
    tab_to(settings_page, menu.get_by_role("button", name="Naam wijzigen"))
    settings_page.keyboard.press("Escape")
    expect(summary).to_be_focused()
    expect(menu).not_to_have_attribute("open", "")


@pytest.mark.parametrize("way", ["Escape", "Annuleren"])
def test_a_dialog_from_a_menu_gives_the_focus_back_to_that_menu(settings_page: Page, way: str) -> None:
    """The menu is closed by then, and what was chosen in it cannot have the focus."""
    summary = settings_page.get_by_role("article").locator("details.menu summary")
    summary.focus()
    settings_page.keyboard.press("Enter")
    tab_to(settings_page, settings_page.get_by_role("button", name="Naam wijzigen"))
    settings_page.keyboard.press("Enter")
    dialog = settings_page.get_by_role("dialog")
    expect(dialog.get_by_label("Naam", exact=True)).to_be_focused()
    if way == "Annuleren":
        tab_to(settings_page, dialog.get_by_role("link", name=way))
    settings_page.keyboard.press("Enter" if way == "Annuleren" else way)
    expect(dialog).to_have_count(0)
    expect(summary).to_be_focused()
    expect(settings_page.get_by_role("button", name="Naam wijzigen")).to_be_hidden()


def test_an_act_on_the_second_page_ends_there(settings_page: Page) -> None:
    seller = ClientCredential.objects.get().seller
    for number in range(20):
        ClientCredentialFactory(seller=seller, name=f"Kassa {number:02}")
    settings_page.goto(f"{SETTINGS}?page=2")
    oldest = settings_page.get_by_role("article").first
    oldest.locator("summary", has_text="Meer").click()
    oldest.get_by_role("button", name="Pauzeren").click()
    settings_page.get_by_role("dialog").get_by_role("button", name="Pauzeren").click()
    expect_message(settings_page, "gepauzeerd")
    expect(settings_page).to_have_url(re.compile(r"\?page=2$"))
    expect(settings_page.get_by_role("article")).to_have_count(1)


# ---- No connection ----------------------------------------------------------------------------------------


def test_a_lost_connection_is_said(settings_page: Page, problems: list[str]) -> None:
    dialog = settings_page.get_by_role("dialog")
    settings_page.context.set_offline(True)
    settings_page.get_by_role("button", name="Aanmaken").click()
    expect(dialog.get_by_role("heading", level=1)).to_have_text("Geen verbinding")
    settings_page.keyboard.press("Escape")

    settings_page.context.set_offline(False)
    settings_page.get_by_role("button", name="Aanmaken").click()
    dialog.get_by_label("Naam", exact=True).fill("Winkel")
    settings_page.context.set_offline(True)
    dialog.get_by_role("button", name="Aanmaken").click()
    expect(dialog.get_by_role("alert")).to_be_visible()

    settings_page.context.set_offline(False)  # what was typed is still there
    dialog.get_by_role("button", name="Aanmaken").click()
    expect_message(settings_page, "‘Winkel’ zijn aangemaakt")
    assert all("ERR_INTERNET_DISCONNECTED" in problem for problem in problems)
    problems.clear()

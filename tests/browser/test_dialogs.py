"""The dialogs and menus of API Instellingen: by keyboard, where they end, and without a connection."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from apicredentials.models import ClientCredential
from tests.browser.seller import SETTINGS, expect_message, row
from tests.factories import ClientCredentialFactory, ThirdPartyAuthorizationFactory

# ---- The keyboard alone -----------------------------------------------------------------------------------


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until `target` has the focus, which every stop on the way shows."""
    target.wait_for()
    for _ in range(100):
        page.keyboard.press("Tab")
        # The focus of a radio button is shown around its group.
        outline = page.evaluate(
            "getComputedStyle(document.activeElement.closest('.levels') ?? document.activeElement).outlineWidth"
        )
        assert outline == "3px", page.evaluate("document.activeElement.outerHTML")
        if target.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {target}")


def test_focus_goes_through_the_page_in_reading_order(settings_page: Page) -> None:
    seller = ClientCredential.objects.get().seller
    ThirdPartyAuthorizationFactory(seller=seller, third_party__name="Orderhulp")
    settings_page.reload()
    stops: list[str] = []
    while len(stops) < 100:
        settings_page.keyboard.press("Tab")
        stop = settings_page.evaluate(
            "document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText"
        )
        if settings_page.evaluate("document.activeElement === document.body"):
            break
        stops.append(stop.strip().splitlines()[-1])  # without the letter of the avatar
    assert stops == [
        *["Naar de inhoud", "Verkopersportaal", "Account"],
        *["API Instellingen", "Activiteit", "Beveiliging", "Medewerkers", "Aan de slag", "Partners"],
        "Wijzigen",
        *["Hoe werkt dit?", "Aanmaken"],
        *["Magazijn", "Client ID van Magazijn kopiëren", "Toon secret", "Verwijderen"],
        *["Hoe werkt dit?", "Partners bekijken"],
        *["Orderhulp", "Verwijderen"],
        *["Hulp", "API-documentatie"],
    ]


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
    expect(page.get_by_role("status").filter(has_text="'Winkel' zijn aangemaakt")).to_be_visible()
    expect(row(page, "Winkel").get_by_role("button", name="Toon secret")).to_be_focused()


def test_revealing_and_deleting_by_keyboard(settings_page: Page) -> None:
    page, keyboard, dialog = settings_page, settings_page.keyboard, settings_page.get_by_role("dialog")
    tab_to(page, page.get_by_role("button", name="Toon secret"))
    keyboard.press("Enter")
    expect(dialog.get_by_role("heading", name="Client secret van 'Magazijn'")).to_be_focused()
    tab_to(page, dialog.get_by_role("link", name="Ik heb het opgeslagen"))
    keyboard.press("Enter")
    expect(row(page, "Magazijn")).to_contain_text("getoond op")
    expect(row(page, "Magazijn").get_by_role("link", name="Magazijn")).to_be_focused()
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
    expect(page.get_by_role("status").filter(has_text="'Magazijn' zijn verwijderd")).to_be_focused()


def test_keyboard_does_not_leave_an_open_dialog(settings_page: Page) -> None:
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
    assert {"Verwijderen", "Annuleren"} <= {*stops}


def test_menus_close_with_escape(settings_page: Page) -> None:
    menu = settings_page.locator("details.menu--account")
    summary = menu.locator("summary")
    summary.focus()
    settings_page.keyboard.press("Enter")
    tab_to(settings_page, menu.get_by_role("button", name="Uitloggen"))
    settings_page.keyboard.press("Escape")
    expect(summary).to_be_focused()
    expect(menu).not_to_have_attribute("open", "")


def test_dialog_ends_where_it_was_opened(settings_page: Page) -> None:
    """On the page of the credential as on the settings; after the end of the credential on the settings."""
    page, dialog = settings_page, settings_page.get_by_role("dialog")
    page.get_by_role("link", name="Magazijn").click()
    here = page.url
    page.get_by_role("button", name="Naam wijzigen").click()
    dialog.get_by_label("Naam", exact=True).fill("Kassa")
    dialog.get_by_role("button", name="Opslaan").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("Kassa")
    expect(page.get_by_role("status").filter(has_text="heet nu 'Kassa'")).to_be_focused()
    page.get_by_role("main").get_by_role("button", name="Toon secret").click()
    dialog.get_by_role("link", name="Ik heb het opgeslagen").click()
    expect(page.get_by_role("heading", name="Client secrets")).to_be_focused()
    expect(page.get_by_role("main")).to_contain_text("Getoond op")
    assert page.url == here
    page.get_by_role("main").get_by_role("button", name="Verwijderen").click()
    dialog.get_by_role("button", name="Verwijderen").click()
    expect_message(page, "'Kassa' zijn verwijderd")
    assert page.url.endswith(SETTINGS)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (320, 640)])
def test_button_of_the_create_dialog_is_in_view(settings_page: Page, width: int, height: int) -> None:
    """Also with the rights unfolded; afterwards the new row is in view, among many."""
    seller = ClientCredential.objects.get().seller
    for number in range(15):
        ClientCredentialFactory(seller=seller, name=f"Kassa {number:02}")
    settings_page.reload()
    settings_page.set_viewport_size({"width": width, "height": height})
    settings_page.get_by_role("main").get_by_role("button", name="Aanmaken").click()
    dialog = settings_page.get_by_role("dialog")
    create = dialog.get_by_role("button", name="Aanmaken")
    expect(create).to_be_in_viewport(ratio=1)
    expect(dialog.get_by_label("Naam", exact=True)).to_be_in_viewport(ratio=1)
    dialog.get_by_text("Rechten beperken").click()
    expect(create).to_be_in_viewport(ratio=1)
    dialog.get_by_role("radiogroup", name="Facturen").get_by_label("Geen").check()
    dialog.get_by_label("Naam", exact=True).fill("Winkel")
    create.click()
    new = row(settings_page, "Winkel")
    expect(new.get_by_role("button", name="Toon secret")).to_be_focused()
    expect(new).to_be_in_viewport(ratio=1)
    assert "invoices:read" not in ClientCredential.objects.get(name="Winkel").rights


def test_rights_by_keyboard(settings_page: Page) -> None:
    page, keyboard = settings_page, settings_page.keyboard
    page.get_by_role("link", name="Magazijn").click()
    page.get_by_role("button", name="Rechten wijzigen").click()
    orders = page.get_by_role("dialog").get_by_role("radiogroup", name="Bestellingen")
    tab_to(page, orders.get_by_label("Lezen en beheren"))
    keyboard.press("ArrowLeft")
    expect(orders.get_by_label("Lezen", exact=True)).to_be_checked()
    keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="De rechten van 'Magazijn' zijn opgeslagen")).to_be_focused()
    assert "orders:manage" not in ClientCredential.objects.get().rights
    assert "orders:read" in ClientCredential.objects.get().rights


def test_act_on_the_second_page_ends_there(settings_page: Page) -> None:
    seller = ClientCredential.objects.get().seller
    for number in range(20):
        ClientCredentialFactory(seller=seller, name=f"Kassa {number:02}")
    settings_page.goto(f"{SETTINGS}?page=2")
    settings_page.get_by_role("article").get_by_role("button", name="Verwijderen").click()
    settings_page.get_by_role("dialog").get_by_role("button", name="Verwijderen").click()
    expect_message(settings_page, "zijn verwijderd")
    expect(settings_page).to_have_url(re.compile(r"\?page=2$"))


# ---- No connection ----------------------------------------------------------------------------------------


def test_lost_connection_is_reported(settings_page: Page, problems: list[str]) -> None:
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
    expect_message(settings_page, "'Winkel' zijn aangemaakt")
    assert all("ERR_INTERNET_DISCONNECTED" in problem for problem in problems)
    problems.clear()

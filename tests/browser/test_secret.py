"""The secret of a credential: shown once, and to be taken along."""

import json

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from playwright.sync_api import Error, Page, expect

from tests.browser.seller import SECRET, SETTINGS, WITH_AND_WITHOUT_SCRIPT, ask, row
from tests.factories import PASSWORD
from tests.oauth.flow import ISSUER


def reveal(page: Page) -> str:
    """Press Toon secret, and read the secret."""
    page.get_by_role("button", name="Toon secret").click()
    return page.locator("#toon-secret").inner_text()


@WITH_AND_WITHOUT_SCRIPT
def test_second_tab_cannot_show_the_secret(settings_page: Page, scripted: bool) -> None:
    second = settings_page.context.new_page()
    second.goto(SETTINGS)
    secret = reveal(settings_page)
    answer = ask(second, scripted, second.get_by_role("button", name="Toon secret"))
    expect(answer.get_by_role("heading", level=1)).to_have_text("Het secret van 'Magazijn' is al getoond")
    expect(answer).to_contain_text(f"…{secret[-4:]}")
    assert secret not in second.content()


def test_double_click_asks_once(settings_page: Page) -> None:
    asked: list[str] = []
    settings_page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    settings_page.get_by_role("button", name="Toon secret").dblclick()
    expect(settings_page.locator("#toon-secret")).to_have_text(SECRET)
    assert len(asked) == 1


def test_closed_dialog_keeps_no_secret(settings_page: Page) -> None:
    secret = reveal(settings_page)
    assert secret in settings_page.content()
    settings_page.keyboard.press("Escape")
    expect(row(settings_page, "Magazijn")).to_contain_text(f"…{secret[-4:]}, getoond op")
    for look in (
        lambda: None,
        settings_page.reload,
        lambda: settings_page.goto("/instellingen/"),
        settings_page.go_back,
    ):
        look()
        assert secret not in settings_page.content()
    expect(row(settings_page, "Magazijn")).to_contain_text(f"…{secret[-4:]}, getoond op")


def test_page_that_is_left_keeps_no_secret(settings_page: Page) -> None:
    """Some browsers keep a page for their Back button, as it was: by then the secret is not in it."""
    secret = reveal(settings_page)
    leave = """() => {
      dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
      return document.documentElement.outerHTML;
    }"""
    assert secret not in settings_page.evaluate(leave)


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_page_of_a_secret_does_not_come_back(settings_page: Page) -> None:
    """Without script the secret stands on a page: neither Reload nor Back brings it again."""
    secret = reveal(settings_page)
    settings_page.reload()
    assert secret not in settings_page.content()
    settings_page.goto(SETTINGS)
    with pytest.raises(Error, match="ERR_CACHE_MISS"):  # Chromium asks whether to send the form again
        settings_page.go_back()
    expect(settings_page.locator("body")).not_to_contain_text(secret)


def test_secret_is_copied_and_downloaded(settings_page: Page, base_url: str) -> None:
    """Copied, or downloaded in the two forms that programs read."""
    settings_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    secret = reveal(settings_page)
    settings_page.get_by_role("button", name="Kopiëren Client secret").click()
    expect(settings_page.get_by_role("dialog").get_by_text("Gekopieerd")).to_be_visible()
    assert settings_page.evaluate("navigator.clipboard.readText()") == secret

    client_id = settings_page.locator("#toon-id").inner_text()
    lines = [f"CLIENT_ID={client_id}", f"CLIENT_SECRET={secret}", f"TOKEN_URL={ISSUER}/token"]
    assert download(settings_page, "Downloaden als .env") == ("magazijn.env", "\n".join([*lines, ""]))
    name, text = download(settings_page, "Downloaden als JSON")
    assert name == "magazijn.json"
    assert json.loads(text) == {"client_id": client_id, "client_secret": secret, "token_url": f"{ISSUER}/token"}


def test_copy_buttons_of_the_secret_are_not_covered_on_a_phone(settings_page: Page) -> None:
    """Who aims at Kopiëren must not hit Sluiten: the secret would be gone."""
    settings_page.set_viewport_size({"width": 320, "height": 480})
    reveal(settings_page)
    settings_page.get_by_role("dialog").get_by_text("Testen met curl").click()
    for button in settings_page.locator("dialog [data-copy]").all():
        button.evaluate("each => each.scrollIntoView({ block: 'center', behavior: 'instant' })")
        on_top = """each => {
          const { left, right, top, height } = each.getBoundingClientRect();
          const points = [left + 5, (left + right) / 2, right - 5];
          return points.every((x) => each.contains(document.elementFromPoint(x, top + height / 2)));
        }"""
        assert button.evaluate(on_top)


def download(page: Page, link: str) -> tuple[str, str]:
    """Return name and text of what a link downloads."""
    with page.expect_download() as started:
        page.get_by_role("link", name=link).click()
    return started.value.suggested_filename, started.value.path().read_bytes().decode()


@WITH_AND_WITHOUT_SCRIPT
def test_old_proof_of_identity_is_asked_for_again(settings_page: Page, scripted: bool) -> None:
    sign_in_was_an_hour_ago()
    settings_page.get_by_role("button", name="Toon secret").click()
    settings_page.get_by_label("Wachtwoord").fill(PASSWORD)
    settings_page.get_by_role("button", name="Bevestigen").click()
    expect(settings_page.get_by_role("heading", level=1)).to_have_text("Client secret van 'Magazijn' tonen?")
    assert SECRET.fullmatch(reveal(settings_page))


def sign_in_was_an_hour_ago() -> None:
    session = SessionStore(Session.objects.get().session_key)
    for proof in session["account_authentication_methods"]:
        proof["at"] -= 3600
    session.modified = True
    session.save()

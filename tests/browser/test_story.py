"""The seller's story: from the sign-in page to a secret, a token, an authorised party, and the end of them all."""

import json
import re
from collections.abc import Callable

import httpx
import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from playwright.sync_api import Error, Locator, Page, expect

from accounts.models import User
from apicredentials.models import ClientCredential, ThirdPartyAuthorization
from tests.browser.party import Party, call
from tests.factories import PASSWORD, ClientCredentialFactory, SellerFactory, TechnicalContactFactory, UserFactory
from tests.oauth.flow import ISSUER

type ComeIn = Callable[[User], None]

SETTINGS = "/instellingen/api/"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECRET = re.compile(r"rts_[A-Za-z0-9_]{82}")

WITH_AND_WITHOUT_SCRIPT = pytest.mark.parametrize(
    "scripted",
    [
        pytest.param(True, id="script"),
        pytest.param(False, id="no-script", marks=pytest.mark.browser_context_args(java_script_enabled=False)),
    ],
)


# ---- What a seller does -----------------------------------------------------------------------------------


def sign_in(page: Page, user: User) -> None:
    page.get_by_label("E-mailadres").fill(user.email)
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.get_by_role("button", name="Inloggen").click()
    expect(page.locator("details.menu summary").last).to_be_visible()


def sign_out(page: Page) -> None:
    page.locator("summary", has_text="Account").click()
    page.get_by_role("button", name="Uitloggen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Inloggen")


def go_to_settings(page: Page) -> None:
    """By way of Instellingen and its heading Diensten, as a seller finds the page."""
    page.locator("summary", has_text="Account").click()
    page.get_by_role("link", name="Instellingen", exact=True).first.click()
    services = page.get_by_role("region", name="Diensten")
    services.get_by_role("link", name="API Instellingen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("API Instellingen")


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


def get_token(portal: str, client_id: str, secret: str) -> httpx.Response:
    return httpx.post(f"{portal}/token", auth=(client_id, secret), data={"grant_type": "client_credentials"})


# ---- The story --------------------------------------------------------------------------------------------


@WITH_AND_WITHOUT_SCRIPT
def test_own_software(page: Page, scripted: bool, base_url: str) -> None:
    """From an account without anything to a token, and to its end."""
    user = UserFactory()
    SellerFactory(owner__user=user)
    page.goto("/")
    sign_in(page, user)
    go_to_settings(page)
    save_contact(page)
    create(page, scripted, "Magazijn")

    answer = ask(page, scripted, row(page, "Magazijn").get_by_role("button", name="Toon secret"))
    client_id, secret = answer.locator("#toon-id").inner_text(), answer.locator("#toon-secret").inner_text()
    assert UUID.fullmatch(client_id)
    assert SECRET.fullmatch(secret)
    expect(answer.get_by_text("Nog niet gebruikt.")).to_be_visible()
    answered = get_token(base_url, client_id, secret).json()
    token = answered.pop("access_token")
    assert answered == {"token_type": "Bearer", "expires_in": 299, "scope": "RETAILER"}
    assert call(base_url, token) == 200
    expect_first_call(page, scripted, answer)
    answer.get_by_role("link", name="Ik heb het opgeslagen").click()
    expect(row(page, "Magazijn")).to_contain_text(f"…{secret[-4:]}, getoond op")
    assert secret not in page.content()

    answer = ask(page, scripted, row(page, "Magazijn").get_by_role("button", name="Verwijderen"))
    answer.get_by_role("button", name="Verwijderen").click()
    expect_message(page, "‘Magazijn’ zijn verwijderd")
    assert call(base_url, token) == 401
    assert get_token(base_url, client_id, secret).status_code == 401


def save_contact(page: Page) -> None:
    """Fill in the only section there is; the others appear."""
    sections = page.get_by_role("main").get_by_role("heading", level=2)
    expect(sections).to_have_text(["Technisch contact"])
    page.get_by_label("Naam").fill("Sanne de Vries")
    page.get_by_label("E-mailadres").fill("techniek@winkel.example")
    page.get_by_role("button", name="Opslaan").click()
    kinds = ["Client credentials voor de Retailer API", "Geautoriseerde partijen voor de Retailer API"]
    expect(sections).to_have_text(["Technisch contact", *kinds])


def create(page: Page, scripted: bool, name: str) -> None:
    """Make a credential, at the second attempt."""
    form = ask(page, scripted, page.get_by_role("button", name="Aanmaken"))
    form.get_by_role("button", name="Aanmaken").click()
    expect(form.get_by_role("link", name="Naam: Vul een naam in.")).to_be_visible()
    form.get_by_label("Naam", exact=True).fill(name)
    form.get_by_role("button", name="Aanmaken").click()
    expect_message(page, f"‘{name}’ zijn aangemaakt")


def expect_first_call(page: Page, scripted: bool, answer: Locator) -> None:
    """Expect the page to tell of the first call: by itself, or without script when asked."""
    if scripted:
        expect(answer.get_by_text("Eerste aanroep ontvangen om")).to_be_visible()
        return
    with page.context.expect_page() as opened:
        answer.get_by_role("button", name="Controleer").click()
    expect(opened.value.get_by_text("Eerste aanroep ontvangen om")).to_be_visible()
    opened.value.close()


@WITH_AND_WITHOUT_SCRIPT
def test_somebody_elses_software(page: Page, scripted: bool, party: Party, base_url: str, come_in: ComeIn) -> None:
    """From a party's button to its card on the page, and to its end."""
    user = UserFactory()
    TechnicalContactFactory(seller=SellerFactory(owner__user=user))
    come_in(user)
    page.goto(party.url)
    page.get_by_role("link", name="Koppelen").click()
    page.get_by_role("button", name="Toestaan").click()
    expect(page.get_by_role("heading")).to_have_text("Terug bij de partij")
    tokens = party.exchange().json()
    assert party.call(tokens["access_token"]) == 200

    ends_on = date_format(timezone.localdate(ThirdPartyAuthorization.objects.get().expires_at), "j F Y")
    tokens = party.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    page.goto(SETTINGS)
    expect(row(page, party.name)).to_contain_text(f"Verloopt op{ends_on}, over 36")
    answer = ask(page, scripted, row(page, party.name).get_by_role("button", name="Verwijderen"))
    answer.get_by_role("button", name="Verwijderen").click()
    expect_message(page, f"{party.name} heeft geen toegang meer.")
    expect(row(page, party.name)).to_contain_text("Ingetrokken")
    assert party.call(tokens["access_token"]) == 401
    refused = party.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.json()["error"] == "invalid_grant"


def test_another_seller(page: Page) -> None:
    """Who signs in after somebody else, in the same browser, finds nothing of theirs."""
    users = [UserFactory(), UserFactory()]
    sellers = [SellerFactory(owner__user=user) for user in users]
    for seller in sellers:
        TechnicalContactFactory(seller=seller)
    credential = ClientCredentialFactory(seller=sellers[0], name="Magazijn")
    page.goto("/")
    sign_in(page, users[0])
    expect(row(page, "Magazijn")).to_be_visible()
    sign_out(page)
    page.go_back()
    expect(row(page, "Magazijn")).to_have_count(0)
    page.goto("/")
    sign_in(page, users[1])
    expect(page.get_by_role("banner")).to_contain_text(sellers[1].retailer_id)
    expect(row(page, "Magazijn")).to_have_count(0)
    answer = page.goto(reverse("apicredentials:credential-delete", args=[credential.client_id]))
    assert answer
    assert answer.status == 404


# ---- The secret, once -------------------------------------------------------------------------------------


@pytest.fixture
def credential() -> ClientCredential:
    """A credential whose secret nobody has asked for."""
    seller = SellerFactory()
    TechnicalContactFactory(seller=seller)
    credential: ClientCredential = ClientCredentialFactory(seller=seller, name="Magazijn")
    return credential


@pytest.fixture
def settings_page(page: Page, credential: ClientCredential, come_in: ComeIn) -> Page:
    """API Instellingen, as the credential's owner sees it."""
    assert credential.seller
    come_in(credential.seller.members.get())
    page.goto(SETTINGS)
    return page


def reveal(page: Page) -> str:
    """Press Toon secret, and read the secret."""
    page.get_by_role("button", name="Toon secret").click()
    return page.locator("#toon-secret").inner_text()


@WITH_AND_WITHOUT_SCRIPT
def test_a_second_tab_comes_too_late(settings_page: Page, scripted: bool) -> None:
    second = settings_page.context.new_page()
    second.goto(SETTINGS)
    secret = reveal(settings_page)
    answer = ask(second, scripted, second.get_by_role("button", name="Toon secret"))
    expect(answer.get_by_role("heading", level=1)).to_have_text("Het secret van 'Magazijn' is al getoond")
    expect(answer).to_contain_text(f"…{secret[-4:]}")
    assert secret not in second.content()


def test_a_double_click_asks_once(settings_page: Page) -> None:
    asked: list[str] = []
    settings_page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    settings_page.get_by_role("button", name="Toon secret").dblclick()
    expect(settings_page.locator("#toon-secret")).to_have_text(SECRET)
    assert len(asked) == 1


def test_a_closed_dialog_keeps_nothing(settings_page: Page) -> None:
    secret = reveal(settings_page)
    assert secret in settings_page.content()
    with settings_page.expect_navigation():  # the page behind it loads again
        settings_page.keyboard.press("Escape")
    for look in (
        lambda: None,
        settings_page.reload,
        lambda: settings_page.goto("/instellingen/"),
        settings_page.go_back,
    ):
        look()
        assert secret not in settings_page.content()
    expect(row(settings_page, "Magazijn")).to_contain_text(f"…{secret[-4:]}, getoond op")


def test_a_page_that_is_left_keeps_nothing(settings_page: Page) -> None:
    """Some browsers keep a page for their Back button, as it was: by then the secret is not in it."""
    secret = reveal(settings_page)
    leave = """() => {
      dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
      return document.documentElement.outerHTML;
    }"""
    assert secret not in settings_page.evaluate(leave)


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_the_page_of_a_secret_does_not_come_back(settings_page: Page) -> None:
    """Without script the secret stands on a page: neither Reload nor Back brings it again."""
    secret = reveal(settings_page)
    settings_page.reload()
    assert secret not in settings_page.content()
    settings_page.goto(SETTINGS)
    with pytest.raises(Error, match="ERR_CACHE_MISS"):  # Chromium asks whether to send the form again
        settings_page.go_back()
    expect(settings_page.locator("body")).not_to_contain_text(secret)


def test_a_secret_is_taken_along(settings_page: Page, base_url: str) -> None:
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


def test_on_a_phone_nothing_lies_over_what_takes_the_secret_along(settings_page: Page) -> None:
    """Who aims at Kopiëren must not hit Sluiten: the secret would be gone."""
    settings_page.set_viewport_size({"width": 320, "height": 480})
    reveal(settings_page)
    for button in settings_page.locator("dialog [data-copy]").all():
        button.evaluate("each => { dialog.scrollTop = each.offsetTop }")
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
def test_an_old_proof_of_identity_is_asked_for_again(settings_page: Page, scripted: bool) -> None:
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

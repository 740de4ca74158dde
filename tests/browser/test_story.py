"""The seller's story: from the sign-in page to a secret, a token, an authorised party, and the end of them all."""

import re
from collections.abc import Callable

import httpx
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from apicredentials.models import ThirdPartyAuthorization
from tests.browser.party import Party, call
from tests.browser.seller import SECRET, SETTINGS, WITH_AND_WITHOUT_SCRIPT, ask, expect_message, row
from tests.factories import PASSWORD, ClientCredentialFactory, SellerFactory, TechnicalContactFactory, UserFactory

type ComeIn = Callable[[User], None]

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


# ---- What a seller does -----------------------------------------------------------------------------------


def sign_in(page: Page, user: User) -> None:
    page.get_by_label("E-mailadres").fill(user.email)
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.get_by_role("button", name="Inloggen", exact=True).click()
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
    expect(answer.get_by_text("Nog niet gebruikt")).to_be_visible()
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
    expect_message(page, "'Magazijn' zijn verwijderd")
    assert call(base_url, token) == 401
    assert get_token(base_url, client_id, secret).status_code == 401


def save_contact(page: Page) -> None:
    """Fill in the only section there is; the others appear."""
    sections = page.get_by_role("main").get_by_role("heading", level=2)
    expect(sections).to_have_text(["Technisch contact", "Zo gaat het verder"])
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
    expect_message(page, f"'{name}' zijn aangemaakt")


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
    expect(row(page, party.name)).to_contain_text(f"{ends_on}over 36")
    answer = ask(page, scripted, row(page, party.name).get_by_role("button", name="Verwijderen"))
    answer.get_by_role("button", name="Verwijderen").click()
    expect_message(page, f"{party.name} heeft geen toegang meer.")
    page.get_by_text("Eerdere partijen").click()
    expect(page.get_by_role("listitem").filter(has_text="Ingetrokken op").last).to_contain_text(party.name)
    assert party.call(tokens["access_token"]) == 401
    refused = party.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.json()["error"] == "invalid_grant"


def test_next_user_of_the_browser_sees_nothing_of_the_former(page: Page) -> None:
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

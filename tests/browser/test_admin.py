"""`/beheer/` in Chromium: Django's admin and our pages in it, under the same policy as the portal."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Actor, User
from apicredentials.models import ThirdParty, ThirdPartyLogo, Usage
from tests.admin.pictures import PNG
from tests.factories import (
    AnnouncementFactory,
    ClientCredentialFactory,
    ResourceServerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    UserFactory,
)
from tests.inventory import admin_pages
from tests.mailbox import send_due_mail

type ComeIn = Callable[[User], None]
type Axe = Callable[[Page], None]


@pytest.fixture(autouse=True)
def _operator(come_in: ComeIn) -> None:
    come_in(UserFactory(name="Kim", is_staff=True, is_superuser=True))


def test_party_is_registered_with_its_logo_and_gets_its_secret(page: Page, tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(PNG)
    page.goto("/beheer/apicredentials/thirdparty/add/")
    page.get_by_label("Naam:").fill("Orderwijs")
    page.get_by_label("Redirect URI's").fill("https://orderwijs.example/terug")
    page.get_by_role("radiogroup", name="Facturen").get_by_label("Geen").check()
    page.locator("input[type=file]").set_input_files(logo)
    page.get_by_role("button", name="Opslaan", exact=True).click()
    party = ThirdParty.objects.get()
    assert "invoices:read" not in party.rights
    page.get_by_role("link", name="Toon secret").click()
    page.get_by_role("button", name="Toon secret").click()
    shown = page.locator("code").last.inner_text()
    assert shown.endswith(party.secrets.get().hint)
    # Going back and sending the form again shows no secret, not even the same one.
    page.go_back()
    page.get_by_role("button", name="Toon secret").click()
    expect(page.get_by_role("main")).to_contain_text("is al getoond")
    assert shown not in page.content()


@pytest.mark.parametrize("name", ["thirdparty", "resourceserver"])
def test_form_of_a_client_can_be_worked_with(page: Page, name: str) -> None:
    ThirdPartyLogo.set_for(ThirdPartyAuthorizationFactory().third_party, PNG, by=Actor())
    ResourceServerFactory()
    page.goto(f"/beheer/apicredentials/{name}/")
    page.locator("#result_list tbody th a").click()
    expect(page.get_by_role("link", name="Toon secret")).to_be_visible()
    page.get_by_role("link", name="Geschiedenis").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Wijzigingsgeschiedenis")


def test_act_is_chosen_in_the_list_and_done_with_a_reason(page: Page) -> None:
    party = ThirdPartyAuthorizationFactory(third_party__name="Orderwijs").third_party
    page.goto("/beheer/apicredentials/thirdparty/")
    page.get_by_role("checkbox", name="Orderwijs").check()
    page.get_by_label("Actie:").select_option("Stilzetten")
    page.get_by_role("button", name="Uitvoeren").click()
    expect(page.get_by_role("main")).to_contain_text("Orderwijs")
    page.get_by_label("Reden:").fill("Klacht 4711")
    page.get_by_role("button", name="Stilzetten").click()
    expect(page.get_by_text("Stilzetten: gedaan voor 1.")).to_be_visible()
    party.refresh_from_db()
    assert party.paused_at


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_every_page_is_for_everyone(page: Page, axe: Axe, width: int, scheme: str) -> None:
    """Also with rows on it, and on the pages that Django brings."""
    contact = TechnicalContactFactory()
    ClientCredentialFactory(seller=contact.seller).reveal(by=Actor())
    party = ThirdPartyAuthorizationFactory(seller=contact.seller).third_party
    ThirdPartyLogo.set_for(party, PNG, by=Actor())
    ResourceServerFactory()
    AnnouncementFactory()
    Group.objects.create(name="Helpdesk")
    UserFactory(email="iemand.met.een.lange.naam@een-winkel-met-een-lange-naam.example")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    previews = reverse("admin:apicredentials_outgoingmail_previews")
    secret = reverse("admin:apicredentials_thirdparty_secret", args=[party.pk])
    for address in sorted({*admin_pages(), previews, f"{previews}authorization_ends/", secret}):
        page.goto(address)
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width, address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_announcement_is_written_read_over_and_sent(page: Page, axe: Axe, width: int, scheme: str) -> None:
    def look() -> None:
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width

    contact = TechnicalContactFactory()
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto("/beheer/apicredentials/announcement/")
    look()
    page.get_by_role("link", name="Mededeling toevoegen").click()
    page.get_by_label("Onderwerp:").fill("Onderhoud op 7 maart")
    page.get_by_label("Tekst:").fill(f"Eerst dit.\n\nMeer: https://status.example/{'x' * 80}")
    look()
    page.get_by_role("button", name="Opslaan", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("1 adres")
    look()
    page.get_by_role("link", name="Versturen").click()
    page.get_by_role("button", name="Nu versturen").click()
    expect(page.get_by_text("Vul een reden in.")).to_be_visible()
    look()
    page.get_by_label("Reden:").fill("Wijziging 4711")
    page.get_by_role("button", name="Nu versturen").click()
    expect(page.get_by_role("main")).to_contain_text("0 van 1 verstuurd, 1 nog te gaan")
    look()
    assert [message.to for message in send_due_mail()] == [[contact.email]]
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("1 van 1 verstuurd")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (320, "light"), (320, "dark")])
def test_search_finds_a_connection_with_its_cause_and_problems(page: Page, axe: Axe, width: int, scheme: str) -> None:
    authorization = ThirdPartyAuthorizationFactory(seller__display_name="De Zwaan")
    authorization.third_party.pause(by=Actor(reason="Inbraak"))
    at, day = timezone.now(), timezone.localdate()
    values = {"event": "missing_right", "right": "orders:read", "count": 500, "first_at": at, "last_at": at}
    Usage.objects.create(subject=authorization.uid, day=day, agent="x" * 200, **values)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto("/beheer/")
    expect(page.get_by_role("listitem").filter(has_text="500 keer geweigerd")).to_be_visible()
    for term, shown in (("", "Vul in wat je zoekt."), ("xyzzy", "Niets gevonden"), ("zwaan", "Recht ontbreekt")):
        page.get_by_label("Zoek een verkoper").fill(term)
        page.get_by_role("button", name="Zoeken").click()
        expect(page.get_by_role("main")).to_contain_text(shown)
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.goto(reverse("admin:apicredentials_thirdpartyauthorization_change", args=[authorization.pk]))
    expect(page.get_by_role("main")).to_contain_text("Recht ontbreekt")
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width


BROKEN_WORDS = """() => {
  const texts = document.createTreeWalker(document.querySelector("#content"), NodeFilter.SHOW_TEXT), broken = [];
  for (let text; (text = texts.nextNode()); )
    for (const word of text.data.matchAll(/\\p{L}+/gu)) {
      const range = new Range();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(line => line.top)).size > 1) broken.push(word[0]);
    }
  return broken;
}"""


def test_start_page_breaks_no_word_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/beheer/")
    assert page.evaluate(BROKEN_WORDS) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_logo_is_drawn_where_sellers_see_it(page: Page, come_in: ComeIn) -> None:
    contact = TechnicalContactFactory()
    party = ThirdPartyAuthorizationFactory(seller=contact.seller).third_party
    ThirdPartyLogo.set_for(party, PNG, by=Actor())
    come_in(contact.seller.members.get())
    page.goto("/instellingen/api/")
    image = page.locator("img.party__logo")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.complete && image.naturalWidth > 0")

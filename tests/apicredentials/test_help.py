"""`/hulp/`: getting started, the integrator's guide, openapi.yaml and the partners; open to anybody."""

import re
import shlex
from typing import Any

import pytest
import yaml
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Actor, Seller
from tests.factories import ThirdPartyAuthorizationFactory, ThirdPartyFactory
from tests.journeys.pages import Page
from tests.people import says

pytestmark = pytest.mark.django_db

START, API, OPENAPI, PARTNERS = "/hulp/", "/hulp/api/", "/hulp/api/openapi.yaml", "/hulp/partners/"


def open_page(client: Client, url: str) -> Page:
    answer = client.get(url)
    assert answer.status_code == 200
    return Page(answer.content.decode(), url).part("main")


@pytest.mark.parametrize("url", [START, API, OPENAPI, PARTNERS])
def test_help_is_open_without_and_with_an_account(client: Client, owner: Client, url: str) -> None:
    assert client.get(url).status_code == owner.get(url).status_code == 200
    assert client.post(url).status_code == 405


@pytest.mark.parametrize("url", ["/uitloggen/", "/instellingen/", "/instellingen/api/", "/bestaat-niet/", START])
def test_every_footer_leads_here(owner: Client, url: str) -> None:
    footer = Page(owner.get(url).content.decode(), url).part("footer")
    assert footer.link("Hulp") == START
    assert footer.link("API-documentatie") == API


def test_sections_lead_to_their_part(owner: Client, seller: Seller) -> None:
    page = Page(owner.get("/instellingen/api/").content.decode(), "/instellingen/api/").part("main")
    ThirdPartyAuthorizationFactory(seller=seller)
    links = {link["href"] for link in page.root.all("a") if link.words == "Hoe werkt dit?"}
    assert links
    for link in links:
        assert open_page(owner, START).at(link.removeprefix("/hulp/#"))


def test_marketplaces_own_links_are_there_as_far_as_they_are_set(client: Client, settings: Settings) -> None:
    set_links: dict[str, Any] = {
        "HELP_URL": "https://help.example/",
        "API_DOCS_URL": "https://docs.example/",
        "STATUS_URL": "https://status.example/",
        "SUPPORT_EMAIL": "hulp@example.nl",
    }
    hrefs = [*list(set_links.values())[:3], "mailto:hulp@example.nl"]
    for name in set_links:
        setattr(settings, name, "")
    content = client.get(START).content.decode()
    assert not [href for href in hrefs if href in content]
    for name, value in set_links.items():
        setattr(settings, name, value)
    for part in ("footer", "main"):
        links = [link["href"] for link in Page(client.get(START).content.decode()).part(part).root.all("a")]
        assert set(hrefs) <= set(links)


# ---- Aan de slag ------------------------------------------------------------------------------------------


def test_curl_lines_work(client: Client, settings: Settings) -> None:
    """Their arguments are those of the token endpoint and of a first call; a browser test runs them."""
    page = open_page(client, START)
    for place, last in (("curl-token", "/token"), ("curl-aanroep", "/retailer/retailers/current")):
        code = page.at(place)
        assert code
        arguments = shlex.split(code.words.replace("\\ ", ""))
        assert arguments[-1] == f"{settings.ISSUER_URL}{last}"


@pytest.mark.parametrize("id", ["401", "403", "429", "scope", "kwijt", "gelekt", "gestopt"])
def test_questions_have_an_address(client: Client, id: str) -> None:
    found = open_page(client, START).at(id)
    assert found
    assert found.tag == "details"


# ---- API-documentatie -------------------------------------------------------------------------------------


def test_guide_is_complete_and_its_links_lead_somewhere(client: Client) -> None:
    page = open_page(client, API)
    assert page.headings[0] == "For integrators"
    assert list(page.root.all("table"))
    for link in page.root.all("a"):
        href = link["href"]
        if href.startswith("#"):
            assert page.at(href[1:]), href
        elif not href.startswith("http"):
            assert client.get(href).status_code in {200, 302}, href


def test_openapi_is_a_file(client: Client) -> None:
    answer = client.get(OPENAPI)
    assert answer["Content-Type"] == "application/openapi+yaml"
    assert yaml.safe_load(answer.content)["openapi"].startswith("3.")


# ---- Partners ---------------------------------------------------------------------------------------------


def test_only_what_the_operator_listed_is_shown_by_level_and_name(client: Client) -> None:
    listed: dict[str, Any] = {"is_listed": True, "start_url": "https://partij.example/start"}
    for name, level in (("Zeven", "gold"), ("Acht", ""), ("Een", "bronze"), ("Twee", "gold"), ("Drie", "silver")):
        ThirdPartyFactory(name=name, level=level, description=f"Doet {name}.", **listed)
    ThirdPartyFactory(name="Niet in de lijst", start_url="https://partij.example/")
    ThirdPartyFactory(name="Stilgezet", **listed).pause(by=Actor())
    page = open_page(client, PARTNERS)
    rows = list(page.root.all("article"))
    assert [next(row.all("h3")).words for row in rows] == ["Twee", "Zeven", "Drie", "Een", "Acht"]
    assert "Goud" in rows[0].words
    assert "Doet Twee." in rows[0].words
    assert "Vraagt:" in rows[0].words
    assert page.link("Koppelen") == "https://partij.example/start"


def test_connected_partner_leads_to_its_page(owner: Client, seller: Seller) -> None:
    party = ThirdPartyFactory(is_listed=True, start_url="https://partij.example/")
    authorization = ThirdPartyAuthorizationFactory(seller=seller, third_party=party)
    page = open_page(owner, PARTNERS)
    assert page.link("Bekijken") == f"/instellingen/api/partijen/{authorization.uid}/"
    assert "Actief" in page.words
    assert not [link for link in page.root.all("a") if link.words == "Koppelen"]


def test_without_partners_it_says_how_to_begin(client: Client) -> None:
    assert "Dat begint bij het bedrijf zelf" in says(client.get(PARTNERS))


def test_name_is_text(client: Client) -> None:
    ThirdPartyFactory(name="<b>x</b>", description="<i>y</i>", is_listed=True, start_url="https://p.example/")
    content = client.get(PARTNERS).content.decode()
    assert not re.search("<b>x|<i>y", content)

"""`/logo/<client id>/<digest>`: the logo of a third party, for everyone."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Actor, Seller
from apicredentials.models import Activity, ThirdParty, ThirdPartyLogo
from apicredentials.models.logos import MAXIMUM_BYTES, to_png
from tests.admin.pictures import JPEG, PNG, SVG, picture
from tests.factories import TechnicalContactFactory, ThirdPartyAuthorizationFactory, ThirdPartyFactory
from tests.journeys.pages import Element, Page
from tests.oauth.flow import request_address, software
from tests.people import signed_in

# ---- Display ----------------------------------------------------------------------------------------------


@pytest.fixture
def party(db: None) -> ThirdParty:
    return with_logo(ThirdPartyFactory(name="Orderwijs"))


def with_logo(party: ThirdParty, content: bytes = PNG) -> ThirdParty:
    ThirdPartyLogo.set_for(party, content, by=Actor())
    return party


def url(party: ThirdParty) -> str:
    return ThirdPartyLogo.objects.get(third_party=party).url


@pytest.mark.parametrize("content", [PNG, JPEG], ids=["PNG", "JPEG"])
def test_everyone_can_read_the_logo_as_a_png(client: Client, party: ThirdParty, content: bytes) -> None:
    with_logo(party, content)
    answer = client.get(url(party))
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert answer.content == to_png(content)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert client.head(url(party)).status_code == 200


def test_logo_is_cached_by_the_browser_only(party: ThirdParty) -> None:
    authorization = ThirdPartyAuthorizationFactory(third_party=party)
    answer = signed_in(authorization.seller.members.get()).get(url(party))
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"


def test_address_contains_the_party_and_a_digest(party: ThirdParty) -> None:
    first = url(party)
    assert re.fullmatch(rf"/logo/{party.client_id}/[0-9a-f]{{64}}", first)
    with_logo(party, JPEG)
    assert url(party) != first


@pytest.mark.parametrize("wrong", ["digest", "party", "none"])
def test_other_address_is_not_found(client: Client, party: ThirdParty, wrong: str) -> None:
    address = url(party)
    other = with_logo(ThirdPartyFactory(), JPEG)
    if wrong == "digest":
        address = address[:-1] + ("0" if address[-1] != "0" else "1")
    elif wrong == "party":
        address = address.replace(party.client_id, other.client_id)
    else:
        party.logo.remove(by=Actor())
    answer = client.get(address)
    assert answer.status_code == 404
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("digest", ["%00", "%ff", "a" * 5000, "..%2f..", "%E2%80%AE"])
def test_malformed_address_is_not_found(client: Client, party: ThirdParty, digest: str) -> None:
    assert client.get(f"/logo/{party.client_id}/{digest}").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(client: Client, party: ThirdParty, method: str) -> None:
    assert client.generic(method, url(party)).status_code == 405


def logo_on(page: Page) -> Element:
    """Return the logo or letter of the party; it is hidden from screen readers, because the name is beside it."""
    (found,) = [each for each in page.root.all("img", "span") if "party__logo" in each["class"].split()]
    if found.tag == "img":
        assert found.attributes["alt"] == ""
    else:
        assert found["aria-hidden"] == "true"
    return found


def consent_page(party: ThirdParty) -> Page:
    seller = TechnicalContactFactory().seller
    address = request_address(software(party))
    return Page(signed_in(seller.members.get()).get(address).content.decode())


def settings_page(seller: Seller) -> Page:
    return Page(signed_in(seller.members.get()).get("/instellingen/api/").content.decode())


def test_consent_page_shows_the_logo(party: ThirdParty) -> None:
    assert logo_on(consent_page(party))["src"] == url(party)


def test_row_of_the_party_shows_the_logo(party: ThirdParty) -> None:
    seller = TechnicalContactFactory().seller
    ThirdPartyAuthorizationFactory(seller=seller, third_party=party)
    assert logo_on(settings_page(seller))["src"] == url(party)


@pytest.mark.django_db
def test_party_without_a_logo_shows_its_first_letter() -> None:
    party = ThirdPartyFactory(name="zendwijs")
    assert logo_on(consent_page(party)).words == "Z"
    seller = TechnicalContactFactory().seller
    ThirdPartyAuthorizationFactory(seller=seller, third_party=party)
    assert logo_on(settings_page(seller)).words == "Z"


@pytest.mark.django_db
def test_number_of_queries_is_independent_of_the_number_of_logos() -> None:
    seller = TechnicalContactFactory().seller
    client = signed_in(seller.members.get())

    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/instellingen/api/").status_code == 200
        return [query["sql"] for query in captured]

    queries()  # the first one updates the session
    ThirdPartyAuthorizationFactory(seller=seller)
    few = queries()
    for content in (PNG, JPEG, PNG):
        ThirdPartyAuthorizationFactory(seller=seller, third_party=with_logo(ThirdPartyFactory(), content))
    many = queries()
    assert len(many) == len(few)
    assert not [sql for sql in many if re.search(r'thirdpartylogo"\."content', sql)]


@pytest.mark.django_db
def test_consent_page_does_not_read_the_content_of_the_logo(party: ThirdParty) -> None:
    client = signed_in(TechnicalContactFactory().seller.members.get())
    address = request_address(software(party))
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    asking = [query["sql"] for query in captured if "thirdpartylogo" in query["sql"]]
    assert len(asking) == 1
    assert not re.search(r'thirdpartylogo"\."content', asking[0])


# ---- Changes ----------------------------------------------------------------------------------------------


def test_change_of_a_logo_is_logged_once(party: ThirdParty) -> None:
    with_logo(party)  # the same again
    activity = Activity.objects.get()
    assert (activity.kind, activity.seller, activity.subject) == (Activity.Kind.CLIENT_CHANGED, None, "Orderwijs")
    assert str(activity.target) == party.client_id
    assert activity.explanation == "Gewijzigd: logo."
    party.logo.remove(by=Actor())
    party.logo.remove(by=Actor())
    assert Activity.objects.count() == 2
    assert not ThirdPartyLogo.objects.exists()


def test_new_logo_replaces_the_old_one(party: ThirdParty) -> None:
    with_logo(party, JPEG)
    assert bytes(ThirdPartyLogo.objects.get().content) == to_png(JPEG)


def test_invalid_logo_leaves_the_old_one(party: ThirdParty) -> None:
    with pytest.raises(ValidationError):
        with_logo(party, SVG)
    assert bytes(ThirdPartyLogo.objects.get().content) == to_png(PNG)


def change(operator: Client, party: ThirdParty, **fields: object) -> None:
    """Save the form of the party in the admin."""
    address = reverse("admin:apicredentials_thirdparty_change", args=[party.pk])
    form = Page(operator.get(address).content.decode(), address).form("Opslaan")
    answer = operator.post(address, form.fill() | fields)
    assert answer.status_code == 302, answer.context["adminform"].form.errors


def upload(content: bytes, name: str = "logo.png", content_type: str = "text/html") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type)


def test_name_and_type_of_an_upload_are_ignored(operator: Client, party: ThirdParty) -> None:
    change(operator, party, logo=upload(JPEG, "../../kwaad.html"))
    assert bytes(ThirdPartyLogo.objects.get().content) == to_png(JPEG)


def test_operator_removes_the_logo(operator: Client, party: ThirdParty) -> None:
    change(operator, party, **{"logo-clear": "on"})
    assert not ThirdPartyLogo.objects.exists()
    change(operator, party, **{"logo-clear": "on"})
    assert Activity.objects.count() == 2


def test_saving_other_fields_keeps_the_logo(operator: Client, party: ThirdParty) -> None:
    before = url(party)
    change(operator, party, name="Orderwijs B.V.")
    assert url(party) == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (SVG, "Dit is geen geldige PNG, JPEG of WebP. Kies een ander bestand."),
        (picture(size=(2049, 8)), "Dit logo is te groot: hoogstens 2048 bij 2048 pixels."),
        (b"x" * (MAXIMUM_BYTES + 1), "Dit bestand is te groot: hoogstens 512 kB."),
    ],
)
def test_invalid_upload_is_explained_and_nothing_is_saved(
    operator: Client, party: ThirdParty, content: bytes, words: str
) -> None:
    before = url(party)
    address = reverse("admin:apicredentials_thirdparty_change", args=[party.pk])
    form = Page(operator.get(address).content.decode(), address).form("Opslaan")
    answer = operator.post(address, form.fill() | {"name": "Anders", "logo": upload(content)})
    assert answer.status_code == 200
    assert words in answer.content.decode()
    party.refresh_from_db()
    assert (party.name, url(party)) == ("Orderwijs", before)

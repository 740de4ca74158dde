"""`/inloggen/bevestigen/`: who does something sensitive shows that it is still them, every 30 minutes."""

import datetime as dt
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlencode

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials.models import ClientCredential, ThirdPartyAuthorization
from tests.accounts.test_sign_in import ELSEWHERE
from tests.factories import (
    PASSWORD,
    ClientCredentialFactory,
    MembershipFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyFactory,
    UserFactory,
)
from tests.journeys.pages import Page
from tests.people import PROVE, codes, is_signed_in, says, sign_in, signed_in
from tests.rights import posted

pytestmark = pytest.mark.django_db

SETTINGS = "/instellingen/api/"


@pytest.fixture
def seller() -> Seller:
    return TechnicalContactFactory().seller


@pytest.fixture
def credential(seller: Seller) -> ClientCredential:
    return ClientCredentialFactory(seller=seller, name="Magazijn")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


@pytest.fixture
def owner(clock: time_machine.Traveller, seller: Seller) -> Client:
    """The owner of `seller`, who has just signed in."""
    return signed_in(seller.members.get())


def reveal(credential: ClientCredential) -> str:
    return f"/instellingen/api/credentials/{credential.client_id}/secret/"


def delete(credential: ClientCredential) -> str:
    return f"/instellingen/api/credentials/{credential.client_id}/verwijderen/"


def consent(credential: ClientCredential) -> str:
    party = ThirdPartyFactory(pkce_required=False)
    query = {"client_id": party.client_id, "response_type": "code", "redirect_uri": party.redirect_uris, "state": "a&b"}
    return f"/authorize?{urlencode(query)}"


SENSITIVE = pytest.mark.parametrize("address", [reveal, delete, consent])
type AddressOf = Callable[[ClientCredential], str]


@SENSITIVE
def test_sign_in_is_proof_for_thirty_minutes(
    owner: Client, credential: ClientCredential, clock: time_machine.Traveller, address: AddressOf
) -> None:
    url = address(credential)
    clock.shift(dt.timedelta(minutes=29, seconds=59))
    assert owner.get(url).status_code == 200
    clock.shift(dt.timedelta(seconds=1))
    assert owner.get(url)["Location"] == f"{PROVE}?next={quote(url, safe='')}"


@SENSITIVE
def test_proof_leads_back_and_lasts_thirty_minutes(
    owner: Client, credential: ClientCredential, clock: time_machine.Traveller, address: AddressOf
) -> None:
    url = address(credential)
    clock.shift(dt.timedelta(minutes=31))
    page = Page(owner.get(url, follow=True).content.decode())
    form = page.form("Bevestigen")
    answer = owner.post(form.address, form.fill(Wachtwoord=PASSWORD))
    assert answer["Location"] == url
    clock.shift(dt.timedelta(minutes=29))
    assert owner.get(url).status_code == 200


@SENSITIVE
def test_act_without_recent_proof_is_not_done(
    owner: Client, credential: ClientCredential, clock: time_machine.Traveller, address: AddressOf
) -> None:
    url = address(credential)
    clock.shift(dt.timedelta(minutes=31))
    assert owner.post(url, {"allow": "yes", **posted(["orders:read"])})["Location"].startswith(f"{PROVE}?next=")
    credential.refresh_from_db()
    assert not credential.is_revealed
    assert credential.deleted_at is None
    assert not ThirdPartyAuthorization.objects.exists()


@SENSITIVE
def test_proof_does_not_carry_out_the_earlier_post(
    owner: Client, credential: ClientCredential, clock: time_machine.Traveller, address: AddressOf
) -> None:
    url = address(credential)
    clock.shift(dt.timedelta(minutes=31))
    page = owner.post(url, {"allow": "yes", **posted(["orders:read"])}, follow=True)
    form = Page(page.content.decode()).form("Bevestigen")
    assert owner.post(form.address, form.fill(Wachtwoord=PASSWORD), follow=True).status_code == 200
    credential.refresh_from_db()
    assert not credential.is_revealed
    assert credential.deleted_at is None
    assert not ThirdPartyAuthorization.objects.exists()


def test_other_pages_need_no_proof(owner: Client, credential: ClientCredential, clock: time_machine.Traveller) -> None:
    clock.shift(dt.timedelta(minutes=31))
    assert owner.get(SETTINGS).status_code == 200
    assert owner.get("/instellingen/api/credentials/").status_code == 200


def test_wrong_password_is_no_proof(owner: Client, credential: ClientCredential, clock: time_machine.Traveller) -> None:
    clock.shift(dt.timedelta(minutes=31))
    answer = owner.post(PROVE, {"password": "een-verkeerd-wachtwoord", "next": reveal(credential)})
    assert codes(answer.context["form"]) == {"password": ["incorrect_password"]}
    assert owner.get(reveal(credential)).status_code == 302


def test_password_of_another_user_is_no_proof(
    owner: Client, seller: Seller, credential: ClientCredential, clock: time_machine.Traveller
) -> None:
    MembershipFactory(seller=seller, user__password="het-wachtwoord-van-een-ander")
    clock.shift(dt.timedelta(minutes=31))
    answer = owner.post(PROVE, {"password": "het-wachtwoord-van-een-ander"})
    assert codes(answer.context["form"]) == {"password": ["incorrect_password"]}


def test_wrong_passwords_are_throttled(
    owner: Client, credential: ClientCredential, clock: time_machine.Traveller
) -> None:
    clock.shift(dt.timedelta(minutes=31))
    for _ in range(5):
        owner.post(PROVE, {"password": "een-verkeerd-wachtwoord"})
    answer = owner.post(PROVE, {"password": PASSWORD})
    assert codes(answer.context["form"]) == {"password": ["too_many_login_attempts"]}
    for _ in range(4):
        owner.post(PROVE, {"password": "een-verkeerd-wachtwoord"})
    refused = owner.post(PROVE, {"password": PASSWORD})
    assert refused.status_code == 429
    assert "Even wachten" in says(refused)
    assert is_signed_in(owner)
    clock.shift(dt.timedelta(minutes=5, seconds=1))
    assert owner.post(PROVE, {"password": PASSWORD})["Location"] == SETTINGS


@pytest.mark.parametrize("following", ELSEWHERE)
def test_next_stays_on_the_site(owner: Client, following: str) -> None:
    assert owner.post(PROVE, {"password": PASSWORD, "next": following})["Location"] == SETTINGS


def test_proof_in_one_browser_does_not_count_in_another(
    owner: Client, seller: Seller, credential: ClientCredential, clock: time_machine.Traveller
) -> None:
    clock.shift(dt.timedelta(minutes=31))
    signed_in(seller.members.get())
    assert owner.get(reveal(credential)).status_code == 302


def test_proof_does_not_count_for_the_next_user_of_the_browser(
    owner: Client, seller: Seller, credential: ClientCredential, clock: time_machine.Traveller
) -> None:
    owner.force_login(MembershipFactory(seller=seller).user)
    assert owner.get(reveal(credential))["Location"].startswith(PROVE)


def test_page_names_the_user(owner: Client, seller: Seller) -> None:
    page = Page(owner.get(PROVE).content.decode()).part("main")
    assert page.headings == ["Bevestig dat jij het bent"]
    assert seller.members.get().email in page.words


def test_visitor_signs_in_first(client: Client) -> None:
    assert client.get(PROVE)["Location"] == f"/inloggen/?next={PROVE}"
    assert client.post(PROVE, {"password": PASSWORD})["Location"] == f"/inloggen/?next={PROVE}"


def test_csrf_is_enforced() -> None:
    client = signed_in(SellerFactory().members.get(), enforce_csrf_checks=True)
    assert client.post(PROVE, {"password": PASSWORD}).status_code == 403


def test_user_whose_address_had_capitals_can_give_proof() -> None:
    client = Client()
    sign_in(client, UserFactory(email="Sanne.DeVries@Winkel.example"))
    assert client.post(PROVE, {"password": PASSWORD}).status_code == 302


def test_new_contact_address_needs_proof_and_is_kept_meanwhile(
    owner: Client, seller: Seller, clock: time_machine.Traveller
) -> None:
    before = seller.technical_contact.email
    typed = {"name": "Kim", "email": "kim@winkel.example", "phone_number": ""}
    clock.shift(31 * 60)
    answer = owner.post("/instellingen/api/contact/", typed)
    assert answer["Location"].startswith(PROVE)
    page = owner.post(answer["Location"], {"password": PASSWORD}, follow=True)
    assert page.redirect_chain[-1][0] == "/instellingen/api/contact/"
    assert "Dit is nog niet gedaan" in says(page)
    assert page.context["form"].data.dict() == typed
    seller.technical_contact.refresh_from_db()
    assert seller.technical_contact.email == before
    assert owner.get("/instellingen/api/contact/").context["form"].data == {}
    assert owner.post("/instellingen/api/contact/", typed)["Location"] == "/instellingen/api/"
    seller.technical_contact.refresh_from_db()
    assert seller.technical_contact.email == "kim@winkel.example"


def test_new_contact_name_needs_no_proof(owner: Client, seller: Seller, clock: time_machine.Traveller) -> None:
    clock.shift(31 * 60)
    typed = {"name": "Kim", "email": seller.technical_contact.email, "phone_number": ""}
    assert owner.post("/instellingen/api/contact/", typed)["Location"] == "/instellingen/api/"
    seller.technical_contact.refresh_from_db()
    assert seller.technical_contact.name == "Kim"


def rights(credential: ClientCredential) -> str:
    return f"/instellingen/api/credentials/{credential.client_id}/rechten/"


def rotate(credential: ClientCredential) -> str:
    credential.reveal(by=Actor())
    return f"/instellingen/api/credentials/{credential.client_id}/nieuw-secret/"


def end(credential: ClientCredential) -> str:
    rotate(credential)
    credential.rotate(overlap=dt.timedelta(days=7), by=Actor())
    return f"/instellingen/api/credentials/{credential.client_id}/oud-secret/{credential.secrets.earliest('pk').pk}/"


@pytest.mark.parametrize(
    "page_and_choice",
    [
        (rights, "Opslaan", "right-offers", ["read"]),
        (rotate, "Nieuw secret", "overlap", ["30d"]),
        (end, "Opslaan", "overlap", ["30d"]),
        (consent, "Toestaan", "right-offers", ["read"]),
    ],
)
def test_choice_is_filled_in_again_after_the_proof(
    owner: Client,
    credential: ClientCredential,
    clock: time_machine.Traveller,
    page_and_choice: tuple[AddressOf, str, str, list[str]],
) -> None:
    address, button, name, values = page_and_choice
    url = address(credential)
    before = [credential.scope, *credential.secrets.values_list("ends_at")]
    clock.shift(31 * 60)
    answer = owner.post(owner.post(url, {name: values})["Location"], {"password": PASSWORD}, follow=True)
    page = Page(answer.content.decode()).part("main")
    assert answer.status_code == 200
    assert "Dit is nog niet gedaan" in page.words
    assert page.form(button).fill()[name] == values
    credential.refresh_from_db()
    assert [credential.scope, *credential.secrets.values_list("ends_at")] == before
    assert "Dit is nog niet gedaan" not in says(owner.get(url))


def test_choice_is_not_filled_in_on_another_page(
    owner: Client, seller: Seller, credential: ClientCredential, clock: time_machine.Traveller
) -> None:
    other = ClientCredentialFactory(seller=seller)
    clock.shift(31 * 60)
    proof = owner.post(rights(credential), posted(["offers:read"]))["Location"]
    owner.post(proof, {"password": PASSWORD})
    assert "Dit is nog niet gedaan" not in says(owner.get(rights(other)))
    assert "Dit is nog niet gedaan" in says(owner.get(rights(credential)))

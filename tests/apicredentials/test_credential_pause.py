"""`…/credentials/<id>/pauzeren/` and `…/hervatten/`: everything stops for a while, and goes on as it was."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials.exceptions import AlreadyPaused, NotPaused, Refusal
from apicredentials.keys.hash_keys import digest
from apicredentials.models import Activity, ClientCredential
from apicredentials.models.leak_reports import report_leak
from tests.apicredentials.test_credential_rotate import works
from tests.factories import ClientCredentialFactory
from tests.journeys.pages import Page
from tests.oauth.flow import software, verify
from tests.people import says

SETTINGS = "/instellingen/api/"


def address(credential: ClientCredential, act: str) -> str:
    return f"{SETTINGS}credentials/{credential.client_id}/{act}/"


def row(client: Client) -> Page:
    return Page(client.get(SETTINGS).content.decode(), SETTINGS).part("main").part("article")


def tags(page: Page) -> list[str]:
    return [tag.words for tag in page.root.all("span") if "tag" in tag["class"].split()]


# ---- Pauzeren -----------------------------------------------------------------------------------------------


def test_pause_asks_first_and_says_what_will_stop(owner: Client, credential: ClientCredential) -> None:
    credential.reveal(by=Actor())
    credential.secrets.update(
        last_used_at=dt.datetime(2026, 1, 2, 11, 3, tzinfo=dt.UTC), last_used_address="192.0.2.7", last_used_agent="k/1"
    )
    page = Page(owner.get(address(credential, "pauzeren")).content.decode()).part("main")
    assert page.headings == ["Client credentials 'Magazijn' pauzeren?"]
    for fact in ("2 januari 2026 om 12:03", "192.0.2.7", "k/1"):
        assert fact in page.words
    assert page.form("Pauzeren").method == "post"
    assert page.link("Annuleren") == SETTINGS
    credential.refresh_from_db()
    assert credential.paused_at is None


def test_page_leads_here_and_the_row_says_so(owner: Client, credential: ClientCredential) -> None:
    url = f"{SETTINGS}credentials/{credential.client_id}/"
    found = Page(owner.get(url).content.decode(), url).part("main")
    assert found.form("Pauzeren").address == address(credential, "pauzeren")
    answer = owner.post(address(credential, "pauzeren"), follow=True)
    assert answer.redirect_chain == [(SETTINGS, 302)]
    assert "'Magazijn' is gepauzeerd." in says(answer)
    page = row(owner)
    assert tags(page) == ["Gepauzeerd"]
    assert page.form("Hervatten", of="Magazijn").address == address(credential, "hervatten")


def test_secret_and_tokens_stop_at_once_and_work_again_after(owner: Client, credential: ClientCredential) -> None:
    warehouse = software(credential)
    token = warehouse.access_token()
    assert verify(token).status_code == 204
    owner.post(address(credential, "pauzeren"))
    assert verify(token).status_code == 401
    assert not works(credential, warehouse.secret)
    owner.post(address(credential, "hervatten"))
    assert verify(token).status_code == 204
    assert works(credential, warehouse.secret)


def test_other_credentials_keep_working(owner: Client, seller: Seller, credential: ClientCredential) -> None:
    token = software(ClientCredentialFactory(seller=seller)).access_token()
    owner.post(address(credential, "pauzeren"))
    assert verify(token).status_code == 204


def test_second_pause_changes_nothing(owner: Client, credential: ClientCredential) -> None:
    owner.post(address(credential, "pauzeren"))
    credential.refresh_from_db()
    paused_at = credential.paused_at
    owner.post(address(credential, "pauzeren"))
    credential.refresh_from_db()
    assert credential.paused_at == paused_at
    assert [activity.kind for activity in Activity.objects.all()] == [Activity.Kind.CREDENTIAL_PAUSED]


@pytest.mark.parametrize("act", ["pauzeren", "hervatten"])
def test_deleted_one_is_not_there(owner: Client, seller: Seller, act: str) -> None:
    deleted = ClientCredentialFactory(seller=seller, deleted=True)
    for answer in (owner.get(address(deleted, act)), owner.post(address(deleted, act))):
        assert answer.status_code == 404


@pytest.mark.parametrize("act", ["pauzeren", "hervatten"])
def test_stranger_changes_nothing(stranger: Client, seller: Seller, act: str) -> None:
    theirs = ClientCredentialFactory(seller=seller, paused=act == "hervatten")
    for answer in (stranger.get(address(theirs, act)), stranger.post(address(theirs, act))):
        assert answer.status_code == 404
    before = theirs.paused_at
    theirs.refresh_from_db()
    assert theirs.paused_at == before
    assert not Activity.objects.exists()


# ---- Hervatten ----------------------------------------------------------------------------------------------


def test_resuming_asks_first_too(owner: Client, seller: Seller) -> None:
    paused = ClientCredentialFactory(seller=seller, name="Magazijn", paused=True, revealed=True)
    page = Page(owner.get(address(paused, "hervatten")).content.decode()).part("main")
    assert page.headings == ["Client credentials 'Magazijn' hervatten?"]
    assert "meteen weer toegang" in page.words
    assert page.form("Hervatten").method == "post"
    paused.refresh_from_db()
    assert paused.paused_at is not None


def test_resuming_is_said_and_written_down(owner: Client, seller: Seller) -> None:
    paused = ClientCredentialFactory(seller=seller, name="Magazijn", paused=True, revealed=True)
    assert "'Magazijn' is hervat en werkt weer." in says(owner.post(address(paused, "hervatten"), follow=True))
    assert tags(row(owner)) == ["Actief"]
    activity = Activity.objects.get()
    assert (activity.kind, activity.user) == (Activity.Kind.CREDENTIAL_RESUMED, seller.members.get())


@pytest.mark.parametrize(("act", "refusal"), [("hervatten", NotPaused), ("pauzeren", AlreadyPaused)])
def test_act_that_is_done_already_is_refused(owner: Client, seller: Seller, act: str, refusal: type[Refusal]) -> None:
    credential = ClientCredentialFactory(seller=seller, paused=act == "pauzeren")
    for ask_or_act in (owner.get, owner.post):
        answer = ask_or_act(address(credential, act), follow=True)
        assert answer.redirect_chain == [(SETTINGS, 302)]
        assert refusal.message in says(answer)
    assert not Activity.objects.exists()


def test_pausing_asks_no_password_and_resuming_does(owner: Client, credential: ClientCredential) -> None:
    """Pausing needs no proof of identity; resuming does."""
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31)):
        assert owner.post(address(credential, "pauzeren"))["Location"] == SETTINGS
        answer = owner.post(address(credential, "hervatten"))
    assert answer["Location"].startswith("/inloggen/bevestigen/?next=")
    credential.refresh_from_db()
    assert credential.paused_at is not None


# ---- After a leak -------------------------------------------------------------------------------------------


@pytest.fixture
def leaked(credential: ClientCredential) -> ClientCredential:
    report_leak([digest(credential.reveal(by=Actor()))], by=Actor.machine())
    credential.refresh_from_db()
    return credential


def test_leak_shows_on_the_row_with_what_to_do(owner: Client, leaked: ClientCredential) -> None:
    page = row(owner)
    assert tags(page) == ["Gelekt"]
    assert "Dat secret werkt niet meer" in page.words
    assert page.buttons("Nieuw secret", of="Magazijn")
    leaked.rotate(overlap=dt.timedelta(), by=Actor())
    assert row(owner).buttons("Hervatten", of="Magazijn")


def test_resuming_after_a_leak_is_refused_until_there_is_a_new_secret(owner: Client, leaked: ClientCredential) -> None:
    page = Page(owner.get(address(leaked, "hervatten")).content.decode(), SETTINGS).part("main")
    assert page.link("Nieuw secret").endswith("/nieuw-secret/")
    assert not page.buttons("Hervatten")
    answer = owner.post(address(leaked, "hervatten"), follow=True)
    assert "Het secret is gelekt. Maak eerst een nieuw secret." in says(answer)
    leaked.refresh_from_db()
    assert leaked.paused_at is not None


def test_leaked_credential_works_after_a_new_secret_and_resuming(owner: Client, leaked: ClientCredential) -> None:
    answer = owner.post(address(leaked, "nieuw-secret"), {"overlap": "0"})
    assert answer.status_code == 200
    assert tags(row(owner)) == ["Gelekt"]
    owner.post(address(leaked, "hervatten"))
    assert tags(row(owner)) == ["Actief"]
    owner.post(address(leaked, "pauzeren"))
    assert tags(row(owner)) == ["Gepauzeerd"]

"""`…/credentials/<id>/oud-secret/<pk>/`: the old secret of two ends sooner, or later."""

import datetime as dt

import pytest
import time_machine
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials.models import Activity, ClientCredential, ClientSecret
from tests.apicredentials.test_credential_rotate import works
from tests.factories import ClientCredentialFactory
from tests.journeys.pages import Page
from tests.people import codes, says

SETTINGS = "/instellingen/api/"
NOW = dt.datetime(2026, 6, 1, 10, tzinfo=dt.UTC)


def address(secret: ClientSecret) -> str:
    return f"{SETTINGS}credentials/{secret.client.client_id}/oud-secret/{secret.pk}/"


@pytest.fixture
def plaintexts(credential: ClientCredential) -> list[str]:
    """The old secret, which works for seven days more, and the new one."""
    return [credential.reveal(by=Actor()), credential.rotate(overlap=dt.timedelta(days=7), by=Actor())]


@pytest.fixture
def old(credential: ClientCredential, plaintexts: list[str]) -> ClientSecret:
    return credential.secrets.earliest("pk")


def test_page_of_the_credential_leads_here(owner: Client, old: ClientSecret) -> None:
    page = f"{SETTINGS}credentials/{old.client.client_id}/"
    found = Page(owner.get(page).content.decode(), page).part("main")
    assert found.form("Einde wijzigen", of="Oud").address == address(old)


def test_form_says_which_secret_and_asks_until_when(owner: Client, old: ClientSecret, plaintexts: list[str]) -> None:
    page = Page(owner.get(address(old)).content.decode(), address(old)).part("main")
    assert page.headings == ["Wanneer eindigt het oude secret van 'Magazijn'?"]
    assert f"met {plaintexts[0][-4:]} eindigt" in page.words
    assert "Laatst gebruikt: Nog niet" in page.words
    assert list(page.form("Opslaan").fields) == ["nu", "over 24 uur", "over 7 dagen", "over 30 dagen"]


@pytest.mark.parametrize(("overlap", "days"), [("24h", 1), ("30d", 30)])
def test_old_secret_ends_sooner_or_later(owner: Client, old: ClientSecret, overlap: str, days: int) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        answer = owner.post(address(old), {"overlap": overlap}, follow=True)
        old.refresh_from_db()
        assert old.ends_at == timezone.now() + dt.timedelta(days=days)
    assert answer.redirect_chain == [(SETTINGS, 302)]
    assert "Het einde van het oude secret is gewijzigd." in says(answer)


def test_old_secret_ends_at_once_with_nu(
    owner: Client, credential: ClientCredential, old: ClientSecret, plaintexts: list[str]
) -> None:
    assert works(credential, plaintexts[0])
    owner.post(address(old), {"overlap": "0"})
    assert [works(credential, secret) for secret in plaintexts] == [False, True]
    assert not Page(owner.get(f"{SETTINGS}credentials/{credential.client_id}/").content.decode()).buttons(
        "Einde wijzigen"
    )


def test_form_says_when_the_end_is_safe(
    owner: Client, credential: ClientCredential, old: ClientSecret, plaintexts: list[str]
) -> None:
    for sentence, suggested in (
        ("krijgt na het einde geen nieuwe tokens meer", "24h"),
        ("Je kunt het oude nu veilig laten eindigen.", "0"),
    ):
        page = Page(owner.get(address(old)).content.decode())
        assert sentence in page.words
        assert page.form("Opslaan").fill()["overlap"] == [suggested]
        assert works(credential, plaintexts[1])


def test_use_that_nobody_noted_does_not_make_it_safe(
    owner: Client, credential: ClientCredential, old: ClientSecret, plaintexts: list[str]
) -> None:
    """Both are used within a minute, of which only the first use of each is written down."""
    safe = "Je kunt het oude nu veilig laten eindigen."
    start = timezone.now()
    for seconds, secret in ((0, plaintexts[0]), (20, plaintexts[1]), (40, plaintexts[0])):
        with time_machine.travel(start + dt.timedelta(seconds=seconds), tick=False):
            assert works(credential, secret)
    assert safe not in says(owner.get(address(old)))
    longer = dt.timedelta(days=1, minutes=1)
    credential.secrets.update(first_used_at=F("first_used_at") - longer, last_used_at=F("last_used_at") - longer)
    assert safe in says(owner.get(address(old)))


def test_newest_one_has_no_end_to_move(owner: Client, credential: ClientCredential, old: ClientSecret) -> None:
    newest = credential.secrets.latest("pk")
    for answer in (owner.get(address(newest)), owner.post(address(newest), {"overlap": "0"})):
        assert answer.status_code == 404
    newest.refresh_from_db()
    assert newest.ends_at is None


def test_ended_secret_cannot_be_extended(
    owner: Client, credential: ClientCredential, old: ClientSecret, plaintexts: list[str]
) -> None:
    owner.post(address(old), {"overlap": "0"})
    logged = Activity.objects.count()
    page = Page(owner.get(address(old)).content.decode()).part("main")
    assert "werkt niet meer sinds" in page.words
    assert not page.buttons("Opslaan")
    answer = owner.post(address(old), {"overlap": "30d"}, follow=True)
    assert "Dit secret is al beëindigd." in says(answer)
    assert not works(credential, plaintexts[0])
    assert Activity.objects.count() == logged


def test_secret_belongs_to_its_own_credential(owner: Client, seller: Seller, old: ClientSecret) -> None:
    other = ClientCredentialFactory(seller=seller, revealed=True)
    mixed = f"{SETTINGS}credentials/{other.client_id}/oud-secret/{old.pk}/"
    assert owner.post(mixed, {"overlap": "0"}).status_code == 404
    assert old.is_live


@pytest.mark.parametrize(("overlap", "code"), [("", "required"), ("1", "invalid_choice")])
def test_another_end_is_refused(owner: Client, old: ClientSecret, overlap: str, code: str) -> None:
    ends_at = old.ends_at
    answer = owner.post(address(old), {"overlap": overlap})
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == {"overlap": [code]}
    old.refresh_from_db()
    assert old.ends_at == ends_at


def test_log_says_when_the_secret_ends(owner: Client, old: ClientSecret) -> None:
    with time_machine.travel(NOW, tick=False):
        old.ends_at = NOW + dt.timedelta(days=3)
        old.save()
        old.end_after(dt.timedelta(days=1), by=Actor())
    activity = Activity.objects.latest("pk")
    assert (activity.kind, activity.subject) == (Activity.Kind.SECRET_END_CHANGED, "Magazijn")
    assert activity.explanation == "Einde van het oude secret: 2 juni 2026 om 12:00."


def test_stranger_ends_nothing(stranger: Client, old: ClientSecret) -> None:
    for answer in (stranger.get(address(old)), stranger.post(address(old), {"overlap": "0"})):
        assert answer.status_code == 404
    old.refresh_from_db()
    assert old.is_live


def test_password_is_asked_again_after_half_an_hour(owner: Client, old: ClientSecret) -> None:
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31)):
        answer = owner.post(address(old), {"overlap": "0"})
    assert answer["Location"].startswith("/inloggen/bevestigen/?next=")
    old.refresh_from_db()
    assert old.is_live

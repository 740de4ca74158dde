"""`…/credentials/<id>/terugzetten/`: what was deleted comes back within thirty days, as it was."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Actor, Membership, Seller
from apicredentials.keys.hash_keys import digest
from apicredentials.models import Activity, ClientCredential
from apicredentials.models.leak_reports import report_leak
from tests.apicredentials.test_credential_rotate import works
from tests.factories import ClientCredentialFactory, MembershipFactory
from tests.journeys.pages import Page
from tests.oauth.flow import software, verify
from tests.people import says, signed_in

SETTINGS = "/instellingen/api/"


def address(credential: ClientCredential) -> str:
    return f"{SETTINGS}credentials/{credential.client_id}/terugzetten/"


@pytest.fixture
def deleted(credential: ClientCredential) -> ClientCredential:
    credential.delete_softly(by=Actor())
    return credential


def test_page_lists_what_can_come_back_and_until_when(owner: Client, seller: Seller) -> None:
    at = dt.datetime(2026, 6, 1, 10, tzinfo=dt.UTC)
    deleted = ClientCredentialFactory(seller=seller, name="Oud", deleted_at=at)
    with time_machine.travel(at + dt.timedelta(days=10), tick=False):
        page = Page(signed_in(seller.members.get()).get(SETTINGS).content.decode(), SETTINGS).part("main")
    assert "Verwijderd 1, nog 20 dagen terug te zetten" in page.words
    assert "Terugzetten tot 1 juli 2026 over 20 dagen" in page.words
    assert page.form("Terugzetten", of="Oud").address == address(deleted)
    assert [next(row.all("h4")).words for row in page.root.all("article")] == ["Oud"]


def test_restore_asks_first(owner: Client, deleted: ClientCredential) -> None:
    page = Page(owner.get(address(deleted)).content.decode(), address(deleted)).part("main")
    assert page.headings == ["Client credentials 'Magazijn' terugzetten?"]
    assert page.form("Terugzetten").method == "post"
    deleted.refresh_from_db()
    assert deleted.deleted_at is not None


def test_credential_comes_back_with_secret_and_tokens(owner: Client, credential: ClientCredential) -> None:
    warehouse = software(credential)
    token = warehouse.access_token()
    credential.delete_softly(by=Actor())
    assert verify(token).status_code == 401
    answer = owner.post(address(credential), follow=True)
    assert answer.redirect_chain == [(SETTINGS, 302)]
    assert "'Magazijn' is teruggezet en werkt weer." in says(answer)
    assert Page(answer.content.decode()).part("article").headings == ["Magazijn"]
    assert verify(token).status_code == 204
    assert works(credential, warehouse.secret)


def test_paused_credential_stays_paused(owner: Client, seller: Seller) -> None:
    paused = ClientCredentialFactory(seller=seller, paused=True, revealed=True, deleted=True)
    assert "en dat blijven ze" in says(owner.get(address(paused)))
    answer = says(owner.post(address(paused), follow=True))
    assert f"'{paused.name}' is teruggezet, en nog steeds gepauzeerd." in answer
    paused.refresh_from_db()
    assert (paused.deleted_at is None, paused.paused_at is None) == (True, False)


def test_credential_without_a_secret_is_not_reported_as_working(owner: Client, deleted: ClientCredential) -> None:
    answer = owner.post(address(deleted), follow=True)
    assert "'Magazijn' is teruggezet. Toon nu het secret." in says(answer)


@pytest.mark.parametrize(("days", "status"), [(29.99, 302), (30.01, 404)])
def test_deletion_can_be_undone_for_thirty_days(owner: Client, seller: Seller, days: float, status: int) -> None:
    old = ClientCredentialFactory(seller=seller, deleted_at=timezone.now() - dt.timedelta(days=days))
    assert bool(Page(owner.get(SETTINGS).content.decode()).buttons("Terugzetten")) is (status == 302)
    assert owner.post(address(old)).status_code == status
    old.refresh_from_db()
    assert (old.deleted_at is None) is (status == 302)


def test_deletion_of_a_leaked_credential_cannot_be_undone(owner: Client, credential: ClientCredential) -> None:
    report_leak([digest(credential.reveal(by=Actor()))], by=Actor.machine())
    delete = address(credential).replace("terugzetten", "verwijderen")
    assert "Daarom kun je dit niet ongedaan maken." in says(owner.get(delete))
    answer = owner.post(delete, follow=True)
    assert "'Magazijn' zijn verwijderd." in says(answer)
    assert "terugzetten" not in says(answer)
    for answer in (owner.get(address(credential)), owner.post(address(credential))):
        assert answer.status_code == 404
    assert not Page(owner.get(SETTINGS).content.decode()).buttons("Terugzetten")


def test_deleting_says_that_it_can_be_undone_and_what_stops(owner: Client, credential: ClientCredential) -> None:
    delete = address(credential).replace("terugzetten", "verwijderen")
    words = says(owner.get(delete))
    assert "Je kunt ze 30 dagen lang terugzetten" in words
    assert "Ze zijn nog nooit gebruikt." in words
    credential.reveal(by=Actor())
    credential.secrets.update(
        last_used_at=dt.datetime(2026, 1, 2, 11, 3, tzinfo=dt.UTC), last_used_address="192.0.2.7", last_used_agent="k/1"
    )
    words = says(owner.get(delete))
    for fact in ("2 januari 2026 om 12:03", "192.0.2.7", "k/1"):
        assert fact in words


def test_restoring_is_refused_when_the_name_is_taken(owner: Client, seller: Seller, deleted: ClientCredential) -> None:
    ClientCredentialFactory(seller=seller, name="MAGAZIJN")
    answer = owner.post(address(deleted), follow=True)
    assert "Er zijn intussen andere client credentials met deze naam. Geef die eerst een andere naam." in says(answer)
    deleted.refresh_from_db()
    assert deleted.deleted_at is not None


def test_restoring_is_refused_when_the_seller_has_the_maximum(
    owner: Client, seller: Seller, deleted: ClientCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClientCredential, "MAXIMUM_PER_SELLER", 1)
    ClientCredentialFactory(seller=seller)
    assert "Je hebt al 1 client credentials, meer kan niet." in says(owner.post(address(deleted), follow=True))


def test_second_of_two_clicks_at_once_finds_it_done(deleted: ClientCredential) -> None:
    first, second = (ClientCredential.objects.get(pk=deleted.pk) for _ in range(2))
    first.restore(by=Actor())
    second.restore(by=Actor())
    assert second.deleted_at is None
    assert Activity.objects.filter(kind=Activity.Kind.CREDENTIAL_RESTORED).count() == 1


def test_present_credential_cannot_be_restored(owner: Client, credential: ClientCredential) -> None:
    for answer in (owner.get(address(credential)), owner.post(address(credential))):
        assert answer.status_code == 404


def test_log_says_that_the_credential_was_restored(owner: Client, deleted: ClientCredential) -> None:
    owner.post(address(deleted))
    activity = Activity.objects.latest("pk")
    assert (activity.kind, activity.subject) == (Activity.Kind.CREDENTIAL_RESTORED, "Magazijn")


def test_stranger_restores_nothing(stranger: Client, deleted: ClientCredential) -> None:
    for answer in (stranger.get(address(deleted)), stranger.post(address(deleted))):
        assert answer.status_code == 404
    assert "Magazijn" not in says(stranger.get(SETTINGS))


def test_reader_sees_it_without_the_button(seller: Seller, deleted: ClientCredential) -> None:
    reader = MembershipFactory(seller=seller, role=Membership.Role.READ_ONLY).user
    page = Page(signed_in(reader).get(SETTINGS).content.decode()).part("main")
    assert "Verwijderd 1," in page.words
    assert not page.buttons("Terugzetten")


def test_password_is_asked_again_after_half_an_hour(owner: Client, deleted: ClientCredential) -> None:
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31)):
        answer = owner.post(address(deleted))
    assert answer["Location"].startswith("/inloggen/bevestigen/?next=")
    deleted.refresh_from_db()
    assert deleted.deleted_at is not None

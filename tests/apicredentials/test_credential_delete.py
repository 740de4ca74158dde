"""`…/credentials/<id>/verwijderen/`: a credential, its secrets and its tokens end together."""

import datetime as dt
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.models import Actor, Seller
from apicredentials.models import Activity, ClientCredential
from tests.factories import ClientCredentialFactory
from tests.journeys.pages import Page
from tests.people import says, signed_in

SETTINGS = "/instellingen/api/"


def address(credential: ClientCredential) -> str:
    return f"{SETTINGS}credentials/{credential.client_id}/verwijderen/"


def get_token(credential: ClientCredential, secret: str) -> str:
    """Return a new token, or the code of the error."""
    fields = {"grant_type": "client_credentials", "client_id": credential.client_id, "client_secret": secret}
    answer = Client().post("/token", urlencode(fields), content_type="application/x-www-form-urlencoded").json()
    return str(answer.get("access_token") or answer["error"])


def use(token: str) -> list[int]:
    """Return how the API and the gateway's question answer this token."""
    bearer = {"Authorization": f"Bearer {token}"}
    return [Client().get(url, headers=bearer).status_code for url in ("/retailer/retailers/current", "/verify")]


def test_delete_asks_first_and_says_what_will_stop(owner: Client, credential: ClientCredential) -> None:
    page = Page(owner.get(address(credential)).content.decode(), address(credential)).part("main")
    assert "Magazijn" in page.headings[0]
    assert "Appels" in page.words
    assert page.form("Verwijderen").method == "post"
    assert page.link("Annuleren") == SETTINGS
    credential.refresh_from_db()
    assert credential.deleted_at is None


def test_confirming_takes_it_off_the_page(owner: Client, credential: ClientCredential) -> None:
    form = Page(owner.get(address(credential)).content.decode(), address(credential)).part("main").form("Verwijderen")
    answer = owner.post(form.address, form.fill(), follow=True)
    assert answer.redirect_chain == [(SETTINGS, 302)]
    assert "Client credentials 'Magazijn' zijn verwijderd." in says(answer)
    assert not Page(answer.content.decode()).buttons("Toon secret")


def test_secret_and_tokens_stop_at_the_next_request(owner: Client, credential: ClientCredential) -> None:
    secret = credential.reveal(by=Actor())
    token = get_token(credential, secret)
    assert use(token) == [200, 204]
    owner.post(address(credential))
    assert use(token) == [401, 401]
    assert get_token(credential, secret) == "invalid_client"


def test_old_secret_of_a_rotation_stops_too(owner: Client, credential: ClientCredential) -> None:
    secrets = [credential.reveal(by=Actor()), credential.rotate(overlap=dt.timedelta(days=1), by=Actor())]
    owner.post(address(credential))
    assert [get_token(credential, secret) for secret in secrets] == ["invalid_client"] * 2


def test_other_credentials_keep_working(owner: Client, seller: Seller, credential: ClientCredential) -> None:
    other, elsewhere = ClientCredentialFactory(seller=seller), ClientCredentialFactory()
    tokens = [get_token(each, each.reveal(by=Actor())) for each in (other, elsewhere)]
    owner.post(address(credential))
    assert [use(token) for token in tokens] == [[200, 204]] * 2


def test_log_says_who_deleted_the_credential(owner: Client, seller: Seller, credential: ClientCredential) -> None:
    owner.post(address(credential))
    activity = Activity.objects.get()
    assert (activity.kind, activity.subject) == (Activity.Kind.CREDENTIAL_DELETED, "Magazijn")
    assert (activity.seller, activity.user) == (seller, seller.members.get())
    assert activity.address == "127.0.0.1"


def test_second_time_there_is_nothing_to_delete(owner: Client, credential: ClientCredential) -> None:
    owner.post(address(credential))
    for answer in (owner.get(address(credential)), owner.post(address(credential))):
        assert answer.status_code == 404
    assert Activity.objects.count() == 1


def test_credential_deleted_meanwhile_is_reported(
    owner: Client, credential: ClientCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = ClientCredential.lock

    def delete_first(self: ClientCredential) -> None:
        ClientCredential.objects.filter(pk=self.pk).update(deleted_at=self.created)
        lock(self)

    monkeypatch.setattr(ClientCredential, "lock", delete_first)
    answer = owner.post(address(credential), follow=True)
    assert "zijn intussen verwijderd" in says(answer)
    assert not Activity.objects.exists()


def test_stranger_deletes_nothing(stranger: Client, credential: ClientCredential) -> None:
    secret = credential.reveal(by=Actor())
    for answer in (stranger.get(address(credential)), stranger.post(address(credential))):
        assert answer.status_code == 404
    assert use(get_token(credential, secret)) == [200, 204]


def test_credential_without_a_secret_can_be_deleted(owner: Client, credential: ClientCredential) -> None:
    assert owner.post(address(credential)).status_code == 302
    credential.refresh_from_db()
    assert credential.deleted_at


@pytest.mark.parametrize("role", ["owner", "administrator", "technical"])
def test_every_role_that_can_write_can_delete(seller: Seller, credential: ClientCredential, role: str) -> None:
    membership = seller.memberships.get()
    membership.role = role
    membership.save()
    assert signed_in(membership.user).post(address(credential)).status_code == 302

"""`…/credentials/<id>/secret/`: the first secret, made and shown by one request, and kept nowhere."""

import base64
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import Actor, Seller
from apicredentials.keys import secret_format
from apicredentials.keys.hash_keys import new_hash_key
from apicredentials.models import Activity, ClientCredential
from apicredentials.views import credential_views
from tests.factories import ClientCredentialFactory, UserFactory
from tests.inventory import admin_pages, sessions, tables
from tests.journeys.pages import Page
from tests.logged import listening
from tests.mailbox import send_due_mail
from tests.people import says, signed_in

SETTINGS = "/instellingen/api/"
SECRET = re.compile(r"rts_[A-Za-z0-9]{82}")


def address(credential: ClientCredential) -> str:
    return f"{SETTINGS}credentials/{credential.client_id}/secret/"


def reveal(client: Client, credential: ClientCredential) -> str:
    """Press Toon secret and return what is shown."""
    answer = client.post(address(credential))
    assert answer.status_code == 200
    (secret,) = set(SECRET.findall(answer.content.decode()))
    return str(secret)


def get_token(client_id: str, secret: str) -> int:
    """Ask for a token with these credentials; return the status."""
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    form = "application/x-www-form-urlencoded"
    answer = Client().post(
        "/token", "grant_type=client_credentials", content_type=form, headers={"Authorization": f"Basic {basic}"}
    )
    return answer.status_code


# ---- Shown once -------------------------------------------------------------------------------------------


def test_post_shows_a_secret_that_works(owner: Client, credential: ClientCredential) -> None:
    secret = reveal(owner, credential)
    assert secret_format.is_well_formed(secret)
    assert get_token(credential.client_id, secret) == 200


def test_answer_is_stored_by_nobody_and_leads_nowhere(owner: Client, credential: ClientCredential) -> None:
    answer = owner.post(address(credential))
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert "Location" not in answer


def test_answer_has_id_and_secret_to_copy_and_a_call_to_try(owner: Client, credential: ClientCredential) -> None:
    page = Page(owner.post(address(credential)).content.decode()).part("main")
    codes = [code.words for code in page.root.all("code") if code["translate"] == "no" or "curl" in code.words]
    secret = next(code for code in codes if SECRET.fullmatch(code))
    assert credential.client_id in codes
    assert any(f"{credential.client_id}:{secret}" in code and "http://testserver/token" in code for code in codes)


def test_second_time_shows_nothing(owner: Client, seller: Seller, credential: ClientCredential) -> None:
    secret = reveal(owner, credential)
    for client in (owner, signed_in(seller.members.get())):
        answer = client.post(address(credential))
        assert answer.status_code == 409
        assert not SECRET.search(answer.content.decode())
        assert "is al getoond" in says(answer)
        assert f"…{secret[-4:]}" in says(answer)
    assert get_token(credential.client_id, secret) == 200
    assert credential.secrets.count() == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_makes_none(owner: Client, credential: ClientCredential, method: str) -> None:
    answer = owner.generic(method, address(credential))
    assert answer.status_code == 200
    assert not SECRET.search(answer.content.decode())
    assert not credential.secrets.exists()


def test_looking_asks_first(owner: Client, credential: ClientCredential) -> None:
    form = Page(owner.get(address(credential)).content.decode(), address(credential)).part("main").form("Toon secret")
    assert (form.method, form.address) == ("post", address(credential))


def test_each_credential_has_a_secret_of_its_own(owner: Client, seller: Seller) -> None:
    credentials = [ClientCredentialFactory(seller=seller) for _ in range(3)]
    secrets = [reveal(owner, credential) for credential in credentials]
    assert len(set(secrets)) == 3
    assert get_token(credentials[0].client_id, secrets[1]) == 401


def test_deleted_credential_has_none_to_show(owner: Client, seller: Seller) -> None:
    deleted = ClientCredentialFactory(seller=seller, deleted=True)
    assert owner.post(address(deleted)).status_code == 404
    assert not deleted.secrets.exists()


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
    assert not credential.secrets.exists()


def test_log_says_who_saw_the_secret(owner: Client, seller: Seller, credential: ClientCredential) -> None:
    secret = reveal(owner, credential)
    activity = Activity.objects.get()
    assert (activity.kind, activity.subject) == (Activity.Kind.SECRET_REVEALED, "Magazijn")
    assert (activity.user, activity.address) == (seller.members.get(), "127.0.0.1")
    kept = credential.secrets.get()
    assert (kept.created_by, kept.hint, kept.ends_at) == (activity.user, secret[-4:], None)


def test_stranger_gets_no_secret_and_uses_up_none(
    stranger: Client, owner: Client, credential: ClientCredential
) -> None:
    assert stranger.post(address(credential)).status_code == 404
    reveal(owner, credential)


@pytest.mark.parametrize("data", [{"client_secret": "rts_planted"}, {"secret": "rts_planted"}, {"hint": "0000"}])
def test_posted_secret_is_ignored(owner: Client, credential: ClientCredential, data: dict[str, str]) -> None:
    answer = owner.post(address(credential), data)
    assert "planted" not in answer.content.decode()
    assert credential.secrets.get().hint != "0000"


# ---- Kept nowhere -----------------------------------------------------------------------------------------


def spellings(secret: str) -> list[str]:
    """Return how a secret might be found."""
    encoded = secret.encode()
    # Inside something longer, base64 begins at any of three places.
    return [secret, secret[4:-4], encoded.hex(), *(base64.b64encode(encoded[at:])[:80].decode() for at in range(3))]


def test_plaintext_is_nowhere(owner: Client, credential: ClientCredential) -> None:
    operator = signed_in(UserFactory(is_staff=True, is_superuser=True))
    with listening(everything=True) as log, listening(everything=True, format="json") as json_log:
        connection.force_debug_cursor = True
        try:
            secret = reveal(owner, credential)
            assert get_token(credential.client_id, secret) == 200
            assert get_token(credential.client_id, secret[:-1]) == 401
            owner.post(address(credential))
            pages = [owner.get(SETTINGS), owner.get(address(credential)), *map(operator.get, admin_pages())]
        finally:
            connection.force_debug_cursor = False
    places = {
        "database": repr(tables()),
        "sessions": repr(sessions()),
        "cookies": repr(owner.cookies) + repr(operator.cookies),
        "log": log.getvalue(),
        "log as json": json_log.getvalue(),
        "mail": "".join(message.message().as_string() for message in send_due_mail()),
        "pages": repr([page.content for page in pages]),
    }
    # These places are really looked into.
    assert credential.secrets.get().hash in places["database"]
    assert "INSERT INTO" in places["log"]
    assert credential.client_id in places["pages"]
    for name, text in places.items():
        assert not [spelling for spelling in spellings(secret) if spelling in text], name


def test_hash_is_no_secret(owner: Client, credential: ClientCredential) -> None:
    secret = reveal(owner, credential)
    stored = credential.secrets.get().hash
    for guess in (stored, stored.rpartition("$")[2], f"rts_{stored}", secret[:-1], secret + "x", secret.lower(), ""):
        assert get_token(credential.client_id, guess) == 401


def test_hash_is_worth_nothing_without_its_key(owner: Client, credential: ClientCredential, settings: Settings) -> None:
    secret = reveal(owner, credential)
    settings.SECRET_HASH_KEYS = new_hash_key()
    assert get_token(credential.client_id, secret) == 401


def test_error_while_it_is_drawn_does_not_log_it(
    owner: Client, credential: ClientCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        raise RuntimeError(f"cannot draw {context}")

    monkeypatch.setattr(credential_views, "render", fail)
    owner.raise_request_exception = False
    with listening(everything=True) as log:
        answer = owner.post(address(credential))
    assert answer.status_code == 500
    assert "cannot draw" in log.getvalue()
    for text in (log.getvalue(), answer.content.decode()):
        assert not SECRET.search(text)


# ---- The secret itself ------------------------------------------------------------------------------------


def test_secret_needs_no_escaping_anywhere(owner: Client, credential: ClientCredential) -> None:
    secret = reveal(owner, credential)
    assert len(secret) == 86
    assert urlencode({"s": secret}) == f"s={secret}"
    assert credential.client_id == quote(credential.client_id)


def test_secret_that_an_operator_created_cannot_be_shown_again(owner: Client, credential: ClientCredential) -> None:
    credential.reveal(by=Actor())
    assert owner.post(address(credential)).status_code == 409

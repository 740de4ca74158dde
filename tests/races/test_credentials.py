"""Concurrent clicks on the pages of credentials, and deletion while tokens are issued."""

import datetime as dt
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.test import Client

from accounts.models import Actor, Seller
from apicredentials.exceptions import TooManySecrets
from apicredentials.models import Activity, ClientCredential, ClientSecret
from apicredentials.oauth import access_tokens
from tests.factories import ClientCredentialFactory, TechnicalContactFactory
from tests.oauth.flow import GRANT, Software, assert_error, software, verify
from tests.people import signed_in
from tests.races.collisions import at_once, elsewhere
from tests.rights import posted

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

SETTINGS = "/instellingen/api/"


@pytest.fixture
def tabs(seller: Seller) -> list[Client]:
    """Two browsers of the owner."""
    return [signed_in(seller.members.get()) for _ in range(2)]


def secrets_in(answer: Any) -> list[str]:
    return re.findall(r"rts_[A-Za-z0-9]{82}", answer.content.decode())


# ---- Toon secret ------------------------------------------------------------------------------------------


def test_one_of_two_concurrent_reveals_shows_the_secret(seller: Seller, tabs: list[Client]) -> None:
    """V2.3.4, V15.4.2."""
    credential = ClientCredentialFactory(seller=seller)
    address = f"{SETTINGS}credentials/{credential.client_id}/secret/"
    answers = at_once(credential, *(partial(tab.post, address) for tab in tabs))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (shown,) = {secret for answer in answers for secret in secrets_in(answer)}
    assert ClientSecret.objects.filter(client=credential).count() == 1
    assert Activity.objects.filter(kind=Activity.Kind.SECRET_REVEALED).count() == 1
    assert Software(credential.client_id, shown).token(**GRANT).status_code == 200


def test_one_of_two_concurrent_rotations_is_refused(seller: Seller) -> None:
    """At most two secrets work, and every older one has an end."""
    credential = ClientCredentialFactory(seller=seller, revealed=True)

    def rotate() -> str | None:
        row: ClientCredential = ClientCredential.objects.get(pk=credential.pk)
        try:
            return row.rotate(overlap=dt.timedelta(days=1), by=Actor())
        except TooManySecrets:
            return None

    made = [secret for secret in at_once(credential, rotate, rotate) if secret]
    assert len(made) == 1
    assert ClientSecret.objects.count() == 2
    assert ClientSecret.objects.filter(ends_at=None).count() == 1


def test_one_of_two_clicks_on_nieuw_secret_creates_a_secret(seller: Seller, tabs: list[Client]) -> None:
    """With 'nu', the second click would end the secret that the first one has just shown."""
    credential = ClientCredentialFactory(seller=seller, revealed=True)
    address = f"{SETTINGS}credentials/{credential.client_id}/nieuw-secret/"
    sent = {"overlap": "0", "replacing": str(credential.secrets.get().pk)}
    answers = at_once(credential, *(partial(tab.post, address, sent) for tab in tabs))
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    (shown,) = {secret for answer in answers for secret in secrets_in(answer)}
    assert Software(credential.client_id, shown).token(**GRANT).status_code == 200


# ---- Aanmaken ---------------------------------------------------------------------------------------------


def create(tab: Client, name: str) -> int:
    return int(tab.post(f"{SETTINGS}credentials/", {"name": name, **posted(["orders:read"])}).status_code)


def test_one_of_two_concurrent_credentials_with_one_name_is_created(seller: Seller, tabs: list[Client]) -> None:
    """V2.3.3: for example a double click on Aanmaken."""
    TechnicalContactFactory(seller=seller)
    statuses = at_once(seller, partial(create, tabs[0], "Magazijn"), partial(create, tabs[1], "MAGAZIJN "))
    assert sorted(statuses) == [302, 422]
    assert ClientCredential.objects.for_seller(seller).count() == 1


def test_one_of_two_concurrent_credentials_gets_the_last_place(
    seller: Seller, tabs: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """V2.3.4."""
    monkeypatch.setattr(ClientCredential, "MAXIMUM_PER_SELLER", 1)
    TechnicalContactFactory(seller=seller)
    statuses = at_once(seller, partial(create, tabs[0], "Magazijn"), partial(create, tabs[1], "Kantoor"))
    assert sorted(statuses) == [302, 422]
    assert ClientCredential.objects.for_seller(seller).count() == 1


def test_concurrent_credentials_with_different_names_are_created(seller: Seller, tabs: list[Client]) -> None:
    TechnicalContactFactory(seller=seller)
    statuses = at_once(seller, partial(create, tabs[0], "Magazijn"), partial(create, tabs[1], "Kantoor"))
    assert statuses == [302, 302]


# ---- Verwijderen ------------------------------------------------------------------------------------------


def test_token_being_issued_during_deletion_is_invalid(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """V15.4.2: the deletion happens after the client was found and before the token is signed."""
    client = software(ClientCredentialFactory(seller=seller))
    found, deleted, sign = threading.Event(), threading.Event(), access_tokens.sign

    def sign_late(claims: dict[str, Any]) -> str:
        found.set()
        assert deleted.wait(10)
        return sign(claims)

    monkeypatch.setattr(access_tokens, "sign", sign_late)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(elsewhere(partial(client.token, **GRANT)))
        assert found.wait(10)
        ClientCredential.objects.get().delete_softly(by=Actor())
        deleted.set()
        token = answer.result(10).json()["access_token"]
    assert verify(token).status_code == 401


def test_no_token_works_after_deletion_under_load(seller: Seller) -> None:
    client = software(ClientCredentialFactory(seller=seller))
    begun, deleted = threading.Event(), threading.Event()

    def hammer() -> tuple[list[str], Any]:
        made = []
        while not deleted.is_set():
            answer = client.token(**GRANT)
            if answer.status_code == 200:
                made.append(answer.json()["access_token"])
                begun.set()
        return made, client.token(**GRANT)

    with ThreadPoolExecutor(3) as pool:
        storm = [pool.submit(elsewhere(hammer)) for _ in range(3)]
        try:
            assert begun.wait(30)
            ClientCredential.objects.get().delete_softly(by=Actor())
        finally:
            deleted.set()  # otherwise the threads never end, and the block waits for them forever
        results = [future.result(30) for future in storm]
    assert sum(len(made) for made, _ in results)
    for made, last in results:
        assert_error(last, "invalid_client", 401)
        assert {verify(token).status_code for token in made} <= {401}

"""The SQL that finds a client, compared with the models in every state."""

import datetime as dt
from typing import Any

import pytest

from accounts.models import Seller
from apicredentials.keys import secret_format
from apicredentials.keys.hash_keys import digest
from apicredentials.models import ClientSecret, OAuthClient
from apicredentials.models.client_secrets import hashes_of
from apicredentials.oauth.sql.find_client import ClientRecord, find_client
from tests.factories import ClientCredentialFactory, ClientSecretFactory, ResourceServerFactory, ThirdPartyFactory
from tests.sql.states import TICK, Change, combinations, undone

pytestmark = pytest.mark.django_db


def client_by_orm(client_id: str, hashes: list[str]) -> ClientRecord | None:
    """The result that `find_client` must return, from the models."""
    client = OAuthClient.objects.select_related("seller").filter(client_id=client_id).first()
    if client is None:
        return None
    secret = client.secrets.filter(hash__in=hashes).first()
    return ClientRecord(
        pk=client.pk,
        client_id=client.client_id,
        grant_type=client.authorization_grant_type,
        client_type=client.client_type,
        scope=client.scope,
        refresh_tokens=client.refresh_tokens,
        pkce_required=client.pkce_required,
        retailer_id=client.seller.retailer_id if client.seller else None,
        secret_pk=secret.pk if secret else None,
        is_deleted=client.deleted_at is not None,
        is_paused=client.paused_at is not None,
        is_closed=bool(client.seller and not client.seller.is_open),
        secret_is_live=secret is not None and secret.is_live,
        secret_used_at=secret.last_used_at if secret else None,
    )


@pytest.mark.parametrize("factory", [ClientCredentialFactory, ThirdPartyFactory, ResourceServerFactory])
def test_sql_finds_a_client_like_the_orm_in_every_state(now: dt.datetime, factory: Any) -> None:
    client = factory()
    first, second, foreign = (secret_format.generate() for _ in range(3))
    ClientSecretFactory(client=client, plaintext=first, ends_at=now + TICK, last_used_at=now - dt.timedelta(hours=1))
    ClientSecretFactory(client=client, plaintext=second)
    ClientSecretFactory(client=factory(), plaintext=foreign)
    rows, secrets = OAuthClient.objects.filter(pk=client.pk), ClientSecret.objects.filter(client=client)
    changes: dict[str, Change] = {
        "deleted": lambda: rows.update(deleted_at=now),
        "paused": lambda: rows.update(paused_at=now),
        "seller closed": lambda: Seller.objects.update(closed_at=now),
        "first secret ended": lambda: secrets.filter(ends_at__isnull=False).update(ends_at=now),
        "second secret ended": lambda: secrets.filter(ends_at__isnull=True).update(ends_at=now - TICK),
        "no secrets": secrets.delete,
        "narrowed": lambda: rows.update(scope="orders:read"),
        "fixed": lambda: rows.update(refresh_tokens="fixed"),
        "without PKCE": lambda: rows.update(pkce_required=False),
        "public": lambda: rows.update(client_type="public"),
    }
    wrong = []
    for chosen in combinations(changes):
        with undone():
            for name in chosen:
                changes[name]()
            for presented in (first, second, foreign, ""):
                hashes = hashes_of(digest(presented))
                if find_client(client.client_id, hashes) != client_by_orm(client.client_id, hashes):
                    wrong.append((chosen, presented))
    assert not wrong


def test_unknown_client_is_not_found() -> None:
    secret = secret_format.generate()
    ClientSecretFactory(client=ClientCredentialFactory(), plaintext=secret)
    assert find_client("7b0e6d0a-3c53-4a5e-9c7e-4a3c0b1f2d10", hashes_of(digest(secret))) is None


def test_secret_is_found_by_any_of_several_hashes() -> None:
    client = ClientCredentialFactory()
    secret = ClientSecretFactory(client=client)
    for hashes in ([secret.hash], ["x", secret.hash], [secret.hash, "x", "y"]):
        found = find_client(client.client_id, hashes)
        assert found is not None
        assert found.secret_pk == secret.pk


def test_live_secret_is_found_before_an_ended_one(now: dt.datetime) -> None:
    client = ClientCredentialFactory()
    ended, live = ClientSecretFactory(client=client, ends_at=now), ClientSecretFactory(client=client)
    for hashes in ([ended.hash, live.hash], [live.hash, ended.hash]):
        found = find_client(client.client_id, hashes)
        assert found is not None
        assert (found.secret_pk, found.secret_is_live) == (live.pk, True)

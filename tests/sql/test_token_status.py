"""The SQL that returns the status of a token, compared with the models in every state."""

import datetime as dt
from dataclasses import asdict

import pytest

from accounts.models import Seller, User
from apicredentials.models import (
    ClientCredential,
    ClientSecret,
    Grant,
    OAuthClient,
    RevokedAccessToken,
    ThirdParty,
    ThirdPartyAuthorization,
)
from apicredentials.models.states import State
from apicredentials.oauth.sql.token_status import TokenStatus, token_status
from tests.factories import ClientCredentialFactory
from tests.oauth.flow import claims, software
from tests.sql.states import TICK, Change, Claims, combinations, undone

pytestmark = pytest.mark.django_db


def status_by_orm(stated: Claims) -> TokenStatus | None:
    """The result that `token_status` must return, from the models."""
    if RevokedAccessToken.objects.filter(jti=stated["jti"]).exists():
        return None
    found = party_rights(stated) if "authorization_id" in stated else credential_rights(stated)
    if found is None:
        return None
    left, seller = found
    return TokenStatus(
        rights=" ".join(right for right in stated["scope"].split() if right in left),
        is_closed=not seller.is_open,
        retailer_id=seller.retailer_id,
        display_name=seller.display_name,
        company_name=seller.company_name,
        vat_number=seller.vat_number,
        kvk_number=seller.kvk_number,
        registration_date=seller.registration_date,
    )


def credential_rights(stated: Claims) -> tuple[list[str], Seller] | None:
    client = ClientCredential.objects.filter(client_id=stated["client_id"], deleted_at=None, paused_at=None).first()
    return (client.rights, client.seller) if client and not is_from_before_a_leak(stated, client) else None


def is_from_before_a_leak(stated: Claims, client: OAuthClient) -> bool:
    """Compare whole seconds: a token issued in the second of the leak may belong to the new secret."""
    return client.leaked_at is not None and client.leaked_at.timestamp() >= stated["iat"] + 1


def party_rights(stated: Claims) -> tuple[list[str], Seller] | None:
    grant = Grant.objects.filter(uid=stated["grant_id"], revoked_at=None).first()
    if grant is None or grant.authorization.uid != stated["authorization_id"]:
        return None
    authorization, party = grant.authorization, grant.authorization.third_party
    seller, authorization.seller = authorization.seller, Seller()  # the result says whether the seller is closed
    if authorization.state != State.ACTIVE:
        return None
    if party.client_id != stated["client_id"] or party.deleted_at or party.paused_at:
        return None
    if is_from_before_a_leak(stated, party):
        return None
    return [right for right in authorization.rights if right in party.rights], seller


def told(status: TokenStatus | None) -> Claims | None:
    """Return all values of a result; SQLite returns a date as text."""
    return asdict(status) | {"registration_date": str(status.registration_date)} if status else None


def test_status_of_a_sellers_token_agrees_with_the_orm_in_every_state(now: dt.datetime) -> None:
    client = software(ClientCredentialFactory())
    stated = claims(client.access_token(scope="orders:manage offers:read"))
    rows = OAuthClient.objects.filter(client_id=client.client_id)
    changes: dict[str, Change] = {
        "deleted": lambda: rows.update(deleted_at=now),
        "paused": lambda: rows.update(paused_at=now),
        "seller closed": lambda: Seller.objects.update(closed_at=now),
        "token revoked": lambda: RevokedAccessToken.objects.create(jti=stated["jti"], expires=now),
        "another revoked": lambda: RevokedAccessToken.objects.create(jti="x", expires=now),
        "narrowed": lambda: rows.update(scope="orders:read offers:read"),
        "other rights": lambda: rows.update(scope="invoices:read"),
        "no rights": lambda: rows.update(scope=""),
        "leaked in that second": lambda: rows.update(leaked_at=now),
        "leaked in the next": lambda: rows.update(leaked_at=now.replace(microsecond=0) + dt.timedelta(seconds=1)),
        "secret ended": lambda: ClientSecret.objects.update(ends_at=now),
        "renamed": lambda: Seller.objects.update(display_name="Ánders", kvk_number="87654321"),
    }
    assert_alike(stated, changes)


def test_status_of_a_partys_token_agrees_with_the_orm_in_every_state(now: dt.datetime, tokens: Claims) -> None:
    stated = claims(tokens["access_token"])
    authorizations = ThirdPartyAuthorization.objects.all()
    changes: dict[str, Change] = {
        "ended": lambda: authorizations.update(ended_at=now, end_cause="removed_by_seller"),
        "expired this moment": lambda: authorizations.update(expires_at=now),
        "expires the next moment": lambda: authorizations.update(expires_at=now + TICK),
        "grant revoked": lambda: Grant.objects.update(revoked_at=now),
        "token revoked": lambda: RevokedAccessToken.objects.create(jti=stated["jti"], expires=now),
        "user switched off": lambda: User.objects.update(is_active=False),
        "user gone": lambda: authorizations.update(granted_by=None),
        "seller closed": lambda: Seller.objects.update(closed_at=now),
        "party paused": lambda: ThirdParty.objects.update(paused_at=now),
        "leaked in that second": lambda: ThirdParty.objects.update(leaked_at=now),
        "leaked in the next": lambda: ThirdParty.objects.update(
            leaked_at=now.replace(microsecond=0) + dt.timedelta(seconds=1)
        ),
        "party deleted": lambda: ThirdParty.objects.update(deleted_at=now),
        "narrowed": lambda: authorizations.update(scope="orders:read"),
        "party narrowed": lambda: ThirdParty.objects.update(scope="orders:read"),
    }
    assert_alike(stated, changes)


def assert_alike(stated: Claims, changes: dict[str, Change]) -> None:
    wrong, worth = [], set()
    for chosen in combinations(changes):
        with undone():
            for name in chosen:
                changes[name]()
            answer = token_status(stated)
            worth.add(None if answer is None else (answer.rights, answer.is_closed))
            if told(answer) != told(status_by_orm(stated)):
                wrong.append(chosen)
    assert not wrong
    # Invalid, valid, closed and narrowed must all have occurred, because otherwise the comparison proves little.
    assert None in worth
    assert len(worth) > 3


@pytest.mark.parametrize("claim", ["client_id", "grant_id", "authorization_id"])
def test_token_of_a_party_is_invalid_with_another_client_id(tokens: Claims, claim: str) -> None:
    stated = claims(tokens["access_token"])
    assert token_status(stated) is not None
    assert token_status(stated | {claim: "7b0e6d0a-3c53-4a5e-9c7e-4a3c0b1f2d10"}) is None


def test_token_of_a_party_is_invalid_without_its_authorisation(tokens: Claims) -> None:
    """Otherwise a token of the code flow would have all rights of its client."""
    stated = claims(tokens["access_token"])
    assert token_status({name: stated[name] for name in ("client_id", "jti", "iat", "scope")}) is None

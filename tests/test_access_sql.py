"""The hand-written SQL of the hot paths, held to the models: same columns, same answers, and few statements."""

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Model, Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import Seller, User
from apicredentials import secret_format
from apicredentials.models import (
    ClientCredential,
    ClientSecret,
    Grant,
    OAuthClient,
    RefreshToken,
    RevokedAccessToken,
    ThirdParty,
    ThirdPartyAuthorization,
    chains,
)
from apicredentials.models.access import ClientRecord, Standing, find_client, standing_of
from apicredentials.models.chains import Link
from apicredentials.models.secrets import fingerprint, hashes_of
from apicredentials.models.tokens import digest
from tests.factories import (
    ClientCredentialFactory,
    ClientSecretFactory,
    ResourceServerFactory,
    SellerFactory,
    ThirdPartyFactory,
)
from tests.oauth.flow import (
    Software,
    claims,
    decide,
    header,
    request_address,
    rights,
    sent_back,
    software,
    verify,
)
from tests.people import signed_in

pytestmark = pytest.mark.django_db

type Change = Callable[[], object]
type Claims = dict[str, Any]

NOW = dt.datetime(2026, 5, 17, 12, 0, 0, 123456, tzinfo=dt.UTC)
TICK = dt.timedelta(microseconds=1)
ALIASES: dict[str, type[Model]] = {
    "c": OAuthClient,
    "s": Seller,
    "x": ClientSecret,
    "a": ThirdPartyAuthorization,
    "u": User,
    "g": Grant,
    "r": RevokedAccessToken,
    "t": RefreshToken,
}


@pytest.fixture
def now(time_machine: TimeMachineFixture) -> dt.datetime:
    """Stop the clock."""
    time_machine.move_to(NOW, tick=False)
    return NOW


@pytest.fixture
def party() -> Software:
    return software(ThirdPartyFactory())


@pytest.fixture
def tokens(now: dt.datetime, party: Software) -> Claims:
    """What a party has got from a seller who gave it every right."""
    code = sent_back(decide(signed_in(SellerFactory().members.get()), request_address(party)))["code"]
    answer: Claims = party.exchange(code).json()
    return answer


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is done within."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def combinations(changes: dict[str, Change], at_once: int = 2) -> Iterator[tuple[str, ...]]:
    """Every choice of so many changes, and fewer, and none."""
    for count in range(at_once + 1):
        yield from itertools.combinations(changes, count)


# ---- The columns ------------------------------------------------------------------------------------------


def test_every_table_and_column_is_one_of_a_model(now: dt.datetime) -> None:
    with CaptureQueriesContext(connection) as queries:
        find_client("x", ["y"])
        stated = {"client_id": "x", "jti": "x", "iat": 0, "scope": ""}
        standing_of(stated)
        standing_of(stated | {"authorization_id": "x", "grant_id": "x"})
        chains.find_code("x", 0)
        chains.find_refresh_token("x", 0)
    for query in queries:
        tables = dict(re.findall(r'(?:FROM|JOIN) "(\w+)" (\w)\b', query["sql"]))
        used = set(re.findall(r"\b([a-z])\.(\w+)", query["sql"]))
        assert {alias for alias, _ in used} == set(tables.values())
        for table, alias in tables.items():
            assert ALIASES[alias]._meta.db_table == table
        for alias, column in used:
            assert column in {field.column for field in ALIASES[alias]._meta.concrete_fields}


# ---- Who is this client -----------------------------------------------------------------------------------


def client_by_orm(client_id: str, hashes: list[str]) -> ClientRecord | None:
    """What `find_client` ought to say, in the ORM's words."""
    client = OAuthClient.objects.select_related("seller").filter(client_id=client_id).first()
    if client is None or client.deleted_at or client.paused_at or (client.seller and not client.seller.is_open):
        return None
    alive = Q(ends_at=None) | Q(ends_at__gt=timezone.now())
    secret = client.secrets.filter(alive, hash__in=hashes).first()
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
        secret_used_at=secret.last_used_at if secret else None,
    )


@pytest.mark.parametrize("factory", [ClientCredentialFactory, ThirdPartyFactory, ResourceServerFactory])
def test_a_client_is_found_as_the_orm_finds_it_in_every_state(now: dt.datetime, factory: Any) -> None:
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
                hashes = hashes_of(fingerprint(presented))
                if find_client(client.client_id, hashes) != client_by_orm(client.client_id, hashes):
                    wrong.append((chosen, presented))
    assert not wrong


def test_an_unknown_client_is_none(now: dt.datetime) -> None:
    secret = secret_format.generate()
    ClientSecretFactory(client=ClientCredentialFactory(), plaintext=secret)
    assert find_client("7b0e6d0a-3c53-4a5e-9c7e-4a3c0b1f2d10", hashes_of(fingerprint(secret))) is None


def test_a_secret_is_found_under_any_of_several_hashes(now: dt.datetime) -> None:
    client = ClientCredentialFactory()
    secret = ClientSecretFactory(client=client)
    for hashes in ([secret.hash], ["x", secret.hash], [secret.hash, "x", "y"]):
        found = find_client(client.client_id, hashes)
        assert found is not None
        assert found.secret_pk == secret.pk


# ---- What is this token worth -----------------------------------------------------------------------------


def standing_by_orm(stated: Claims) -> Standing | None:
    """What `standing_of` ought to say, in the ORM's words."""
    if RevokedAccessToken.objects.filter(jti=stated["jti"]).exists():
        return None
    found = party_rights(stated) if "authorization_id" in stated else credential_rights(stated)
    if found is None:
        return None
    left, seller = found
    return Standing(
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
    """Whole seconds: a token of the leak's own second may be the first that the new secret got."""
    return client.leaked_at is not None and client.leaked_at.timestamp() >= stated["iat"] + 1


def party_rights(stated: Claims) -> tuple[list[str], Seller] | None:
    grant = Grant.objects.filter(uid=stated["grant_id"], revoked_at=None).first()
    if grant is None or grant.authorization.uid != stated["authorization_id"]:
        return None
    authorization, user = grant.authorization, grant.authorization.granted_by
    if not authorization.is_active or user is None or not user.is_active:
        return None
    party = authorization.third_party
    if party.client_id != stated["client_id"] or party.deleted_at or party.paused_at:
        return None
    if is_from_before_a_leak(stated, party):
        return None
    return [right for right in authorization.rights if right in party.rights], authorization.seller


def told(standing: Standing | None) -> Claims | None:
    """All that an answer says; SQLite gives a date as text."""
    return asdict(standing) | {"registration_date": str(standing.registration_date)} if standing else None


def test_a_sellers_token_is_worth_what_the_orm_says_in_every_state(now: dt.datetime) -> None:
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


def test_a_partys_token_is_worth_what_the_orm_says_in_every_state(now: dt.datetime, tokens: Claims) -> None:
    stated = claims(tokens["access_token"])
    authorizations = ThirdPartyAuthorization.objects.all()
    changes: dict[str, Change] = {
        "ended": lambda: authorizations.update(ended_at=now),
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
            answer = standing_of(stated)
            worth.add(None if answer is None else (answer.rights, answer.is_closed))
            if told(answer) != told(standing_by_orm(stated)):
                wrong.append(chosen)
    assert not wrong
    # Dead, alive, closed and narrowed have all been seen, or the comparison proved little.
    assert None in worth
    assert len(worth) > 3


@pytest.mark.parametrize("claim", ["client_id", "grant_id", "authorization_id"])
def test_a_partys_token_is_worth_nothing_under_somebody_elses_name(tokens: Claims, claim: str) -> None:
    stated = claims(tokens["access_token"])
    assert standing_of(stated) is not None
    assert standing_of(stated | {claim: "7b0e6d0a-3c53-4a5e-9c7e-4a3c0b1f2d10"}) is None


def test_a_partys_token_does_not_pass_for_a_sellers_own(tokens: Claims) -> None:
    """A token of the code flow without its authorisation would be worth whatever its client has."""
    stated = claims(tokens["access_token"])
    assert standing_of({name: stated[name] for name in ("client_id", "jti", "iat", "scope")}) is None


# ---- What this code or refresh token stands for ----------------------------------------------------------


def link_by_orm(grant: Grant, token: RefreshToken | None) -> Link:
    """What `find_code` and `find_refresh_token` ought to say, in the ORM's words."""
    authorization = grant.authorization
    by = authorization.granted_by
    alive = authorization.is_active and authorization.seller.is_open and by is not None and by.is_active
    return Link(
        grant_pk=grant.pk,
        grant_uid=grant.uid,
        user_pk=grant.user_id,
        scope=grant.scope,
        consented=grant.rights,
        redirect_uri=grant.redirect_uri,
        code_challenge=grant.code_challenge,
        code_challenge_method=grant.code_challenge_method,
        authorization_pk=authorization.pk,
        authorization_uid=authorization.uid,
        authorized=authorization.scope,
        retailer_id=authorization.seller.retailer_id,
        gives_access=grant.revoked_at is None and alive,
        token_pk=token.pk if token else None,
        expires=grant.expires,
        used_at=grant.used_at,
        authorization_expires_at=authorization.expires_at,
        authorization_used_at=authorization.last_used_at,
        replaced_at=token.revoked if token else None,
    )


def test_a_chain_is_found_as_the_orm_finds_it_in_every_state(now: dt.datetime, party: Software) -> None:
    code = sent_back(decide(signed_in(SellerFactory().members.get()), request_address(party)))["code"]
    refresh_token = party.exchange(code).json()["refresh_token"]
    client_pk = ThirdParty.objects.get().pk
    grants, authorizations = Grant.objects.all(), ThirdPartyAuthorization.objects.all()
    changes: dict[str, Change] = {
        "ended": lambda: authorizations.update(ended_at=now),
        "expired this moment": lambda: authorizations.update(expires_at=now),
        "expires the next moment": lambda: authorizations.update(expires_at=now + TICK),
        "grant revoked": lambda: grants.update(revoked_at=now),
        "code unused": lambda: grants.update(used_at=None),
        "never used": lambda: authorizations.update(last_used_at=None),
        "replaced": lambda: RefreshToken.objects.update(revoked=now - TICK),
        "user switched off": lambda: User.objects.update(is_active=False),
        "user gone": lambda: authorizations.update(granted_by=None),
        "seller closed": lambda: Seller.objects.update(closed_at=now),
        "narrowed": lambda: authorizations.update(scope="orders:read"),
    }
    wrong, worth = [], set()
    for chosen in combinations(changes):
        with undone():
            for name in chosen:
                changes[name]()
            token = RefreshToken.objects.select_related("grant__authorization__seller").get()
            found = chains.find_code(code, client_pk), chains.find_refresh_token(refresh_token, client_pk)
            if found != (link_by_orm(token.grant, None), link_by_orm(token.grant, token)):
                wrong.append(chosen)
            worth.add(token.grant.authorization.is_active)
    assert not wrong
    assert worth == {True, False}


def test_a_chain_is_its_clients_alone(party: Software, tokens: Claims) -> None:
    stranger = ThirdPartyFactory()
    assert chains.find_refresh_token(tokens["refresh_token"], stranger.pk) is None
    assert chains.find_refresh_token(digest(tokens["refresh_token"]), ThirdParty.objects.first().pk) is None
    chains.end_chain_of(tokens["refresh_token"], stranger.pk)
    assert Grant.objects.get().revoked_at is None


# ---- How many statements ----------------------------------------------------------------------------------


def counted(act: Callable[[], Any]) -> tuple[int, Any]:
    """How many statements ask or change something (the bounds of transactions do not), and the answer."""
    with CaptureQueriesContext(connection) as queries:
        answer = act()
    return len([q for q in queries if not re.match(r"(?i)savepoint|release|begin|commit", q["sql"])]), answer


def test_a_sellers_token_takes_one_statement(now: dt.datetime) -> None:
    client = software(ClientCredentialFactory())
    client.access_token()
    number, answer = counted(lambda: client.token(grant_type="client_credentials"))
    assert (number, answer.status_code) == (1, 200)


def test_the_first_token_of_a_minute_takes_one_more_to_note_the_use(now: dt.datetime) -> None:
    client = software(ClientCredentialFactory())
    assert counted(client.access_token)[0] == 2


def test_a_gateways_question_takes_one_statement(now: dt.datetime, tokens: Claims) -> None:
    for token in (software(ClientCredentialFactory()).access_token(), tokens["access_token"]):
        number, answer = counted(partial(verify, token, "orders:read"))
        assert (number, answer.status_code) == (1, 204)


def test_a_call_takes_one_statement(now: dt.datetime) -> None:
    token = software(ClientCredentialFactory()).access_token()
    number, answer = counted(lambda: Client().get("/retailer/retailers/current", headers=header(f"Bearer {token}")))
    assert (number, answer.status_code) == (1, 200)


def test_a_token_that_is_not_ours_takes_none(now: dt.datetime) -> None:
    assert counted(lambda: verify("a.b.c"))[0] == 0


@pytest.mark.parametrize("registered_as", ["rotating", "fixed"])
def test_a_refresh_takes_at_most_four(now: dt.datetime, registered_as: str) -> None:
    party = software(ThirdPartyFactory(refresh_tokens=registered_as))
    code = sent_back(decide(signed_in(SellerFactory().members.get()), request_address(party)))["code"]
    tokens = party.exchange(code).json()
    number, answer = counted(lambda: party.refresh(tokens["refresh_token"]))
    assert answer.status_code == 200
    assert number <= 4


def test_a_repeated_refresh_takes_at_most_four(now: dt.datetime, party: Software, tokens: Claims) -> None:
    party.refresh(tokens["refresh_token"])
    number, answer = counted(lambda: party.refresh(tokens["refresh_token"]))
    assert answer.status_code == 200
    assert number <= 4


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_revocation_takes_at_most_two(now: dt.datetime, party: Software, tokens: Claims, kind: str) -> None:
    number, answer = counted(lambda: party.post("/revoke", token=tokens[kind]))
    assert answer.status_code == 200
    assert number <= 2
    assert rights(tokens["access_token"]) == ""


def test_an_introspection_takes_two(now: dt.datetime) -> None:
    gateway, token = software(ResourceServerFactory()), software(ClientCredentialFactory()).access_token()
    gateway.post("/introspect", token=token)  # the first of a minute is written down
    number, answer = counted(lambda: gateway.post("/introspect", token=token))
    assert (number, answer.json()["active"]) == (2, True)

"""The SQL of the hot paths: its columns exist in the models, and the number of statements is limited."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Seller, User
from apicredentials.models import (
    ClientSecret,
    Grant,
    OAuthClient,
    RefreshToken,
    RevokedAccessToken,
    ThirdPartyAuthorization,
)
from apicredentials.oauth.sql import grant_chains
from apicredentials.oauth.sql.find_client import find_client
from apicredentials.oauth.sql.token_status import token_status
from tests.factories import ClientCredentialFactory, ResourceServerFactory, SellerFactory, ThirdPartyFactory
from tests.oauth.flow import Software, decide, header, request_address, rights, sent_back, software, verify
from tests.people import signed_in
from tests.sql.states import Claims

pytestmark = pytest.mark.django_db

ALIASES: dict[str, type[Model]] = {
    "c": OAuthClient,
    "s": Seller,
    "x": ClientSecret,
    "a": ThirdPartyAuthorization,
    "u": User,
    "g": Grant,
    "r": RevokedAccessToken,
    "t": RefreshToken,
    "n": RefreshToken,
}


# ---- The columns ------------------------------------------------------------------------------------------


def test_every_table_and_column_belongs_to_a_model() -> None:
    with CaptureQueriesContext(connection) as queries:
        find_client("x", ["y"])
        stated = {"client_id": "x", "jti": "x", "iat": 0, "scope": ""}
        token_status(stated)
        token_status(stated | {"authorization_id": "x", "grant_id": "x"})
        grant_chains.find_code("x", 0)
        grant_chains.find_refresh_token("x", "y", 0)
        grant_chains.end_chain_of("x", 0)
    for query in queries:
        tables = {alias: table for table, alias in re.findall(r'(?:FROM|JOIN) "(\w+)" (\w)\b', query["sql"])}
        used = set(re.findall(r"\b([a-z])\.(\w+)", query["sql"]))
        assert {alias for alias, _ in used} == set(tables)
        for alias, table in tables.items():
            assert ALIASES[alias]._meta.db_table == table
        for alias, column in used:
            assert column in {field.column for field in ALIASES[alias]._meta.concrete_fields}


# ---- Number of statements ---------------------------------------------------------------------------------


def counted(act: Callable[[], Any]) -> tuple[int, Any]:
    """Return the number of statements, transaction control excluded, and the result of `act`."""
    with CaptureQueriesContext(connection) as queries:
        answer = act()
    return len([q for q in queries if not re.match(r"(?i)savepoint|release|begin|commit", q["sql"])]), answer


def test_client_credentials_take_one_statement() -> None:
    client = software(ClientCredentialFactory())
    client.access_token()
    number, answer = counted(lambda: client.token(grant_type="client_credentials"))
    assert (number, answer.status_code) == (1, 200)


def test_first_token_of_a_minute_takes_one_more_to_store_the_use() -> None:
    client = software(ClientCredentialFactory())
    assert counted(client.access_token)[0] == 2


def test_verify_takes_one_statement(tokens: Claims) -> None:
    for token in (software(ClientCredentialFactory()).access_token(), tokens["access_token"]):
        number, answer = counted(partial(verify, token, "orders:read"))
        assert (number, answer.status_code) == (1, 204)


def test_api_call_takes_one_statement() -> None:
    token = software(ClientCredentialFactory()).access_token()
    number, answer = counted(lambda: Client().get("/retailer/retailers/current", headers=header(f"Bearer {token}")))
    assert (number, answer.status_code) == (1, 200)


def test_token_of_another_issuer_takes_no_statement() -> None:
    assert counted(lambda: verify("a.b.c"))[0] == 0


@pytest.mark.parametrize("registered_as", ["rotating", "fixed"])
def test_refresh_takes_at_most_four_statements(registered_as: str) -> None:
    party = software(ThirdPartyFactory(refresh_tokens=registered_as))
    code = sent_back(decide(signed_in(SellerFactory().members.get()), request_address(party)))["code"]
    tokens = party.exchange(code).json()
    number, answer = counted(lambda: party.refresh(tokens["refresh_token"]))
    assert answer.status_code == 200
    assert number <= 4


def test_repeated_refresh_takes_at_most_four_statements(party: Software, tokens: Claims) -> None:
    party.refresh(tokens["refresh_token"])
    number, answer = counted(lambda: party.refresh(tokens["refresh_token"]))
    assert answer.status_code == 200
    assert number <= 4


def test_revocation_of_an_access_token_takes_two_statements(party: Software, tokens: Claims) -> None:
    number, answer = counted(lambda: party.post("/revoke", token=tokens["access_token"]))
    assert (number, answer.status_code) == (2, 200)
    assert rights(tokens["access_token"]) == ""


def test_revocation_of_a_refresh_token_takes_two_statements_while_another_grant_is_left(
    party: Software, tokens: Claims
) -> None:
    owner = signed_in(User.objects.get())
    party.exchange(sent_back(decide(owner, request_address(party)))["code"])
    number, answer = counted(lambda: party.post("/revoke", token=tokens["refresh_token"]))
    assert (number, answer.status_code) == (2, 200)
    assert rights(tokens["access_token"]) == ""


def test_introspection_takes_two_statements() -> None:
    gateway, token = software(ResourceServerFactory()), software(ClientCredentialFactory()).access_token()
    gateway.post("/introspect", token=token)  # the first use of a minute is stored
    number, answer = counted(lambda: gateway.post("/introspect", token=token))
    assert (number, answer.json()["active"]) == (2, True)

"""`list_credentials`: what client credentials there are."""

import datetime as dt
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import DjangoAssertNumQueries

from apicredentials.models import ClientSecret
from tests.commands.conftest import Manage
from tests.factories import ClientCredentialFactory, SellerFactory, ThirdPartyFactory

pytestmark = pytest.mark.django_db

USED_AT = dt.datetime(2026, 5, 4, 10, 30, tzinfo=dt.UTC)


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def test_tells_what_operators_may_know(manage: Manage) -> None:
    credential = ClientCredentialFactory(revealed=True, name="Magazijn", scope="orders:read")
    ClientSecret.objects.update(last_used_at=USED_AT)
    secret = ClientSecret.objects.get()
    [listed] = manage("list_credentials", "--json").json
    assert abs(moment(listed.pop("created_at")) - credential.created) < dt.timedelta(milliseconds=1)
    assert abs(moment(listed["secrets"][0].pop("revealed_at")) - secret.created_at) < dt.timedelta(milliseconds=1)
    assert listed == {
        "client_id": credential.client_id,
        "name": "Magazijn",
        "seller": credential.seller.retailer_id,  # type: ignore[union-attr]
        "state": "active",
        "scopes": ["orders:read"],
        "last_used_at": "2026-05-04T10:30:00Z",
        "secrets": [{"hint": secret.hint, "ends_at": None, "last_used_at": "2026-05-04T10:30:00Z"}],
    }


def test_prints_no_secret_and_no_hash(manage: Manage) -> None:
    ClientCredentialFactory(revealed=True)
    assert ClientSecret.objects.get().hash.rpartition("$")[2] not in manage("list_credentials", "--json").out


def test_one_whose_secret_was_never_shown_has_none(manage: Manage) -> None:
    ClientCredentialFactory()
    [listed] = manage("list_credentials", "--json").json
    assert listed["secrets"] == []
    assert listed["last_used_at"] is None


def test_a_paused_one_says_so(manage: Manage) -> None:
    ClientCredentialFactory(paused=True)
    assert [each["state"] for each in manage("list_credentials", "--json").json] == ["paused"]


def test_lists_neither_deleted_ones_nor_other_clients(manage: Manage) -> None:
    ClientCredentialFactory(deleted=True)
    ThirdPartyFactory()
    assert manage("list_credentials", "--json").json == []


def test_lists_those_of_one_seller(manage: Manage) -> None:
    ours = ClientCredentialFactory()
    ClientCredentialFactory()
    assert ours.seller is not None
    listed = manage("list_credentials", "--seller", ours.seller.retailer_id, "--json").json
    assert [each["client_id"] for each in listed] == [ours.client_id]


def test_without_json_prints_a_line_for_each(manage: Manage) -> None:
    seller = SellerFactory()
    first = ClientCredentialFactory(seller=seller, name="Eerste", revealed=True)
    second = ClientCredentialFactory(seller=seller, name="Tweede", paused=True)
    ClientSecret.objects.update(last_used_at=USED_AT)
    assert manage("list_credentials").out.splitlines() == [
        f"{seller.retailer_id}  {second.client_id}  paused  never used  Tweede",
        f"{seller.retailer_id}  {first.client_id}  active  last used 2026-05-04 10:30 UTC  Eerste",
    ]


def test_asks_the_database_as_often_for_many_as_for_one(
    django_assert_num_queries: DjangoAssertNumQueries, capsys: pytest.CaptureFixture[str]
) -> None:
    def listed() -> Any:
        return call_command("list_credentials", "--json")

    for _ in range(3):
        ClientCredentialFactory(revealed=True)
    with django_assert_num_queries(2):
        assert listed().count("client_id") == 3


def test_refuses_a_seller_that_does_not_exist(manage: Manage) -> None:
    assert manage("list_credentials", "--seller", "1", "--json").complaint == "There is no seller '1'."

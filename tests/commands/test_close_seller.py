"""`close_seller` and `reopen_seller`."""

import pytest

from accounts.models import Seller
from apicredentials.models import Activity
from tests.commands.conftest import OPERATOR, WHY, Manage, logged
from tests.inventory import tables
from tests.oauth.flow import Software, verify

pytestmark = pytest.mark.django_db

COMMANDS = pytest.mark.parametrize("name", ["close_seller", "reopen_seller"])


def test_access_is_refused_until_the_seller_is_reopened(manage: Manage, shop: Seller, warehouse: Software) -> None:
    token = warehouse.access_token()
    closed = manage("close_seller", shop.retailer_id, *WHY, "--json").json
    assert closed == {"retailer_id": shop.retailer_id, "name": shop.display_name, "state": "closed"}
    assert verify(token).status_code == 403
    assert manage("reopen_seller", shop.retailer_id, *WHY, "--json").json == closed | {"state": "open"}
    assert verify(token).status_code == 204


@COMMANDS
def test_is_logged_once_with_the_reason(manage: Manage, shop: Seller, name: str) -> None:
    if name == "reopen_seller":
        manage("close_seller", shop.retailer_id, *WHY)
    first = manage(name, shop.retailer_id, "--reason", "Fraude", "--json").json
    assert manage(name, shop.retailer_id, "--reason", "Weer", "--json").json == first
    kind = Activity.Kind.SELLER_CLOSED if name == "close_seller" else Activity.Kind.SELLER_REOPENED
    assert logged(kind) == [(shop.display_name, OPERATOR, "Fraude")]


@COMMANDS
def test_reason_and_existing_seller_are_required(manage: Manage, shop: Seller, name: str) -> None:
    before = tables()
    assert manage(name, shop.retailer_id).complaint == "--reason is required."
    assert manage(name, "1", *WHY).complaint == "There is no seller '1'."
    assert tables() == before

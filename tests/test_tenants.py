"""Isolation of sellers: another seller's objects are indistinguishable from objects that do not exist."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.test import Client

from accounts.models import Actor, Seller
from tests.factories import ClientCredentialFactory, SellerFactory, TechnicalContactFactory
from tests.inventory import SELLERS_ROWS, Address, addresses, belongings, tables
from tests.people import signed_in, without_token
from tests.rights import posted

if TYPE_CHECKING:
    from tests.people import Response

pytestmark = pytest.mark.django_db

UNKNOWN: dict[str, Any] = {"client_id": UUID(int=4), "uid": UUID(int=4), "pk": 2**70}
# Addresses whose id is not a seller's: a key that comes by mail, a party's logo. The admin has its own tests.
NOT_A_SELLERS = {"account_reset_password_from_key", "logo"}
# Ids of a user's own passkeys and sessions, and of members and invitations: tests/accounts/ looks at those of others.
IN_ACCOUNTS = {
    "accounts:passkey-rename",
    "accounts:passkey-remove",
    "accounts:session-end",
    "accounts:member-role",
    "accounts:member-remove",
    "accounts:invitation-resend",
    "accounts:invitation-withdraw",
}
FIELDS = {"name": "X", "email": "x@winkel.example", "overlap": "0", **posted(["orders:read"]), "seller": "1"}


@pytest.fixture
def first() -> Seller:
    return TechnicalContactFactory(seller__display_name="Appels").seller


@pytest.fixture
def second() -> Seller:
    return TechnicalContactFactory(seller__display_name="Peren").seller


def test_every_address_with_an_id_is_covered() -> None:
    others = {address.name for address in addresses() if address.parameters and not address.route.startswith("beheer/")}
    assert others - NOT_A_SELLERS - IN_ACCOUNTS == {address.name for address in SELLERS_ROWS}
    assert len(SELLERS_ROWS) > 3


@pytest.mark.parametrize("address", SELLERS_ROWS, ids=str)
def test_another_sellers_row_responds_like_a_missing_row(first: Seller, second: Seller, address: Address) -> None:
    theirs = belongings(first, address)
    mine = belongings(second, address)
    client = signed_in(second.members.get())
    before = tables()

    def answer(method: str, values: dict[str, Any]) -> tuple[int, str]:
        url = address.url(values)
        done = client.get(url) if method == "GET" else client.generic(method, url, b"")
        return done.status_code, without_token(done).replace(url, "…")

    for method in ("GET", "HEAD", "POST"):
        unknown = answer(method, UNKNOWN)
        assert unknown[0] in {404, 405}
        assert answer(method, theirs) == unknown
        for name in address.parameters:
            # One id of theirs among mine is refused too.
            assert answer(method, mine | {name: theirs[name]}) == unknown
    assert client.post(address.url(theirs), FIELDS).status_code in {404, 405}
    assert tables() == before


@pytest.mark.parametrize("address", SELLERS_ROWS, ids=str)
def test_owner_can_open_the_page(first: Seller, address: Address) -> None:
    client = signed_in(first.members.get())
    assert client.get(address.url(belongings(first, address))).status_code == 200


@pytest.mark.parametrize("address", SELLERS_ROWS, ids=str)
def test_user_of_two_sellers_sees_only_the_seller_in_use(first: Seller, second: Seller, address: Address) -> None:
    theirs = belongings(first, address)
    user = second.members.get()
    first.memberships.create(user=user)
    client = signed_in(user)
    client.post("/instellingen/verkoper/", {"seller": second.retailer_id})
    assert client.get(address.url(theirs)).status_code == 404
    client.post("/instellingen/verkoper/", {"seller": first.retailer_id})
    assert client.get(address.url(theirs)).status_code == 200


def test_settings_page_shows_nothing_of_another_seller(first: Seller, second: Seller) -> None:
    theirs = belongings(first, SELLERS_ROWS[0])
    page = signed_in(second.members.get()).get("/instellingen/api/").content.decode()
    assert theirs["client_id"] not in page
    assert theirs["uid"] not in page
    assert "Appels" not in page
    assert first.retailer_id not in page


def post_form(address: str, **fields: str) -> "Response":
    """Post a form without a session, as a machine does."""
    return Client().post(address, urlencode(fields), content_type="application/x-www-form-urlencoded")


def keys_of(seller: Seller) -> dict[str, str]:
    """Return client_id and client_secret of a new credential of `seller`."""
    credential = ClientCredentialFactory(seller=seller)
    return {"client_id": credential.client_id, "client_secret": credential.reveal(by=Actor())}


def token(seller: Seller) -> str:
    """Return an access token of a new credential of `seller`."""
    return str(post_form("/token", grant_type="client_credentials", **keys_of(seller)).json()["access_token"])


def test_token_returns_its_own_seller_whichever_is_requested(first: Seller, second: Seller) -> None:
    bearer = {"Authorization": f"Bearer {token(second)}", "X-Retailer-Id": first.retailer_id}
    query = f"?retailer_id={first.retailer_id}&retailerId={first.retailer_id}&seller={first.retailer_id}"
    answer = Client().get(f"/retailer/retailers/current{query}", headers=bearer)
    assert answer.json()["retailerId"] == second.retailer_id
    assert Client().get(f"/verify{query}", headers=bearer)["X-Retailer-Id"] == second.retailer_id


def test_seller_numbers_are_not_sequential() -> None:
    numbers = [int(SellerFactory().retailer_id) for _ in range(5)]
    assert len({later - earlier for earlier, later in pairwise(numbers)}) > 1

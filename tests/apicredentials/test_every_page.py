"""Rules for every address of API Instellingen, including new ones.

The file of each address adds what it is for.
"""

import pytest
from django.test import Client

from accounts.models import Seller
from tests.inventory import SELLERS_PAGES, Address, belongings, tables
from tests.people import says, signed_in
from tests.rights import posted

EVERYWHERE = pytest.mark.parametrize("address", SELLERS_PAGES, ids=str)


@EVERYWHERE
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(seller: Seller, owner: Client, address: Address, method: str) -> None:
    url = address.url(belongings(seller, address))
    before = tables()
    assert owner.generic(method, url).status_code in {200, 302}
    assert tables() == before


@EVERYWHERE
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_unsupported_methods_are_refused(seller: Seller, owner: Client, address: Address, method: str) -> None:
    url = address.url(belongings(seller, address))
    before = tables()
    assert owner.generic(method, url).status_code == 405
    assert tables() == before


@EVERYWHERE
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_visitor_is_asked_to_sign_in(seller: Seller, client: Client, address: Address, method: str) -> None:
    url = address.url(belongings(seller, address))
    before = tables()
    assert client.generic(method, url)["Location"] == f"/inloggen/?next={url}"
    assert tables() == before


@EVERYWHERE
def test_csrf_is_enforced(seller: Seller, address: Address) -> None:
    url = address.url(belongings(seller, address))
    client = signed_in(seller.members.get(), enforce_csrf_checks=True)
    before = tables()
    data = {"name": "X", "email": "x@winkel.example", "overlap": "0", **posted(["orders:read"])}
    for token in ({}, {"csrfmiddlewaretoken": "x" * 64}):
        answer = client.post(url, data | token)
        assert answer.status_code == 403
        assert "Dit formulier is verlopen" in says(answer)
    assert tables() == before


@EVERYWHERE
def test_form_of_another_site_is_refused(seller: Seller, address: Address) -> None:
    url = address.url(belongings(seller, address))
    client = signed_in(seller.members.get(), enforce_csrf_checks=True)
    token = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    before = tables()
    assert client.post(url, token, headers={"Origin": "https://kwaad.example"}).status_code == 403
    assert tables() == before


@EVERYWHERE
def test_responses_are_not_stored(seller: Seller, owner: Client, address: Address) -> None:
    url = address.url(belongings(seller, address))
    for answer in (owner.get(url), owner.post(url)):
        assert answer["Cache-Control"] == "no-store"

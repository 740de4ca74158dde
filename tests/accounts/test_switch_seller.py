"""`/instellingen/verkoper/`: for which of their sellers somebody works."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.models import Seller, User
from tests.accounts.test_sign_in import ELSEWHERE
from tests.factories import PASSWORD, MembershipFactory, SellerFactory, ThirdPartyFactory, UserFactory
from tests.journeys.pages import Page
from tests.people import says, signed_in, without_token

pytestmark = pytest.mark.django_db

URL = "/instellingen/verkoper/"
SETTINGS = "/instellingen/api/"


@pytest.fixture
def user() -> User:
    """The owner of two sellers."""
    return UserFactory()


@pytest.fixture
def first(user: User) -> Seller:
    return SellerFactory(display_name="Appels", owner__user=user)


@pytest.fixture
def second(user: User) -> Seller:
    return SellerFactory(display_name="Peren", owner__user=user)


@pytest.fixture
def browsing(user: User, first: Seller, second: Seller) -> Client:
    """That user, signed in; they work for the first seller."""
    return signed_in(user)


def seller_of(client: Client) -> Seller | None:
    seller: Seller | None = client.get(SETTINGS).wsgi_request.seller  # type: ignore[attr-defined]
    return seller


def test_first_seller_by_name_is_in_use_at_first(browsing: Client, first: Seller) -> None:
    assert seller_of(browsing) == first


def test_header_shows_the_seller_in_use(browsing: Client, first: Seller) -> None:
    header = Page(browsing.get(SETTINGS).content.decode()).part("header")
    assert f"Appels Verkoper {first.retailer_id}" in header.words


def test_header_switches_and_stays_on_the_page(browsing: Client, second: Seller) -> None:
    page = Page(browsing.get("/instellingen/?a=1").content.decode())
    form = page.form(f"Peren Verkoper {second.retailer_id}")
    assert browsing.post(form.address, form.fill())["Location"] == "/instellingen/?a=1"
    assert seller_of(browsing) == second


def test_user_of_one_seller_sees_its_name_and_no_switcher() -> None:
    seller = SellerFactory(display_name="Appels")
    page = Page(signed_in(seller.members.get()).get(SETTINGS).content.decode())
    assert f"Appels Verkoper {seller.retailer_id}" in page.words
    assert not page.buttons(f"Appels Verkoper {seller.retailer_id}")


def test_choice_lasts(browsing: Client, second: Seller) -> None:
    assert browsing.post(URL, {"seller": second.retailer_id})["Location"] == SETTINGS
    assert [seller_of(browsing), seller_of(browsing)] == [second, second]


def test_seller_of_others_is_not_found_like_a_missing_one(browsing: Client, first: Seller) -> None:
    answers = [browsing.post(URL, {"seller": number}) for number in (SellerFactory().retailer_id, "0000000", "", "\0")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({without_token(answer) for answer in answers}) == 1
    assert seller_of(browsing) == first


@pytest.mark.parametrize("method", ["get", "head"])
def test_get_and_head_change_nothing(browsing: Client, first: Seller, second: Seller, method: str) -> None:
    answer = browsing.generic(method.upper(), f"{URL}?seller={second.retailer_id}")
    assert answer.status_code == 200
    assert seller_of(browsing) == first


@pytest.mark.parametrize("following", ELSEWHERE)
def test_next_stays_on_the_site(browsing: Client, second: Seller, following: str) -> None:
    assert browsing.post(URL, {"seller": second.retailer_id, "next": following})["Location"] == SETTINGS
    assert following not in browsing.get(URL, {"next": following}).content.decode()


@pytest.mark.parametrize("following", ["elders", "root", "apicredentials:settings"])
def test_next_is_a_path_and_not_the_name_of_a_url(browsing: Client, second: Seller, following: str) -> None:
    answer = browsing.post(URL, {"seller": second.retailer_id, "next": following})
    assert answer.status_code == 302
    assert answer["Location"] in {following, SETTINGS}


def test_removed_member_has_no_access_at_once(browsing: Client, user: User, first: Seller, second: Seller) -> None:
    browsing.post(URL, {"seller": second.retailer_id})
    second.memberships.get(user=user).delete()
    assert seller_of(browsing) == first
    assert browsing.post(URL, {"seller": second.retailer_id}).status_code == 404
    first.memberships.get(user=user).delete()
    answer = browsing.get(SETTINGS)
    assert answer.status_code == 403
    assert "Nog geen verkopersaccount" in says(answer)


def test_user_without_a_seller_can_sign_out(client: Client) -> None:
    page = Page(signed_in(UserFactory()).get(URL).content.decode())
    assert page.buttons("Met een ander e-mailadres inloggen")


def test_read_only_member_can_switch(user: User, first: Seller) -> None:
    second = MembershipFactory(user=user, role="read_only", seller__display_name="Peren").seller
    client = signed_in(user)
    assert client.post(URL, {"seller": second.retailer_id}).status_code == 302
    assert client.post(URL, {"seller": first.retailer_id}).status_code == 302


def test_request_of_a_party_is_kept_by_the_switch(browsing: Client, second: Seller) -> None:
    party = ThirdPartyFactory(pkce_required=False)
    query = urlencode(
        {"client_id": party.client_id, "response_type": "code", "redirect_uri": party.redirect_uris, "state": "a&b=c"}
    )
    request = f"/authorize?{query}"
    consent = Page(browsing.get(request).content.decode(), f"http://testserver{request}")
    assert "Appels" in consent.words
    switch = Page(browsing.get(consent.link("Ander account")).content.decode()).part("main")
    form = switch.form(f"Peren Verkoper {second.retailer_id}")
    answer = browsing.post(form.address, form.fill())
    assert answer["Location"] == request
    assert "Peren" in Page(browsing.get(request).content.decode()).part("main").words


def test_another_user_returns_to_the_request_of_the_party(browsing: Client) -> None:
    request = f"/authorize?client_id={ThirdPartyFactory().client_id}&state=a"
    page = Page(browsing.get(URL, {"next": request}).content.decode())
    form = page.form("Met een ander e-mailadres inloggen")
    sign_in_page = browsing.post(form.address, form.fill(), follow=True)
    form = Page(sign_in_page.content.decode()).form("Inloggen")
    other = SellerFactory().members.get()
    filled = form.fill(**{"E-mailadres": other.email, "Wachtwoord": PASSWORD})
    assert browsing.post(form.address, filled)["Location"] == request


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(browsing: Client, method: str) -> None:
    assert browsing.generic(method, URL).status_code == 405


def test_visitor_is_asked_to_sign_in(client: Client) -> None:
    for answer in (client.get(URL), client.post(URL, {"seller": SellerFactory().retailer_id})):
        assert answer["Location"] == f"/inloggen/?next={URL}"


def test_csrf_is_enforced(user: User, first: Seller, second: Seller) -> None:
    client = signed_in(user, enforce_csrf_checks=True)
    assert client.post(URL, {"seller": second.retailer_id}).status_code == 403
    assert seller_of(client) == first

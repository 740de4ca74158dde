"""`…/partijen/<uid>/verwijderen/`: a party's access to this seller ends at once."""

import pytest
from django.test import Client

from accounts.models import Seller
from apicredentials.models import Activity, ThirdPartyAuthorization
from tests.factories import ThirdPartyAuthorizationFactory
from tests.journeys.pages import Page
from tests.people import says

SETTINGS = "/instellingen/api/"


@pytest.fixture
def authorization(seller: Seller) -> ThirdPartyAuthorization:
    return ThirdPartyAuthorizationFactory(seller=seller, third_party__name="Bol & Zo")


def address(authorization: ThirdPartyAuthorization) -> str:
    return f"{SETTINGS}partijen/{authorization.uid}/verwijderen/"


def is_active(authorization: ThirdPartyAuthorization) -> bool:
    authorization.refresh_from_db()
    return authorization.is_active


def test_revoke_asks_first_and_says_what_will_stop(owner: Client, authorization: ThirdPartyAuthorization) -> None:
    page = Page(owner.get(address(authorization)).content.decode(), address(authorization)).part("main")
    assert "Bol & Zo" in page.headings[0]
    assert "Appels" in page.words
    assert page.form("Verwijderen").method == "post"
    assert page.link("Annuleren") == SETTINGS
    assert is_active(authorization)


def test_confirming_ends_it_and_keeps_it_as_history(owner: Client, authorization: ThirdPartyAuthorization) -> None:
    page = Page(owner.get(address(authorization)).content.decode(), address(authorization)).part("main")
    form = page.form("Verwijderen")
    answer = owner.post(form.address, form.fill(), follow=True)
    assert answer.redirect_chain == [(SETTINGS, 302)]
    assert "Bol & Zo heeft geen toegang meer." in says(answer)
    past = next(each for each in Page(answer.content.decode()).root.all("details") if "Eerdere partijen" in each.words)
    assert "Bol & Zo Ingetrokken op" in past.words
    assert not is_active(authorization)


def test_party_keeps_its_access_to_others(owner: Client, authorization: ThirdPartyAuthorization) -> None:
    elsewhere = ThirdPartyAuthorizationFactory(third_party=authorization.third_party)
    other = ThirdPartyAuthorizationFactory(seller=authorization.seller)
    owner.post(address(authorization))
    assert is_active(elsewhere)
    assert is_active(other)


def test_log_says_who_revoked_the_authorization(owner: Client, authorization: ThirdPartyAuthorization) -> None:
    owner.post(address(authorization))
    activity = Activity.objects.get()
    assert (activity.kind, activity.subject) == (Activity.Kind.PARTY_REVOKED, "Bol & Zo")
    assert (activity.seller, activity.user) == (authorization.seller, authorization.seller.members.get())
    assert activity.address == "127.0.0.1"


def test_second_time_changes_nothing(owner: Client, authorization: ThirdPartyAuthorization) -> None:
    owner.post(address(authorization))
    authorization.refresh_from_db()
    ended_at = authorization.ended_at
    assert owner.post(address(authorization)).status_code == 302
    authorization.refresh_from_db()
    assert authorization.ended_at == ended_at
    assert Activity.objects.count() == 1


def test_page_of_a_former_consent_does_not_end_the_present_one(
    owner: Client, authorization: ThirdPartyAuthorization
) -> None:
    owner.post(address(authorization))
    later = ThirdPartyAuthorizationFactory(seller=authorization.seller, third_party=authorization.third_party)
    owner.post(address(authorization))
    assert is_active(later)


def test_stranger_ends_nothing(stranger: Client, authorization: ThirdPartyAuthorization) -> None:
    for answer in (stranger.get(address(authorization)), stranger.post(address(authorization))):
        assert answer.status_code == 404
    assert is_active(authorization)


@pytest.mark.parametrize("uid", ["", "x", "..", "00000000-0000-0000-0000-00000000000g", "%00", "%f0%9f"])
def test_malformed_id_is_not_found(owner: Client, uid: str) -> None:
    assert owner.post(f"{SETTINGS}partijen/{uid}/verwijderen/").status_code == 404

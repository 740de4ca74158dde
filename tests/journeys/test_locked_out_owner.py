"""An owner who is locked out gets back in by the steps of docs/operations.md."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import Membership, Seller, User
from tests.accounts.factors import SECURITY, set_up_app
from tests.admin import acts
from tests.admin.registry import change
from tests.factories import SellerFactory
from tests.journeys.pages import Page
from tests.mailbox import last_link
from tests.people import NEW_PASSWORD, SIGN_IN, choose_password, says, sign_in, signed_in

pytestmark = pytest.mark.django_db

CONTACT = "/instellingen/api/contact/"


@pytest.fixture
def seller() -> Seller:
    return SellerFactory(display_name="Van Dijk", owner__user__email="pieter@vandijk.example")


def page_at(client: Client, address: str) -> Page:
    answer = client.get(address, follow=True)
    return Page(answer.content.decode(), answer.redirect_chain[-1][0] if answer.redirect_chain else address)


def reset_password(email: str) -> Client:
    """Use Wachtwoord vergeten? and sign in; return the browser."""
    client = Client()
    page = page_at(client, page_at(client, SIGN_IN).link("Wachtwoord vergeten?"))
    form = page.form("Link versturen")
    client.post(form.address, form.fill(**{"E-mailadres": email}))
    choose_password(client, last_link())
    assert sign_in(client, email, NEW_PASSWORD).status_code == 302
    return client


def test_owner_who_lost_the_telephone_sets_up_a_new_factor(
    operator: Client, seller: Seller, settings: Settings
) -> None:
    owner = seller.members.get()
    set_up_app(signed_in(owner))
    settings.REQUIRE_MFA = "owners"
    set_up_app(operator)
    acts.do(operator, acts.RESET_FACTORS, owner)
    browser = signed_in(owner)
    assert browser.get(CONTACT)["Location"] == SECURITY
    set_up_app(browser)
    assert browser.get(CONTACT, follow=True).status_code == 200


def test_new_owner_takes_the_place_of_the_only_one(operator: Client, seller: Seller) -> None:
    former = seller.memberships.get()
    assert "minstens één eigenaar" in says(acts.do(operator, acts.REMOVE, former))
    form = page_at(operator, reverse("admin:accounts_user_add")).form("Opslaan")
    operator.post(form.address, form.fill() | {"email": ["joris@vandijk.example"]})
    user = User.objects.get(email="joris@vandijk.example")
    form = page_at(operator, page_at(operator, change(Seller, seller)).link("Medewerker toevoegen")).form("Opslaan")
    chosen = {"user": [user.email], "role": [Membership.Role.OWNER], "reason": [acts.REASON]}
    assert operator.post(form.address, form.fill() | chosen).status_code == 302
    acts.do(operator, acts.REMOVE, former)
    assert [*seller.members.all()] == [user]
    assert reset_password(user.email).get("/instellingen/medewerkers/uitnodigen/").status_code == 200

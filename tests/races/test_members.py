"""Concurrent changes by two owners, and concurrent acceptances of one invitation."""

from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client

from accounts.links import link_token
from accounts.models import Invitation, Membership, Seller, User
from tests.factories import MembershipFactory, UserFactory
from tests.people import signed_in
from tests.races.collisions import at_once

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

MEMBERS = "/instellingen/medewerkers/"


@pytest.mark.parametrize(("page", "fields"), [("rol", {"role": "technical"}), ("verwijderen", {})])
def test_two_owners_who_demote_each_other_leave_one_owner(seller: Seller, page: str, fields: dict[str, Any]) -> None:
    first, second = seller.memberships.get(), MembershipFactory(seller=seller, role="owner")
    browsers = [(signed_in(first.user), second), (signed_in(second.user), first)]
    at_once(seller, *(partial(browser.post, f"{MEMBERS}{other.pk}/{page}/", fields) for browser, other in browsers))
    assert Membership.objects.filter(seller=seller, role="owner").count() == 1


def test_concurrent_acceptances_create_one_member(seller: Seller) -> None:
    user = UserFactory()
    invitation = Invitation.objects.create(seller=seller, email=user.email, role="technical")
    token = unquote(link_token("invitation", invitation.pk, invitation.nonce))
    tabs = [signed_in(user) for _ in range(2)]
    answers = at_once(seller, *(partial(tab.post, "/uitnodiging/", {"token": token}) for tab in tabs))
    assert sorted(answer.status_code for answer in answers) == [302, 410]
    assert Membership.objects.filter(seller=seller, user=user).count() == 1


def test_concurrent_new_accounts_from_one_invitation_create_one(seller: Seller) -> None:
    invitation = Invitation.objects.create(seller=seller, email="joris@vandijk.example", role="technical")
    token = link_token("invitation", invitation.pk, invitation.nonce)
    password = "vier-peren-en-een-appel"
    fields = {"token": token, "name": "Joris", "password1": password, "password2": password}
    answers = at_once(seller, *(partial(Client().post, "/uitnodiging/", fields) for _ in range(2)))
    assert [answer.status_code for answer in answers].count(302) == 1
    assert all(answer.status_code < 500 for answer in answers)
    assert User.objects.filter(email="joris@vandijk.example").count() == 1

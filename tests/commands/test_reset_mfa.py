"""`reset_mfa`: removes the second factors of a user who lost all of them."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import Seller, User
from apicredentials.models import Activity, OutgoingMail
from tests.accounts.factors import set_up_app
from tests.commands.conftest import Manage
from tests.factories import MembershipFactory, SellerFactory
from tests.people import is_signed_in, sign_in, signed_in

pytestmark = pytest.mark.django_db

REASON = "Telefoon kwijt, gebeld"


@pytest.fixture
def seller() -> Seller:
    return SellerFactory(owner__user__email="pieter@vandijk.example")


@pytest.fixture
def user(seller: Seller) -> User:
    return MembershipFactory(seller=seller, role="technical", user__email="fatima@vandijk.example").user


@pytest.fixture
def browser(user: User) -> Client:
    client = signed_in(user)
    set_up_app(client)
    return client


def test_factors_are_removed_and_sessions_ended(manage: Manage, browser: Client, user: User) -> None:
    answer = manage("reset_mfa", "Fatima@VanDijk.example", "--reason", REASON, "--json").json
    assert answer == {"email": user.email, "removed": ["totp", "recovery_codes"]}
    assert not Authenticator.objects.exists()
    assert not is_signed_in(browser)
    assert sign_in(Client(), user)["Location"] == "/instellingen/api/"


def test_reset_is_logged_with_its_reason_and_mailed(manage: Manage, browser: Client, user: User) -> None:
    manage("reset_mfa", user.email, "--reason", REASON)
    activity = Activity.objects.get(kind=Activity.Kind.FACTORS_RESET)
    assert (activity.subject, activity.reason) == (str(user), REASON)
    kinds = {(mail.kind, mail.recipient) for mail in OutgoingMail.objects.exclude(kind="own_factor_added")}
    assert ("factors_reset", "pieter@vandijk.example") in kinds
    assert ("own_factor_removed", user.email) in kinds


@pytest.mark.parametrize("arguments", [("niemand@vandijk.example", "--reason", REASON), ("fatima@vandijk.example",)])
def test_invalid_input_is_refused_in_one_line(manage: Manage, browser: Client, arguments: tuple[str, ...]) -> None:
    assert manage("reset_mfa", *arguments).complaint
    assert Authenticator.objects.exists()


def test_user_without_factors_is_not_changed(manage: Manage, user: User) -> None:
    assert manage("reset_mfa", user.email, "--reason", REASON, "--json").json["removed"] == []

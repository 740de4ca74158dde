"""Users and members in `/beheer/`: every change that concerns a seller has a reason and is logged."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User
from apicredentials.models import Activity, OutgoingMail
from tests.accounts.factors import set_up_app
from tests.admin.registry import change
from tests.factories import MembershipFactory, ThirdPartyAuthorizationFactory, UserFactory
from tests.journeys.pages import Page
from tests.people import is_signed_in, says, signed_in

pytestmark = pytest.mark.django_db

REASON = "Op verzoek van de eigenaar"


@pytest.fixture
def operator() -> Client:
    return signed_in(UserFactory(is_staff=True, is_superuser=True))


@pytest.fixture
def member() -> Membership:
    owner = MembershipFactory(role="owner", user__email="pieter@vandijk.example")
    return MembershipFactory(seller=owner.seller, role="technical", user__email="fatima@vandijk.example")


def act(operator: Client, row: User | Membership, name: str, reason: str = REASON) -> None:
    address = reverse(f"admin:accounts_{row._meta.model_name}_changelist")
    operator.post(address, {"action": name, "_selected_action": str(row.pk), "reason": reason})


def test_another_address_needs_a_reason_and_is_mailed_to_both(operator: Client, member: Membership) -> None:
    user = member.user
    form = Page(operator.get(change(User, user)).content.decode()).form("Opslaan")
    filled = form.fill() | {"email": ["fatima@nieuw.example"]}
    assert "Vul in waarom het adres wijzigt." in says(operator.post(change(User, user), filled))
    operator.post(change(User, user), filled | {"reason": [REASON]})
    user.refresh_from_db()
    assert user.email == "fatima@nieuw.example"
    activity = Activity.objects.get(kind=Activity.Kind.ADDRESS_CHANGED)
    assert (activity.seller, activity.reason) == (member.seller, REASON)
    mails = {(mail.kind, mail.recipient) for mail in OutgoingMail.objects.all()}
    assert {("address_changed", "fatima@nieuw.example"), ("address_replaced", "fatima@vandijk.example")} <= mails


def test_another_name_needs_no_reason(operator: Client, member: Membership) -> None:
    form = Page(operator.get(change(User, member.user)).content.decode()).form("Opslaan")
    operator.post(change(User, member.user), form.fill() | {"name": ["Fatima"]})
    member.user.refresh_from_db()
    assert member.user.name == "Fatima"


@pytest.mark.parametrize("name", ["switch_off", "reset_factors"])
def test_acts_on_a_user_need_a_reason_and_are_logged(operator: Client, member: Membership, name: str) -> None:
    set_up_app(signed_in(member.user))
    act(operator, member.user, name, reason="")
    assert not Activity.objects.exclude(kind="factor_added").exists()
    act(operator, member.user, name)
    assert Activity.objects.latest("pk").reason == REASON
    member.user.refresh_from_db()
    assert member.user.is_active == (name != "switch_off")


def test_a_switched_off_user_gets_a_mail_and_is_out(operator: Client, member: Membership) -> None:
    browser = signed_in(member.user)
    act(operator, member.user, "switch_off")
    assert not is_signed_in(browser)
    recipients = {mail.recipient for mail in OutgoingMail.objects.filter(kind="user_switched_off")}
    assert recipients == {"pieter@vandijk.example", "fatima@vandijk.example"}
    act(operator, member.user, "switch_on")
    assert is_signed_in(signed_in(User.objects.get(pk=member.user.pk)))


def test_a_removed_members_parties_stop(operator: Client, member: Membership) -> None:
    consent = ThirdPartyAuthorizationFactory(seller=member.seller, granted_by=member.user)
    act(operator, member, "remove")
    assert not Membership.objects.filter(pk=member.pk).exists()
    consent.refresh_from_db()
    assert consent.cause == "member_left"
    assert Activity.objects.get(kind=Activity.Kind.MEMBER_REMOVED).reason == REASON


def test_a_role_changes_with_a_reason(operator: Client, member: Membership) -> None:
    act(operator, member, "make_administrator")
    member.refresh_from_db()
    assert member.role == "administrator"


def test_the_last_owner_stays_one_in_the_admin_too(operator: Client, member: Membership) -> None:
    owner = Membership.objects.get(role="owner")
    for name in ("remove", "make_technical"):
        act(operator, owner, name)
        owner.refresh_from_db()
        assert owner.role == "owner"


def test_an_operator_cannot_act_on_a_superuser(operator: Client) -> None:
    boss = UserFactory(is_staff=True, is_superuser=True)
    staff = UserFactory(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    for name in ("switch_off", "reset_factors"):
        act(signed_in(staff), boss, name)
    boss.refresh_from_db()
    assert boss.is_active


def test_members_do_not_change_without_a_reason(operator: Client, member: Membership) -> None:
    assert operator.post(change(Membership, member), {"role": "owner"}).status_code in {200, 302, 403}
    delete = reverse("admin:accounts_membership_delete", args=[member.pk])
    assert operator.post(delete, {"post": "yes"}).status_code == 403
    member.refresh_from_db()
    assert member.role == "technical"

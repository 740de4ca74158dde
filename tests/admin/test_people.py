"""Users and members in `/beheer/`: every change that concerns a seller has a reason and is logged."""

from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Seller, User
from apicredentials.models import Activity, OutgoingMail
from tests.accounts.factors import set_up_app
from tests.admin import acts
from tests.admin.acts import ACTS_ON_PEOPLE, Act, do, seller_of
from tests.admin.registry import change
from tests.factories import MembershipFactory, ThirdPartyAuthorizationFactory, UserFactory
from tests.journeys.pages import Page
from tests.mailbox import send_due_mail
from tests.people import is_signed_in, says, signed_in

if TYPE_CHECKING:
    from tests.people import Response

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


def test_change_of_address_needs_a_reason_and_is_mailed_to_both_addresses(operator: Client, member: Membership) -> None:
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


def test_acts_on_a_person_without_a_seller_are_logged_and_mailed_too(operator: Client) -> None:
    user = UserFactory(email="kees@portaal.example")
    set_up_app(signed_in(user))
    form = Page(operator.get(change(User, user)).content.decode()).form("Opslaan")
    operator.post(change(User, user), form.fill() | {"email": ["kees@nieuw.example"], "reason": [REASON]})
    for name in ("reset_factors", "switch_off", "switch_on"):
        act(operator, user, name)
    logged = Activity.objects.filter(seller=None, reason=REASON).values_list("kind", flat=True)
    assert {*logged} == {"address_changed", "factors_reset", "user_switched_off", "user_switched_on"}
    messages = send_due_mail()
    assert sorted((message.to[0], message.subject) for message in messages) == [
        ("kees@nieuw.example", "E-mailadres van medewerker gewijzigd"),
        ("kees@nieuw.example", "Tweede stap verwijderd"),
        ("kees@nieuw.example", "kees@nieuw.example kan niet meer inloggen"),
        ("kees@nieuw.example", "kees@nieuw.example kan weer inloggen"),
        ("kees@portaal.example", "Het e-mailadres van je account is gewijzigd"),
        ("kees@portaal.example", "Tweede stap ingesteld"),
    ]
    by_operator = [str(message.body) for message in messages if message.subject != "Tweede stap ingesteld"]
    assert all("Dit is gedaan door de marktplaats." in body and "Verkoper:" not in body for body in by_operator)


def test_change_of_name_needs_no_reason(operator: Client, member: Membership) -> None:
    form = Page(operator.get(change(User, member.user)).content.decode()).form("Opslaan")
    operator.post(change(User, member.user), form.fill() | {"name": ["Fatima"]})
    member.user.refresh_from_db()
    assert member.user.name == "Fatima"


@pytest.mark.parametrize("each", ACTS_ON_PEOPLE, ids=str)
def test_act_on_a_person_is_mailed_to_the_person_and_the_owners(operator: Client, each: Act) -> None:
    row = each.row()
    person = row if isinstance(row, User) else row.user
    owner = seller_of(row).members.earliest("pk")
    do(operator, each, row)
    mails = OutgoingMail.objects.filter(kind__in=[each.kind, "own_factor_removed"])
    assert {mail.recipient for mail in mails} == {person.email, owner.email}
    assert {mail.context["reason"] for mail in mails} == {acts.REASON}


def test_switched_off_user_is_signed_out_until_switched_on(operator: Client, member: Membership) -> None:
    browser = signed_in(member.user)
    act(operator, member.user, "switch_off")
    assert not is_signed_in(browser)
    act(operator, member.user, "switch_on")
    assert is_signed_in(signed_in(User.objects.get(pk=member.user.pk)))


def test_parties_of_a_removed_member_stop(operator: Client, member: Membership) -> None:
    consent = ThirdPartyAuthorizationFactory(seller=member.seller, granted_by=member.user)
    act(operator, member, "remove")
    assert not Membership.objects.filter(pk=member.pk).exists()
    consent.refresh_from_db()
    assert consent.cause == "member_left"
    assert Activity.objects.get(kind=Activity.Kind.MEMBER_REMOVED).reason == REASON


def test_role_can_be_changed(operator: Client, member: Membership) -> None:
    act(operator, member, "make_administrator")
    member.refresh_from_db()
    assert member.role == "administrator"


def test_last_owner_cannot_be_removed_or_demoted(operator: Client, member: Membership) -> None:
    owner = Membership.objects.get(role="owner")
    for name in ("remove", "make_technical"):
        act(operator, owner, name)
        owner.refresh_from_db()
        assert owner.role == "owner"


def test_operator_cannot_act_on_a_superuser(operator: Client) -> None:
    boss = UserFactory(is_staff=True, is_superuser=True)
    staff = UserFactory(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    for name in ("switch_off", "reset_factors"):
        act(signed_in(staff), boss, name)
    boss.refresh_from_db()
    assert boss.is_active


# ---- Adding -----------------------------------------------------------------------------------------------

ADD = reverse("admin:accounts_membership_add")
ADD_SELLER = reverse("admin:accounts_seller_add")


def add(operator: Client, seller: Seller, user: User, reason: str) -> "Response":
    """Fill in the page that the seller's page links to."""
    seller_page = Page(operator.get(change(Seller, seller)).content.decode(), change(Seller, seller))
    page = Page(operator.get(seller_page.link("Medewerker toevoegen")).content.decode(), ADD)
    chosen = page.form("Opslaan").fill(**{"Reden:": reason}) | {"user": [user.email.upper()], "role": ["technical"]}
    return operator.post(ADD, chosen)


@pytest.mark.parametrize("reason", ["", "twee\nregels"])
def test_adding_a_member_needs_a_reason(operator: Client, member: Membership, reason: str) -> None:
    answer = add(operator, member.seller, UserFactory(), reason)
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors.keys() == {"reason"}
    assert member.seller.members.count() == 2


def test_member_of_an_unknown_seller_is_refused(operator: Client) -> None:
    answer = operator.post(ADD, {"seller": "1", "user": UserFactory().email, "role": "technical", "reason": REASON})
    assert "Er is geen verkoper met dit nummer." in says(answer)


def test_added_member_is_logged_and_mailed_to_the_person_and_the_owners(operator: Client, member: Membership) -> None:
    user = UserFactory(email="joris@vandijk.example", name="Joris")
    assert add(operator, member.seller, user, REASON).status_code == 302
    assert user.memberships.get().role == "technical"
    activity = Activity.objects.get(kind=Activity.Kind.MEMBER_ADDED)
    assert (activity.seller, activity.subject, activity.reason) == (member.seller, "Joris", REASON)
    assert activity.explanation == "Rol: Technisch."
    mails = OutgoingMail.objects.filter(kind="member_added")
    assert {mail.recipient for mail in mails} == {"pieter@vandijk.example", "joris@vandijk.example"}
    bodies = [str(message.body) for message in send_due_mail()]
    assert all("Joris is nu Technisch bij" in body and REASON in body for body in bodies)


def test_member_is_not_added_when_the_log_fails(
    operator: Client, member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Activity, "queue_mail", Mock(side_effect=RuntimeError))
    with pytest.raises(RuntimeError):
        add(operator, member.seller, UserFactory(), REASON)
    assert member.seller.members.count() == 2


def test_page_of_a_seller_adds_and_changes_no_members(operator: Client, member: Membership) -> None:
    address = change(Seller, member.seller)
    page = Page(operator.get(address).content.decode(), address)
    fields = page.form("Opslaan").fill() | {
        "memberships-TOTAL_FORMS": ["3"],
        "memberships-0-role": ["read_only"],
        "memberships-0-DELETE": ["on"],
        "memberships-2-user": [UserFactory().email],
        "memberships-2-role": ["owner"],
        "memberships-2-reason": [REASON],
    }
    operator.post(address, fields)
    assert [*member.seller.memberships.values_list("role", flat=True).order_by("pk")] == ["owner", "technical"]


def new_seller(operator: Client, **member: str) -> "Response":
    fields = Page(operator.get(ADD_SELLER).content.decode(), ADD_SELLER).form("Opslaan").fill()
    first = {f"memberships-0-{name}": [value] for name, value in member.items()}
    return operator.post(ADD_SELLER, fields | {"display_name": ["Van Dijk"]} | first)


def test_owner_of_a_new_seller_is_logged_and_mailed(operator: Client) -> None:
    owner = UserFactory()
    assert new_seller(operator, user=owner.email, role="owner", reason=REASON).status_code == 302
    seller = Seller.objects.get()
    assert seller.memberships.get().role == "owner"
    assert Activity.objects.get(seller=seller).reason == REASON
    assert [mail.recipient for mail in OutgoingMail.objects.all()] == [owner.email]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "een verkoper heeft er minstens één"),
        ({"user": "sanne@winkel.example", "role": "technical", "reason": REASON}, "een verkoper heeft er minstens één"),
        ({"user": "sanne@winkel.example", "role": "owner"}, "Vul een reden in."),
        ({"user": "niemand@winkel.example", "role": "owner", "reason": REASON}, "geen gebruiker met dit e-mailadres"),
    ],
)
def test_new_seller_needs_an_owner_and_a_reason(operator: Client, fields: dict[str, str], error: str) -> None:
    UserFactory(email="sanne@winkel.example")
    assert error in says(new_seller(operator, **fields))
    assert not Seller.objects.exists()


# ---- Without a reason -------------------------------------------------------------------------------------


def test_members_do_not_change_without_a_reason(operator: Client, member: Membership) -> None:
    assert operator.post(change(Membership, member), {"role": "owner"}).status_code in {200, 302, 403}
    delete = reverse("admin:accounts_membership_delete", args=[member.pk])
    assert operator.post(delete, {"post": "yes"}).status_code == 403
    member.refresh_from_db()
    assert member.role == "technical"

"""Medewerkers: who works for a seller, other roles, and removal with what happens to their parties."""

import datetime as dt
import re
from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings

from accounts.members import memberships
from accounts.models import Actor, Membership, Seller
from apicredentials.exceptions import Refusal
from apicredentials.models import Activity, OutgoingMail, ThirdPartyAuthorization, sellers
from tests.accounts.factors import set_up_app
from tests.factories import MembershipFactory, SellerFactory, ThirdPartyAuthorizationFactory
from tests.journeys.pages import Page
from tests.mailbox import send_due_mail
from tests.people import PROVE, says, signed_in

pytestmark = pytest.mark.django_db

MEMBERS = "/instellingen/medewerkers/"
Role = Membership.Role
Kind = Activity.Kind


@pytest.fixture
def seller() -> Seller:
    return SellerFactory(
        display_name="Van Dijk", owner__user__email="pieter@vandijk.example", owner__user__name="Pieter"
    )


@pytest.fixture
def owner(seller: Seller) -> Client:
    return signed_in(seller.members.get(name="Pieter"))


@pytest.fixture
def colleague(seller: Seller) -> Membership:
    return MembershipFactory(
        seller=seller, role=Role.TECHNICAL, user__email="fatima@vandijk.example", user__name="Fatima"
    )


def act(member: Membership, page: str) -> str:
    return f"{MEMBERS}{member.pk}/{page}/"


def recipients(kind: str) -> set[str]:
    return {mail.recipient for mail in OutgoingMail.objects.filter(kind=kind)}


# ---- The page ---------------------------------------------------------------------------------------------


def test_page_shows_name_address_role_factor_and_last_sign_in(owner: Client, colleague: Membership) -> None:
    set_up_app(signed_in(colleague.user))
    page = Page(owner.get(MEMBERS).content.decode()).part("main")
    rows = {row["aria-labelledby"]: row.words for row in page.root.all("article")}
    row = rows[f"medewerker-{colleague.pk}"]
    for text in ("Fatima", "fatima@vandijk.example", "Technisch", "Tweede stap aan", "Ingelogd op"):
        assert text in row
    assert "Geen tweede stap" in str(rows)


def test_page_explains_every_role(owner: Client) -> None:
    page = says(owner.get(MEMBERS))
    for text in ("Alles, ook medewerkers.", "Alles, behalve medewerkers.", "niet het technisch contact", "Kijken"):
        assert text in page


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.TECHNICAL, Role.READ_ONLY])
def test_page_has_no_buttons_for_other_roles(seller: Seller, role: str) -> None:
    client = signed_in(MembershipFactory(seller=seller, role=role).user)
    page = Page(client.get(MEMBERS).content.decode()).part("main")
    assert "pieter@vandijk.example" in page.words
    assert not list(page.root.all("form", "button"))
    assert "Uitnodigen" not in page.words


def test_members_of_another_seller_are_not_listed_and_not_found(owner: Client) -> None:
    stranger = MembershipFactory(user__name="Vreemde")
    assert "Vreemde" not in says(owner.get(MEMBERS))
    for page in ("rol", "verwijderen"):
        assert owner.get(act(stranger, page)).status_code == 404
        assert owner.post(act(stranger, page), {"role": "owner"}).status_code == 404


# ---- Roles ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role.values)
def test_new_role_takes_effect_at_the_next_request(owner: Client, colleague: Membership, role: str) -> None:
    browser = signed_in(colleague.user)
    assert owner.post(act(colleague, "rol"), {"role": role})["Location"] == MEMBERS
    colleague.refresh_from_db()
    assert colleague.role == role
    assert (browser.get(f"{MEMBERS}uitnodigen/").status_code == 200) == (role == Role.OWNER)


def test_new_role_is_logged_and_mailed_to_the_person_and_the_owners(owner: Client, colleague: Membership) -> None:
    owner.post(act(colleague, "rol"), {"role": Role.ADMINISTRATOR})
    assert recipients("member_role_changed") == {"pieter@vandijk.example", "fatima@vandijk.example"}
    activity = Activity.objects.get(kind=Kind.MEMBER_ROLE_CHANGED)
    assert (activity.subject, activity.actor_name) == ("Fatima", "Pieter")
    assert activity.explanation == "Rol: Beheerder. Was: Technisch."
    (body, *_) = [str(mail.body) for mail in send_due_mail()]
    assert "Fatima is nu Beheerder bij Van Dijk" in body


def test_unchanged_role_is_not_logged(owner: Client, colleague: Membership) -> None:
    owner.post(act(colleague, "rol"), {"role": Role.TECHNICAL})
    assert not Activity.objects.exists()


@pytest.mark.parametrize("role", ["", "boss", "OWNER", "\0"])
def test_unknown_role_is_refused(owner: Client, colleague: Membership, role: str) -> None:
    assert owner.post(act(colleague, "rol"), {"role": role}).status_code == 422
    colleague.refresh_from_db()
    assert colleague.role == Role.TECHNICAL


@pytest.mark.parametrize(("page", "fields"), [("rol", {"role": "technical"}), ("verwijderen", {"parties": "stop"})])
def test_last_owner_cannot_be_demoted_or_removed(
    owner: Client, seller: Seller, page: str, fields: dict[str, str]
) -> None:
    last = seller.memberships.get()
    MembershipFactory(seller=seller, role=Role.OWNER, user__is_active=False)  # who cannot sign in does not count
    answer = owner.post(act(last, page), fields, follow=True)
    assert "Er is altijd minstens één eigenaar die kan inloggen." in says(answer)
    last.refresh_from_db()
    assert last.role == Role.OWNER
    assert "Enige Eigenaar: kan niet weg" in says(owner.get(MEMBERS))


def test_owner_can_leave_when_there_is_another_owner(owner: Client, seller: Seller) -> None:
    leaving = seller.memberships.get()
    MembershipFactory(seller=seller, role=Role.OWNER)
    ThirdPartyAuthorizationFactory(seller=seller, granted_by=leaving.user)
    assert "Ik neem ze over" not in says(owner.get(act(leaving, "verwijderen")))
    owner.post(act(leaving, "verwijderen"))
    assert not Membership.objects.filter(pk=leaving.pk).exists()
    assert ThirdPartyAuthorization.objects.get().end_cause == "member_left"


# ---- Removal ----------------------------------------------------------------------------------------------


@pytest.fixture
def consent(colleague: Membership) -> ThirdPartyAuthorization:
    return ThirdPartyAuthorizationFactory(
        seller=colleague.seller, granted_by=colleague.user, third_party__name="Orderwijs"
    )


def test_removal_page_names_the_parties_and_preselects_taking_over(
    owner: Client, colleague: Membership, consent: ThirdPartyAuthorization
) -> None:
    html = owner.get(act(colleague, "verwijderen")).content.decode()
    assert "Orderwijs" in html
    assert re.search(r'value="take_over" checked', html)


@pytest.mark.usefixtures("consent")
@pytest.mark.parametrize(
    ("choice", "text", "is_active"), [("stop", "Ze blijven gestopt.", False), ("take_over", "Ze werken weer", True)]
)
def test_removal_page_of_a_switched_off_colleague_is_true(
    owner: Client, colleague: Membership, choice: str, text: str, is_active: bool
) -> None:
    sellers.switch_off(colleague.user, by=Actor(reason="Uit dienst"))
    page = says(owner.get(act(colleague, "verwijderen")))
    assert "Ze zijn al gestopt, want Fatima is uitgeschakeld" in page
    assert text in page
    assert "Er stopt niets." not in page
    owner.post(act(colleague, "verwijderen"), {"parties": choice})
    assert ThirdPartyAuthorization.objects.with_parties().get().is_active == is_active


def test_taking_over_stops_nothing_and_keeps_the_end_date(
    owner: Client, colleague: Membership, consent: ThirdPartyAuthorization
) -> None:
    ends_at = consent.expires_at
    page = Page(owner.get(act(colleague, "verwijderen")).content.decode(), act(colleague, "verwijderen"))
    owner.post(act(colleague, "verwijderen"), page.form("Verwijderen").fill())
    assert not Membership.objects.filter(pk=colleague.pk).exists()
    taken = ThirdPartyAuthorization.objects.with_parties().get()
    assert taken.is_active
    assert (str(taken.granted_by), taken.expires_at) == ("Pieter", ends_at)
    assert Activity.objects.get(kind=Kind.MEMBER_REMOVED).explanation == "Overgenomen: Orderwijs."
    assert Activity.objects.filter(kind=Kind.PARTY_TAKEN_OVER).count() == 1


def test_stopping_ends_the_consents_and_mails_removal_and_stop(
    owner: Client, colleague: Membership, consent: ThirdPartyAuthorization
) -> None:
    owner.post(act(colleague, "verwijderen"), {"parties": "stop"})
    stopped = ThirdPartyAuthorization.objects.with_parties().get()
    assert (stopped.state, stopped.cause) == ("stopped", "member_left")
    assert recipients("member_removed") == {"pieter@vandijk.example", "fatima@vandijk.example"}
    assert recipients("party_stopped") == {"pieter@vandijk.example"}


def test_removed_member_has_no_access_at_the_next_request(owner: Client, colleague: Membership) -> None:
    browser = signed_in(colleague.user)
    owner.post(act(colleague, "verwijderen"))
    assert browser.get(MEMBERS).status_code == 403
    assert browser.get("/instellingen/beveiliging/").status_code == 200


def test_removal_without_a_choice_for_the_parties_is_refused(
    owner: Client, colleague: Membership, consent: ThirdPartyAuthorization
) -> None:
    assert owner.post(act(colleague, "verwijderen")).status_code == 422
    assert Membership.objects.filter(pk=colleague.pk).exists()


# ---- Step-up ----------------------------------------------------------------------------------------------


@pytest.fixture
def later(owner: Client, colleague: Membership) -> Iterator[Client]:
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31), tick=False):
        yield owner


@pytest.mark.parametrize("page", ["rol", "verwijderen"])
def test_changing_members_needs_recent_proof(later: Client, colleague: Membership, page: str) -> None:
    for answer in (later.get(act(colleague, page)), later.post(act(colleague, page), {"role": "owner"})):
        assert answer["Location"].startswith(f"{PROVE}?next=")
    colleague.refresh_from_db()
    assert colleague.role == Role.TECHNICAL


def test_chosen_role_is_kept_while_proof_is_asked(later: Client, colleague: Membership) -> None:
    later.post(act(colleague, "rol"), {"role": Role.READ_ONLY})
    later.post(PROVE, {"password": "een-wachtwoord-voor-tests"})
    html = later.get(act(colleague, "rol")).content.decode()
    assert re.search(r'value="read_only" checked', html)


# ---- Whatever is done -------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([*Role.values, "take_over", "stop"])), max_size=12
)


@settings(max_examples=40)
@given(steps=STEPS)
def test_no_sequence_of_acts_leaves_a_seller_without_an_owner(steps: list[tuple[int, int, str]]) -> None:
    """And nobody but an owner gets anything done."""
    seller = SellerFactory(owner=None)
    people = [MembershipFactory(seller=seller, role=role) for role in ("owner", "owner", "administrator", "read_only")]
    for who, whom, what in steps:
        actor = Membership.objects.filter(pk=people[who].pk).first()
        target = Membership.objects.filter(pk=people[whom].pk).first()
        if target is not None:
            before = rows_of(seller)
            may = actor is not None and actor.role == Role.OWNER
            refused = attempt(target, what, Actor(user=people[who].user))
            assert (refused is PermissionDenied) == (not may)
            assert refused is None or rows_of(seller) == before
        assert Membership.objects.filter(seller=seller, role=Role.OWNER).exists()


def rows_of(seller: Seller) -> list[tuple[int, str]]:
    return list(Membership.objects.filter(seller=seller).order_by("pk").values_list("pk", "role"))


def attempt(target: Membership, what: str, by: Actor) -> type[Exception] | None:
    """Do it, and return what refused it."""
    try:
        if what in Role.values:
            memberships.change_role(target, what, by=by)
        else:
            memberships.remove(target, by=by, take_over=what == "take_over")
    except (PermissionDenied, Refusal) as error:
        return type(error)
    return None

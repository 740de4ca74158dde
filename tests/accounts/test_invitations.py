"""Invitations: mailed, sent again, withdrawn, and accepted once by the address that was invited."""

import datetime as dt
import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.members import member_views
from accounts.models import Invitation, Membership, Seller, User
from apicredentials.models import Activity, OutgoingMail
from tests.factories import MembershipFactory, SellerFactory, ThirdPartyFactory, UserFactory
from tests.inventory import tables
from tests.journeys.pages import Page
from tests.mailbox import send_due_mail
from tests.people import PROVE, says, sign_in, signed_in

pytestmark = pytest.mark.django_db

MEMBERS = "/instellingen/medewerkers/"
INVITE = f"{MEMBERS}uitnodigen/"
EMAIL = "joris@vandijk.example"
PASSWORD = "vier-peren-en-een-appel"
Role = Membership.Role


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


@pytest.fixture
def seller() -> Seller:
    return SellerFactory(display_name="Van Dijk", owner__user__email="pieter@vandijk.example")


@pytest.fixture
def owner(seller: Seller) -> Client:
    return signed_in(seller.members.get())


def invite(owner: Client, email: str = EMAIL, role: str = Role.TECHNICAL) -> Invitation:
    assert owner.post(INVITE, {"email": email, "role": role})["Location"] == MEMBERS
    return Invitation.objects.get(email=email.lower())


def link(recipient: str = EMAIL) -> str:
    bodies = [str(message.body) for message in send_due_mail() if message.to == [recipient]]
    found: list[str] = re.findall(r"http://testserver(/uitnodiging/\S+)", "\n".join(bodies))
    return found[-1]


def accept_new(address: str, client: Client | None = None, **fields: str) -> Client:
    client = client or Client()
    page = Page(client.get(address).content.decode(), address)
    filled = page.form("Accepteren").fill() | {"name": "Joris", "password1": PASSWORD, "password2": PASSWORD} | fields
    client.post("/uitnodiging/", filled)
    return client


# ---- Inviting ---------------------------------------------------------------------------------------------


def test_mail_names_inviter_seller_and_role(owner: Client) -> None:
    invite(owner)
    (message,) = [each for each in send_due_mail() if each.to == [EMAIL]]
    assert message.subject == "Je bent uitgenodigd voor Van Dijk"
    for text in ("pieter@vandijk.example nodigt je uit", "met de rol Technisch", "7 dagen"):
        assert text in str(message.body)


def test_response_is_the_same_for_known_and_unknown_addresses(owner: Client) -> None:
    UserFactory(email="bekend@elders.example")
    pages = []
    for email in ("bekend@elders.example", "nieuwe@elders.example"):
        answer = owner.post(INVITE, {"email": email, "role": Role.TECHNICAL}, follow=True)
        pages.append((answer.redirect_chain, says(answer).replace(email, "X")))
        Invitation.objects.all().delete()
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    "fields",
    [{"email": ""}, {"email": "a@localhost"}, {"email": "a@winkel.example\u200b"}, {"role": ""}, {"role": "x"}],
)
def test_invalid_invitation_is_refused(owner: Client, fields: dict[str, str]) -> None:
    assert owner.post(INVITE, {"email": EMAIL, "role": Role.TECHNICAL} | fields).status_code == 422
    assert not Invitation.objects.exists()


def test_second_invitation_replaces_the_open_one(owner: Client) -> None:
    invite(owner)
    first = link()
    invite(owner, "JORIS@VanDijk.example", Role.READ_ONLY)
    assert Client().get(first).status_code == 410
    assert Client().get(link()).status_code == 200
    assert Invitation.objects.get().role == Role.READ_ONLY


def test_link_that_was_replaced_is_not_mailed(owner: Client) -> None:
    invite(owner)
    invite(owner)
    assert [message.to for message in send_due_mail()].count([EMAIL]) == 1


@pytest.mark.parametrize("act", ["versturen", "intrekken"])
def test_invitation_that_a_colleague_withdrew_at_the_same_time_is_not_found(
    owner: Client, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    invitation = invite(owner)
    monkeypatch.setattr(member_views, "find_invitation", lambda *_: invitation)
    Invitation.objects.all().delete()
    assert owner.post(f"{MEMBERS}uitnodigingen/{invitation.pk}/{act}/").status_code == 404


def test_invitation_is_logged_and_mailed_to_the_owners(owner: Client) -> None:
    invite(owner)
    assert Activity.objects.get().kind == Activity.Kind.MEMBER_INVITED
    recipients = {each.recipient for each in OutgoingMail.objects.filter(kind="member_invited")}
    assert recipients == {"pieter@vandijk.example"}


def test_inviting_is_throttled(owner: Client) -> None:
    for number in range(30):
        owner.post(INVITE, {"email": f"nummer{number}@elders.example", "role": Role.TECHNICAL})
    assert owner.post(INVITE, {"email": EMAIL, "role": Role.TECHNICAL}).status_code == 429


def test_inviting_needs_recent_proof_and_keeps_what_was_typed(owner: Client, clock: time_machine.Traveller) -> None:
    clock.shift(dt.timedelta(minutes=31))
    assert owner.post(INVITE, {"email": EMAIL, "role": Role.OWNER})["Location"].startswith(PROVE)
    owner.post(PROVE, {"password": "een-wachtwoord-voor-tests"})
    assert f'value="{EMAIL}"' in owner.get(INVITE).content.decode()


# ---- The list ---------------------------------------------------------------------------------------------


def test_sending_again_gives_a_new_link_and_seven_new_days(owner: Client, clock: time_machine.Traveller) -> None:
    row = invite(owner)
    first = link()
    clock.shift(dt.timedelta(minutes=20))
    owner.post(f"{MEMBERS}uitnodigingen/{row.pk}/versturen/")
    clock.shift(dt.timedelta(days=6, hours=23))
    assert Client().get(first).status_code == 410
    assert Client().get(link()).status_code == 200


def test_withdrawn_invitation_does_not_work_and_its_unsent_mail_is_deleted(owner: Client) -> None:
    row = invite(owner)
    owner.post(f"{MEMBERS}uitnodigingen/{row.pk}/intrekken/")
    assert not [message for message in send_due_mail() if message.to == [EMAIL]]
    row = invite(owner)
    address = link()
    owner.post(f"{MEMBERS}uitnodigingen/{row.pk}/intrekken/")
    assert Client().get(address).status_code == 410
    assert EMAIL not in says(owner.get(MEMBERS, follow=True)).partition("Open uitnodigingen")[2]


@pytest.mark.parametrize("act", ["versturen", "intrekken"])
def test_invitation_of_another_seller_is_not_found(owner: Client, act: str) -> None:
    other = Invitation.objects.create(seller=SellerFactory(), email=EMAIL, role=Role.OWNER)
    assert owner.post(f"{MEMBERS}uitnodigingen/{other.pk}/{act}/").status_code == 404
    assert Invitation.objects.filter(pk=other.pk).exists()


# ---- Accepting --------------------------------------------------------------------------------------------


def test_opening_the_link_changes_nothing(owner: Client) -> None:
    invite(owner)
    address = link()
    before = tables()
    for method in ("get", "head"):
        assert getattr(Client(), method)(address).status_code == 200
    assert tables() == before


def test_new_user_chooses_name_and_password_and_is_signed_in(owner: Client, seller: Seller) -> None:
    invite(owner)
    client = accept_new(link())
    member = Membership.objects.get(user__email=EMAIL)
    assert (member.seller, member.role, member.user.name) == (seller, Role.TECHNICAL, "Joris")
    assert f"Je werkt nu mee aan {seller.display_name}." in says(client.get("/instellingen/"))
    assert sign_in(Client(), EMAIL, PASSWORD).status_code == 302
    assert {each.recipient for each in OutgoingMail.objects.filter(kind="member_joined")} == {
        "pieter@vandijk.example",
        EMAIL,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "Jo\u202eris"},
        {"password1": "kort", "password2": "kort"},
        {"password1": EMAIL, "password2": EMAIL},
        {"password2": "iets-heel-anders"},
    ],
)
def test_invalid_name_or_password_creates_no_account(owner: Client, fields: dict[str, str]) -> None:
    invite(owner)
    accept_new(link(), None, **fields)
    assert not User.objects.filter(email=EMAIL).exists()
    assert Invitation.objects.exists()


def test_existing_user_signs_in_and_accepts(owner: Client, seller: Seller) -> None:
    user = UserFactory(email=EMAIL)
    invite(owner)
    address = link()
    client = Client()
    asked = client.get(address)["Location"]
    assert asked.startswith("/inloggen/?next=")
    form = Page(client.get(asked).content.decode(), asked).form("Inloggen")
    back = client.post(form.address, form.fill(**{"E-mailadres": EMAIL, "Wachtwoord": "een-wachtwoord-voor-tests"}))
    assert unquote(back["Location"]) == unquote(address)
    assert not seller.members.filter(pk=user.pk).exists()
    page = Page(client.get(back["Location"]).content.decode(), address)
    client.post("/uitnodiging/", page.form("Accepteren").fill())
    assert seller.members.filter(pk=user.pk).exists()


def test_link_works_once(owner: Client) -> None:
    invite(owner)
    address = link()
    accept_new(address)
    assert Client().get(address).status_code == 410
    token = unquote(address.partition("?token=")[2])
    assert Client().post("/uitnodiging/", {"token": token}).status_code == 410


def test_link_works_for_seven_days(owner: Client, clock: time_machine.Traveller) -> None:
    invite(owner)
    address = link()
    clock.shift(dt.timedelta(days=7))
    assert Client().get(address).status_code == 410
    clock.shift(-dt.timedelta(seconds=1))
    assert Client().get(address).status_code == 200


def test_another_user_cannot_accept(owner: Client) -> None:
    other = signed_in(MembershipFactory(user__email="iemand@anders.example").user)
    invite(owner)
    address = link()
    answer = other.get(address)
    assert answer.status_code == 403
    assert EMAIL not in answer.content.decode()
    token = unquote(address.partition("?token=")[2])
    assert other.post("/uitnodiging/", {"token": token}).status_code == 403
    assert Invitation.objects.exists()


def test_existing_member_keeps_the_role(owner: Client, seller: Seller) -> None:
    user = seller.members.get()
    Invitation.objects.create(seller=seller, email=user.email, role=Role.READ_ONLY)
    invite(owner, user.email, Role.READ_ONLY)
    address = link(user.email)
    owner.post("/uitnodiging/", {"token": unquote(address.partition("?token=")[2])})
    assert seller.memberships.get().role == Role.OWNER


def test_accepting_continues_the_request_of_a_waiting_party(owner: Client) -> None:
    request = f"/authorize?client_id={ThirdPartyFactory(name='Orderwijs').client_id}&state=a"
    invite(owner)
    client = Client()
    client.get("/inloggen/", {"next": request})
    address = link()
    assert "Doorgaan naar Orderwijs" in says(client.get(address))
    page = Page(client.get(address).content.decode(), address)
    fields = {"name": "Joris", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/uitnodiging/", page.form("Accepteren").fill() | fields)["Location"] == request


@pytest.mark.parametrize("token", ["", "x", "WzEsIngiXQ:1:x", "\0", "é" * 300])
def test_forged_link_is_refused(client: Client, token: str) -> None:
    assert client.get("/uitnodiging/", {"token": token}).status_code == 410
    assert client.post("/uitnodiging/", {"token": token}).status_code == 410


def test_forged_links_are_throttled(client: Client) -> None:
    answers = [client.get("/uitnodiging/", {"token": str(number)}).status_code for number in range(31)]
    assert answers == [*[410] * 30, 429]


def test_tokens_are_not_stored_and_not_in_subjects(owner: Client) -> None:
    invite(owner)
    token = unquote(link().partition("?token=")[2])
    assert token not in str(tables())
    assert all(token not in message.subject for message in mail.outbox)

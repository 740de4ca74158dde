"""Decisions on the consent page: bound to the displayed request, user and session, and to the user's role."""

import datetime as dt
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import Membership, Seller, User
from apicredentials.models import ThirdParty
from tests.factories import (
    PASSWORD,
    REDIRECT_URI,
    MembershipFactory,
    SellerFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
    UserFactory,
)
from tests.journeys.pages import Page
from tests.oauth.consent import assert_shown, nothing_was_recorded, post
from tests.oauth.flow import ISSUER, Software, decide, request_address, s256, sent_back, software
from tests.people import PROVE, SIGN_IN, signed_in
from tests.rights import posted

# ---- Binding of the form ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "orders:read"},
        {"state": "x"},
        {"state": None},
        {"code_challenge": s256("x" * 43)},
        {"redirect_uri": "https://partij.example/ander"},
        {"prompt": "consent"},
    ],
)
def test_form_is_bound_to_its_request(owner: Client, changes: dict[str, str | None]) -> None:
    """WSTG-ATHZ-05.1."""
    party = software(ThirdPartyFactory(redirect_uris=f"{REDIRECT_URI} https://partij.example/ander"))
    shown = owner.get(request_address(party)).context["shown"]
    assert_shown(post(owner, request_address(party, **changes), shown))
    assert nothing_was_recorded()


def test_form_is_bound_to_its_party(owner: Client, party: Software) -> None:
    other = software(ThirdPartyFactory())
    shown = owner.get(request_address(party)).context["shown"]
    assert_shown(post(owner, request_address(other), shown))
    assert nothing_was_recorded()


def test_form_without_a_valid_signature_is_refused(owner: Client, party: Software) -> None:
    shown = owner.get(request_address(party)).context["shown"]
    changed = [shown[:at] + ("A" if shown[at] != "A" else "B") + shown[at + 1 :] for at in range(0, len(shown), 7)]
    for broken in ("", "x", "a:b:c", "\x00", "é", ":" * 5000, "x" * 100_000, *changed):
        assert_shown(post(owner, request_address(party), broken))
    assert nothing_was_recorded()


def test_form_is_bound_to_its_user(owner: Client, party: Software, seller: Seller) -> None:
    """CVE-2023-27891: another member of the same seller."""
    colleague = signed_in(MembershipFactory(seller=seller).user)
    shown = owner.get(request_address(party)).context["shown"]
    assert_shown(post(colleague, request_address(party), shown))
    assert nothing_was_recorded()


def test_form_is_bound_to_its_session(owner: Client, party: Software, seller: Seller) -> None:
    shown = owner.get(request_address(party)).context["shown"]
    assert_shown(post(signed_in(seller.members.get()), request_address(party), shown))
    assert nothing_was_recorded()


def test_form_is_bound_to_its_seller(owner: Client, party: Software, seller: Seller) -> None:
    """The user switches to another seller in another tab."""
    other = SellerFactory(owner__user=seller.members.get())
    used = owner.get(request_address(party)).wsgi_request.seller  # type: ignore[attr-defined]
    shown = owner.get(request_address(party)).context["shown"]
    switched_to = other if used == seller else seller
    assert owner.post("/instellingen/verkoper/", {"seller": switched_to.retailer_id}).status_code == 302
    assert_shown(post(owner, request_address(party), shown))
    assert nothing_was_recorded()


def test_form_is_valid_for_thirty_minutes(
    owner: Client, party: Software, seller: Seller, time_machine: TimeMachineFixture
) -> None:
    start = timezone.now()
    time_machine.move_to(start, tick=False)
    address = request_address(party)
    page = owner.get(address)
    time_machine.move_to(start + dt.timedelta(minutes=29), tick=False)
    # Prove identity in between, because otherwise the form would not be checked at all.
    owner.post(PROVE, {"password": PASSWORD})
    fresh = owner.get(address).context["shown"]
    time_machine.move_to(start + dt.timedelta(minutes=31), tick=False)
    assert_shown(post(owner, address, page.context["shown"]))
    assert nothing_was_recorded()
    assert post(owner, address, fresh).status_code == 302


def test_signed_out_user_cannot_decide(owner: Client, party: Software) -> None:
    """A past vulnerability elsewhere: a consent form that worked from a signed-out session."""
    shown = owner.get(request_address(party)).context["shown"]
    owner.post("/uitloggen/")
    for http in (owner, Client()):
        answer = post(http, request_address(party), shown)
        assert answer.status_code == 302
        assert answer["Location"].startswith(SIGN_IN)
    assert nothing_was_recorded()


def test_csrf_token_and_same_origin_are_required(seller: Seller, party: Software) -> None:
    """RFC 6749 §10.12, V3.5.1."""
    http = signed_in(seller.members.get(), enforce_csrf_checks=True)
    address = request_address(party)
    page = http.get(address)
    form = {"shown": page.context["shown"], "allow": "yes", **posted(["orders:read"])}
    token = {"csrfmiddlewaretoken": str(page.context["csrf_token"])}
    assert http.post(address, form).status_code == 403
    assert http.post(address, form | {"csrfmiddlewaretoken": "x" * 64}).status_code == 403
    assert http.post(address, form | token, headers={"Origin": "https://evil.example"}).status_code == 403
    assert http.post(address, form | token, headers={"Origin": "null"}).status_code == 403
    assert nothing_was_recorded()
    assert http.post(address, form | token, headers={"Origin": ISSUER}).status_code == 302


# ---- Roles ------------------------------------------------------------------------------------------------


def test_read_only_member_cannot_decide(seller: Seller, party: Software) -> None:
    reader = signed_in(MembershipFactory(seller=seller, role=Membership.Role.READ_ONLY).user)
    assert_shown(reader.get(request_address(party)), status=403)
    assert_shown(post(reader, request_address(party), "x"), status=403)


def test_read_only_member_can_switch_to_another_seller_and_return(seller: Seller, party: Software) -> None:
    membership = MembershipFactory(seller__display_name="Aardbeien", role=Membership.Role.READ_ONLY)
    MembershipFactory(user=membership.user, seller=seller)
    reader = signed_in(membership.user)
    reader.post("/instellingen/verkoper/", {"seller": membership.seller.retailer_id})
    address = request_address(party)
    page = Page(reader.get(address).content.decode(), address)
    choice = Page(reader.get(page.link("Ander account")).content.decode()).part("main")
    chosen = choice.form(f"{seller.display_name} Verkoper {seller.retailer_id}")
    assert reader.post(chosen.address, chosen.fill())["Location"] == address
    assert "code" in sent_back(decide(reader, address))


def test_user_without_a_seller_can_sign_in_as_another_user_and_return(party: Software) -> None:
    address = request_address(party)
    nobody = signed_in(UserFactory())
    form = Page(nobody.get(address).content.decode(), address).part("main").form("Uitloggen")
    following = urlsplit(nobody.post(form.address, form.fill())["Location"])
    assert (following.path, parse_qs(following.query)) == (SIGN_IN, {"next": [address]})


@pytest.mark.parametrize("role", [Membership.Role.OWNER, Membership.Role.ADMINISTRATOR, Membership.Role.TECHNICAL])
def test_every_other_role_may_decide(seller: Seller, party: Software, role: str) -> None:
    member = signed_in(MembershipFactory(seller=seller, role=role).user)
    assert "code" in sent_back(decide(member, request_address(party)))


def test_user_without_a_seller_cannot_decide(party: Software) -> None:
    nobody = signed_in(UserFactory())
    assert nobody.get(request_address(party)).status_code == 403
    assert post(nobody, request_address(party), "x").status_code == 403


def test_consent_for_a_closed_seller_is_refused(party: Software) -> None:
    owner = signed_in(SellerFactory(closed=True).members.get())
    assert_shown(owner.get(request_address(party)), status=403)


def test_deactivated_user_cannot_decide(owner: Client, party: Software) -> None:
    shown = owner.get(request_address(party)).context["shown"]
    User.objects.update(is_active=False)
    assert post(owner, request_address(party), shown)["Location"].startswith(SIGN_IN)
    assert nothing_was_recorded()


def test_removed_member_cannot_decide(owner: Client, party: Software) -> None:
    shown = owner.get(request_address(party)).context["shown"]
    Membership.objects.all().delete()
    assert post(owner, request_address(party), shown).status_code == 403
    assert nothing_was_recorded()


def test_user_of_several_sellers_gets_a_wrong_shop_warning(owner: Client, party: Software, seller: Seller) -> None:
    other = SellerFactory(owner__user=seller.members.get())
    used = owner.get(request_address(party)).wsgi_request.seller  # type: ignore[attr-defined]
    elsewhere = other if used == seller else seller
    assert elsewhere.retailer_id not in _note(owner, party)
    ThirdPartyAuthorizationFactory(seller=elsewhere, third_party=ThirdParty.objects.get())
    assert elsewhere.retailer_id in _note(owner, party)


def _note(http: Client, party: Software) -> str:
    return " ".join(re.findall(r'(?s)<p class="note.*?</p>', http.get(request_address(party)).content.decode()))

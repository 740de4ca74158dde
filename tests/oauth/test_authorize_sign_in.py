"""Sign-in and re-authentication before the consent page, and the prompts that require them."""

import datetime as dt
from urllib.parse import parse_qs, quote, urlencode

import pytest
from django.test import Client
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import Seller
from apicredentials.models import Grant, ThirdParty
from tests.factories import PASSWORD
from tests.oauth.consent import assert_sent_back, nothing_was_recorded, post
from tests.oauth.flow import STATE, Software, decide, request_address, sent_back
from tests.people import PROVE, SIGN_IN, says
from tests.rights import posted

# ---- Sign-in and re-authentication ------------------------------------------------------------------------


def test_sign_in_returns_to_the_same_request(seller: Seller, party: Software) -> None:
    http = Client()
    address = request_address(party)
    answer = http.get(address)
    assert answer["Location"] == f"{SIGN_IN}?next={quote(address, safe='/')}"
    page = http.get(answer["Location"])
    assert f"Doorgaan naar {ThirdParty.objects.get().name}" in says(page)
    form = {"login": seller.members.get().email, "password": PASSWORD, "next": address}
    assert http.post(SIGN_IN, form)["Location"] == address


@pytest.mark.parametrize(
    "following", ["http://[", "//[", "/authorize?client_id=%00", "/authorize?client_id=x", "/elders", "", "\\\\evil"]
)
def test_sign_in_page_names_no_party_without_a_request(party: Software, following: str) -> None:
    page = Client().get(SIGN_IN, {"next": following})
    assert page.status_code == 200
    assert "Doorgaan naar" not in says(page)
    assert Client().post(SIGN_IN, {"next": following, "login": "x", "password": "x"}).status_code == 200


def test_consent_requires_authentication_within_thirty_minutes(
    owner: Client, party: Software, time_machine: TimeMachineFixture
) -> None:
    """V7.5.1."""
    address = request_address(party)
    start = timezone.now()
    time_machine.move_to(start + dt.timedelta(minutes=29), tick=False)
    shown = owner.get(address).context["shown"]
    time_machine.move_to(start + dt.timedelta(minutes=31), tick=False)
    for answer in (owner.get(address), post(owner, address, shown)):
        assert answer["Location"] == f"{PROVE}?{urlencode({'next': address})}"
    assert nothing_was_recorded()


# ---- Prompts ----------------------------------------------------------------------------------------------


def test_prompt_none_always_gets_an_error(owner: Client, party: Software) -> None:
    """OpenID Connect Core §3.1.2.6; consent is always required, so a response without a page is impossible."""
    for prompt in ("none", "none login", "consent none"):
        assert_sent_back(Client().get(request_address(party, prompt=prompt)), "login_required")
        assert_sent_back(owner.get(request_address(party, prompt=prompt)), "consent_required")


def test_prompt_none_gets_an_error_for_an_authorised_party(owner: Client, party: Software) -> None:
    decide(owner, request_address(party))
    assert_sent_back(owner.get(request_address(party, prompt="none")), "consent_required")


def test_prompt_login_asks_for_the_password_and_continues(owner: Client, party: Software) -> None:
    answer = owner.get(request_address(party, prompt="login"))
    address, _, query = answer["Location"].partition("?")
    assert address == PROVE
    (following,) = parse_qs(query)["next"]
    assert "prompt" not in following
    proven = owner.post(answer["Location"], {"password": PASSWORD, "next": following})
    assert proven["Location"] == following
    assert sent_back(decide(owner, following))["state"] == STATE


def test_prompt_login_is_satisfied_by_signing_in(party: Software) -> None:
    assert "prompt" not in Client().get(request_address(party, prompt="login"))["Location"]


@pytest.mark.parametrize(
    "more",
    [
        {"approval_prompt": "auto"},
        {"approval_prompt": "force"},
        {"prompt": "consent"},
        {"prompt": "select_account"},
        {"prompt": "x"},
        {"skip_authorization": "true"},
        {"allow": "yes", **posted(["orders:read"])},
    ],
)
def test_consent_cannot_be_skipped(owner: Client, party: Software, more: dict[str, str]) -> None:
    """V10.7.1, CVE-2023-34246: not even for a party authorised a minute ago."""
    decide(owner, request_address(party))
    assert owner.get(request_address(party, **more)).status_code == 200
    assert Grant.objects.count() == 1

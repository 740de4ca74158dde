"""Ingelogd op: the user's sessions on Beveiliging, and mail about a new device."""

import datetime as dt

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from accounts.models import User
from apicredentials.models import OutgoingMail
from tests.accounts.factors import SECURITY
from tests.factories import PASSWORD, SellerFactory, UserFactory
from tests.people import is_signed_in, says, sign_in, signed_in

pytestmark = pytest.mark.django_db

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def user() -> User:
    return SellerFactory().members.get()


def row(client: Client) -> UserSession:
    return UserSession.objects.get(session_key=client.session.session_key)


def test_session_is_shown_with_browser_system_and_address(user: User) -> None:
    laptop = signed_in(user, headers={"user-agent": CHROME}, REMOTE_ADDR="198.51.100.7")
    signed_in(user, headers={"user-agent": IPHONE}, REMOTE_ADDR="203.0.113.150")
    signed_in(UserFactory(), REMOTE_ADDR="192.0.2.99")
    page = says(laptop.get(SECURITY))
    for text in ("Chrome op Windows", "Dit apparaat", "198.51.100.7", "Safari op iOS", "203.0.113.150"):
        assert text in page
    assert "192.0.2.99" not in page


def test_ended_session_is_signed_out_at_its_next_request(user: User) -> None:
    here, there = signed_in(user), signed_in(user)
    here.post(f"{SECURITY}sessies/{row(there).pk}/uitloggen/")
    assert not is_signed_in(there)
    assert is_signed_in(here)


def test_ending_the_current_session_signs_out(user: User) -> None:
    here, there = signed_in(user), signed_in(user)
    assert here.post(f"{SECURITY}sessies/{row(here).pk}/uitloggen/")["Location"] == "/inloggen/"
    assert not is_signed_in(here)
    assert is_signed_in(there)


def test_ending_all_sessions_ends_the_current_one_too(user: User) -> None:
    browsers = [signed_in(user) for _ in range(3)]
    other = signed_in(UserFactory())
    assert browsers[0].get(f"{SECURITY}sessies/uitloggen/").status_code == 200
    assert all(is_signed_in(browser) for browser in browsers)
    browsers[0].post(f"{SECURITY}sessies/uitloggen/")
    assert not any(is_signed_in(browser) for browser in browsers)
    assert other.get(SECURITY).status_code == 200


def test_session_of_another_user_is_not_found(user: User) -> None:
    stranger = signed_in(UserFactory())
    assert signed_in(user).post(f"{SECURITY}sessies/{row(stranger).pk}/uitloggen/").status_code == 404
    assert stranger.get(SECURITY).status_code == 200


def test_session_without_a_row_gets_one(user: User) -> None:
    client = Client()
    client.force_login(user)
    client.get(SECURITY)
    assert row(client).user == user


def test_last_use_is_shown_to_the_minute(user: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = signed_in(user)
        for minutes, expected in ((0, 0), (2, 2), (30, 32)):
            clock.shift(dt.timedelta(minutes=minutes))
            client.get("/instellingen/")
            seen = row(client).last_seen_at - row(client).created_at
            assert round(seen.total_seconds() / 60) == expected


def test_expired_sessions_are_not_shown(user: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        signed_in(user, REMOTE_ADDR="203.0.113.150")
        clock.shift(dt.timedelta(hours=2, minutes=2))
        assert "203.0.113.150" not in says(signed_in(user).get(SECURITY))


@pytest.mark.parametrize("elsewhere", [True, False])
def test_new_password_ends_the_other_sessions_and_is_mailed(user: User, elsewhere: bool) -> None:
    here, there = signed_in(user), signed_in(user)
    new = "een-heel-ander-wachtwoord"
    here.post("/wachtwoord/wijzigen/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert OutgoingMail.objects.filter(kind="own_password", recipient=user.email).count() == 1
    assert str(user) in says(here.get(SECURITY))


# ---- New devices ------------------------------------------------------------------------------------------


def new_device_mails(user: User) -> int:
    return OutgoingMail.objects.filter(kind="own_new_device", recipient=user.email).count()


def test_sign_in_from_an_unmarked_browser_is_mailed(user: User) -> None:
    known, other = Client(), UserFactory()
    sign_in(known, user)
    assert new_device_mails(user) == 0  # the very first sign-in
    known.post("/uitloggen/")
    sign_in(known, user)
    assert new_device_mails(user) == 0
    sign_in(Client(), user)
    assert new_device_mails(user) == 1
    other.last_login = timezone.now()
    other.save()
    known.post("/uitloggen/")
    sign_in(known, other)
    assert new_device_mails(other) == 1
    known.post("/uitloggen/")
    sign_in(known, user)
    assert new_device_mails(user) == 1


def test_forged_mark_does_not_count(user: User) -> None:
    sign_in(Client(), user)
    client = Client()
    client.cookies["device"] = "0123456789abcdef:x:y"
    sign_in(client, user)
    assert new_device_mails(user) == 1


def test_mark_is_long_lived_and_hidden_from_scripts(client: Client, user: User) -> None:
    cookie = sign_in(client, user).cookies["device"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert int(cookie["max-age"]) >= 365 * 24 * 60 * 60

"""Passwords that look equal are equal (NIST SP 800-63B §3.1.1.2)."""

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests.commands.conftest import Manage, manage  # noqa: F401
from tests.factories import PASSWORD, UserFactory
from tests.mailbox import last_link
from tests.people import PROVE, sign_in, signed_in

pytestmark = pytest.mark.django_db

COMPOSED = "caf\u00e9-met-vis-77"
DECOMPOSED = "cafe\u0301-met-\ufb01s-77".replace("\ufb01s", "vis")
WIDE = "\uff43af\u00e9-met-vis-77"
SPELLINGS = [COMPOSED, DECOMPOSED, WIDE]


@pytest.mark.parametrize("given", SPELLINGS)
@pytest.mark.parametrize("chosen", SPELLINGS)
def test_equal_looking_passwords_sign_in(client: Client, chosen: str, given: str) -> None:
    assert sign_in(client, UserFactory(password=chosen), given).status_code == 302


@pytest.mark.parametrize("given", SPELLINGS)
def test_equal_looking_passwords_give_proof(given: str) -> None:
    user = UserFactory(password=COMPOSED)
    client = Client()
    sign_in(client, user, COMPOSED)
    assert client.post(PROVE, {"password": given}).status_code == 302


def test_hash_of_the_password_as_typed_still_matches(client: Client) -> None:
    user = UserFactory()
    User.objects.filter(pk=user.pk).update(password=make_password(DECOMPOSED))
    assert sign_in(Client(), user, DECOMPOSED).status_code == 302
    assert sign_in(Client(), user, COMPOSED).status_code == 200


def test_new_passwords_may_differ_in_encoding() -> None:
    user = UserFactory()
    client = signed_in(user)
    fields = {"oldpassword": "een-wachtwoord-voor-tests", "password1": DECOMPOSED, "password2": WIDE}
    assert client.post("/wachtwoord/wijzigen/", fields).status_code == 302
    assert sign_in(Client(), user, COMPOSED).status_code == 302


def test_reset_password_is_normalized(client: Client) -> None:
    user = UserFactory()
    client.post("/wachtwoord/vergeten/", {"email": user.email})
    page = client.get(last_link(), follow=True)
    client.post(page.redirect_chain[-1][0], {"password1": DECOMPOSED, "password2": COMPOSED})
    assert sign_in(Client(), user, WIDE).status_code == 302


def test_commands_normalize_passwords(
    client: Client,
    manage: Manage,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manage("create_seller", "--name", "A", "--email", "a@winkel.example", "--password-stdin", stdin=DECOMPOSED)
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", DECOMPOSED)
    call_command("createsuperuser", "--noinput", "--email", "beheer@portaal.example", verbosity=0)
    for email in ("a@winkel.example", "beheer@portaal.example"):
        assert sign_in(Client(), email, COMPOSED).status_code == 302


def test_password_posted_without_recent_proof_is_not_kept() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = signed_in(UserFactory())
        clock.shift(31 * 60)
        new = "een-heel-ander-wachtwoord"
        fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        assert browser.post("/wachtwoord/wijzigen/", fields)["Location"].startswith(PROVE)
    kept = str(dict(browser.session))
    assert PASSWORD not in kept
    assert new not in kept

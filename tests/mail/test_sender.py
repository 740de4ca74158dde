"""The sender of all mail: one address, with the portal's name exactly as configured."""

from email import message_from_bytes, policy

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import Settings

from accounts.models import Seller
from apicredentials.mail.previews import sample
from portal.environment import sender as sender_of
from tests.factories import UserFactory
from tests.mail.conftest import OWNER
from tests.mailbox import send_due_mail
from tests.served import production, run

NAMES = [
    "Handel, Groot & Zn",
    "Müller; Söhne (Köln)",
    'Winkel "De Spaak"',
    "Groothandel Zn.",
    "markt@plein.example",
    "Markt <b@c.example>",
    "Groep: a@b.example;",
    "back\\slash\\",
    "[Łódź] 北京 🚲, Zn",
    "Bücher, Möbel & Gärten",
    "Coöperatieve Handelsvereniging voor Tweewielers, Onderdelen & Accessoires Zuid-Limburg U.A.",
]
FORGOTTEN = "/wachtwoord/vergeten/"


@pytest.mark.parametrize("name", NAMES)
def test_every_mail_has_the_configured_name_and_one_address(seller: Seller, settings: Settings, name: str) -> None:
    settings.DEFAULT_FROM_EMAIL = sender_of(name, "noreply@portaal.example")
    sample("credential_paused").queue_for([OWNER])
    Client().post(FORGOTTEN, {"email": OWNER})
    messages = send_due_mail()
    assert len(messages) == 2
    for message in messages:
        sent = message_from_bytes(message.message(policy=policy.SMTP).as_bytes(), policy=policy.SMTP)
        [sender] = sent["From"].addresses
        assert (sender.display_name, sender.addr_spec) == (name, "noreply@portaal.example")


@pytest.mark.parametrize(
    "name",
    ["=?utf-8?q?Markt?=", "twee  spaties", "regel\nBcc: buit@dief.example", "regel\u2028einde", f"{'lang ' * 15}, Zn"],
)
def test_name_that_mail_programs_would_change_is_refused(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PORTAL_NAME"):
        sender_of(name, "noreply@portaal.example")


def test_sender_comes_from_the_name_and_the_address_of_the_portal() -> None:
    environment = production(PORTAL_NAME="Handel, Groot & Zn", ISSUER_URL="http://[::1]:9406")
    done = run(environment, "-c", "from django.conf import settings; print(settings.DEFAULT_FROM_EMAIL)")
    assert done.stdout == sender_of("Handel, Groot & Zn", "noreply@localhost") + "\n", done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORTAL_NAME", "regel\neinde"), ("DEFAULT_FROM_EMAIL", "post@markt.example, b@markt.example")],
)
def test_invalid_sender_is_refused_at_start_in_one_line(name: str, value: str) -> None:
    done = run(production(**{name: value}), "manage.py", "check")
    assert done.returncode == 1
    assert done.stderr.startswith(f"manage.py: {name} ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"DEFAULT_FROM_EMAIL": "Handel, Groot & Zn <noreply@x.example>"},
        {"DEFAULT_FROM_EMAIL": "regel\neinde"},
        {"MAILERS": {"default": {"BACKEND": "bestaat.niet.EmailBackend"}}},
        {"MAILERS": {"default": {"BACKEND": "django.core.mail.backends.filebased.EmailBackend"}}},
        {
            "MAILERS": {
                "default": {
                    "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                    "OPTIONS": {"host": "127.0.0.1", "port": 1},
                }
            }
        },
    ],
    ids=str,
)
def test_broken_mail_does_not_reveal_which_addresses_are_known(
    db: None, settings: Settings, broken: dict[str, object]
) -> None:
    UserFactory(email=OWNER)
    for name, value in broken.items():
        setattr(settings, name, value)
    answers = []
    for email in (OWNER, "niemand@winkel.example"):
        answer = Client(raise_request_exception=False).post(FORGOTTEN, {"email": email})
        answers.append((answer.status_code, answer.headers.get("Location"), answer.content))
    assert answers[0] == answers[1]
    assert answers[0][0] == 302

"""Commands that read standard input: byte order marks and encodings."""

import pytest
from django.test import Client

from accounts.models import User
from tests.commands.conftest import Manage
from tests.oauth.flow import GRANT, Software, assert_error
from tests.people import is_signed_in, sign_in

pytestmark = pytest.mark.django_db

MARK = b"\xef\xbb\xbf"
PASSWORD = "vier-peren-en-een-appel"
CREATE = ("create_seller", "--name", "Appels", "--email", "eigenaar@appels.example", "--password-stdin")


def test_byte_order_mark_is_stripped_from_a_password(manage: Manage) -> None:
    assert manage(*CREATE, stdin=MARK + PASSWORD.encode() + b"\r\n").status == 0
    browser = Client()
    sign_in(browser, User.objects.get(), PASSWORD)
    assert is_signed_in(browser)


def test_byte_order_mark_is_stripped_from_a_leaked_secret(manage: Manage, warehouse: Software) -> None:
    answer = manage("report_leak", "--json", stdin=MARK + warehouse.secret.encode() + b"\n" + MARK).json
    assert (answer["reported"], answer["stopped"]) == (1, 1)
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)


def test_byte_order_mark_is_stripped_from_an_announcement(manage: Manage) -> None:
    words = ("announce", "--subject", "Onderhoud", "--text-file", "-", "--dry-run", "--json")
    marked, plain = (manage(*words, stdin=mark + b"Zondag is er onderhoud.").json for mark in (MARK, b""))
    assert marked == plain


@pytest.mark.parametrize("text", ["wachtwoord".encode("utf-16"), MARK + b"\xff" + PASSWORD.encode()])
def test_other_encoding_is_refused(manage: Manage, text: bytes) -> None:
    assert "UTF-8" in manage(*CREATE, stdin=text).complaint
    assert not User.objects.exists()

"""Which addresses a third party may be sent back to."""

from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.uri_validate import is_absolute_uri

from accounts.models import Actor
from apicredentials import redirect_uris
from apicredentials.models import ThirdParty


@pytest.mark.parametrize(
    "uri",
    [
        "https://partij.example",
        "https://partij.example/terug?winkel=1&taal=nl",
        "https://partij.example:8443/a/b_c~d-e.f/%20;x=1,2",
        "https://xn--bcher-kva.example/",
        "https://203.0.113.7/",
        "https://[2001:db8::1]:8443/terug",
        "http://localhost/terug",
        "http://localhost:3000/",
        "http://127.0.0.1:49152/terug",
        "http://[::1]:8080/",
        "https://partij.example./",
        "https://partij.example/?codes=1&State=2&a=code",
    ],
)
def test_takes_an_address_as_it_is(uri: str) -> None:
    assert redirect_uris.clean(uri) == uri


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("http://partij.example/", "scheme"),
        ("http://localhost.partij.example/", "scheme"),
        ("http://127.0.0.2/", "scheme"),
        ("http://[::2]/", "scheme"),
        ("https://partij.example:99999/", "host"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/html,x", "scheme"),
        ("partij:/terug", "scheme"),
        ("//partij.example/", "scheme"),
        ("/terug", "scheme"),
        ("", "characters"),
        (" https://partij.example/", "characters"),
        ("https://partij.example/te rug", "characters"),
        ("https://partij.example/\r\nX: 1", "characters"),
        ("https://partij.example/\0", "characters"),
        ("https://*.partij.example/", "characters"),
        ("https://partij.example/*", "characters"),
        ("https://partij.example\\@elders.example/", "characters"),
        ("https://b\u00fccher.example/", "characters"),
        ("https://partij.example/#", "fragment"),
        ("https://partij.example/#deel", "fragment"),
        ("https://gebruiker@partij.example/", "userinfo"),
        ("https://gebruiker:wachtwoord@partij.example/", "userinfo"),
        ("https://", "host"),
        ("https:partij.example", "host"),
        ("https:///terug", "host"),
        ("https://partij.example;script-src/", "host"),
        ("https://partij%2eexample/", "host"),
        ("https://partij.example:http/", "host"),
        ("https://[partij]/", "host"),
        ("https://[::1/", "host"),
        ("https://[1::2::3]/", "host"),
        ("https://[2001:db8::]/", "host"),
        ("https://../terug", "host"),
        ("https://partij..example/", "host"),
        ("https://.partij.example/", "host"),
        ("https://-partij.example/", "host"),
        ("https://1.2.3/", "host"),
        ("https://256.1.1.1/", "host"),
        ("https://partij.0x7f/", "host"),
        ("https://xn--a.example/", "host"),
        (f"https://{'a' * 64}.example/", "host"),
        ("https://partij.example:0/", "port"),
        ("https://partij.example:6667/", "port"),
        ("http://localhost:25/", "port"),
        ("https://partij.example/%zz", "characters"),
        ("https://partij.example/[a]", "characters"),
        ("https://partij.example/?a[]=1", "characters"),
        ("https://partij.example/?code=1&state=2", "reserved"),
        ("https://partij.example?iss", "reserved"),
        ("https://partij.example/?a=1&error=", "reserved"),
        ("https://partij.example/?error_description=x", "reserved"),
        ("https://partij.example/?error_uri=x", "reserved"),
        ("https://partij.example/?c%6fde=1", "reserved"),
        ("https://partij.example/" + "a" * 2000, "max_length"),
    ],
)
def test_refuses_where_somebody_else_may_answer(uri: str, code: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        redirect_uris.clean(uri)
    assert refusal.value.code == code


@given(st.text() | st.text("https:/.@#?[]\\*1a%").map("https://{}".format))
def test_accepted_uris_pass_the_check_of_the_authorization_request(text: str) -> None:
    with suppress(ValidationError):
        assert redirect_uris.clean(text) == text
        assert is_absolute_uri(text)


LOOPBACK = ["http://127.0.0.1/terug", "http://localhost:3000/terug?a=1", "http://[::1]:80/"]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://127.0.0.1:51004/terug", True),
        ("http://127.0.0.1/terug", True),
        ("http://localhost:51004/terug?a=1", True),
        ("http://localhost/terug?a=1", True),
        ("http://[::1]:51004/", True),
        ("https://127.0.0.1:51004/terug", False),
        ("http://localhost:51004/terug", False),
        ("http://127.0.0.1:51004/terug/", False),
        ("http://127.0.0.1:51004/Terug", False),
        ("http://127.0.0.1:51004/terug?a=1", False),
        ("http://127.0.0.1:51004@elders.example/terug", False),
        ("http://127.0.0.1.elders.example/terug", False),
        ("http://127.0.0.2:51004/terug", False),
        ("http://127.0.0.1:0/terug", False),
        ("http://127.0.0.1:6667/terug", False),
        ("http://127.0.0.1:99999/terug", False),
        ("http://127.0.0.1:/terug", False),
        ("http://127.0.0.1:51004/terug\n", False),
        ("http://[::1]:51004", False),
    ],
)
def test_port_of_a_loopback_address_may_vary(uri: str, expected: bool) -> None:
    """RFC 8252 §7.3."""
    assert redirect_uris.is_registered(uri, LOOPBACK) is expected


def test_every_other_redirect_uri_is_compared_as_a_string() -> None:
    """RFC 9700 §2.1."""
    assert redirect_uris.is_registered("https://partij.example/", ["https://partij.example/"])
    for other in ("https://partij.example:443/", "https://partij.example", "https://localhost:1/"):
        assert not redirect_uris.is_registered(other, ["https://partij.example/", "https://localhost/"])


def test_keeps_each_once_in_order() -> None:
    uris = ["https://b.example/", "https://a.example/", "https://b.example/"]
    assert redirect_uris.join(uris) == "https://b.example/ https://a.example/"


def test_needs_one() -> None:
    with pytest.raises(ValidationError) as refusal:
        redirect_uris.join([])
    assert refusal.value.code == "required"


@pytest.mark.django_db
@pytest.mark.parametrize("uris", ["", "https://partij.example/ http://partij.example/"])
def test_no_party_is_registered_without_a_good_one(uris: str) -> None:
    with pytest.raises(ValidationError):
        ThirdParty(name="Orderhulp", redirect_uris=uris).register(by=Actor())
    assert not ThirdParty.objects.exists()

"""Requests through proxies: request ids, and which proxies may state address and scheme."""

import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from portal.middleware import TrustedProxyMiddleware
from tests.factories import SellerFactory
from tests.people import sign_in


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/inloggen/", "/onzin", "/healthz", "/token", "/instellingen/"])
def test_valid_request_id_is_kept(client: Client, path: str) -> None:
    assert client.get(path, headers={"X-Request-ID": "abc-DEF_1.2"})["X-Request-ID"] == "abc-DEF_1.2"


@pytest.mark.django_db
@pytest.mark.parametrize("offered", ["", " ", "x" * 65, "a b", "a;b", "é", "a\tb", "<b>", "{}"])
def test_invalid_request_id_is_replaced(client: Client, offered: str) -> None:
    answers = [client.get("/healthz", headers={"X-Request-ID": offered}) for _ in range(2)]
    ids = [answer["X-Request-ID"] for answer in answers]
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("proxies", "came_from", "forwarded", "believed"),
    [
        ([], "203.0.113.7", "1.2.3.4", "203.0.113.7"),
        (["10.0.0.0/8"], "203.0.113.7", "1.2.3.4", "203.0.113.7"),  # not one of our proxies
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.7", "203.0.113.7"),
        (["10.0.0.1"], "10.0.0.1", "203.0.113.7", "203.0.113.7"),
        (["10.0.0.1"], "10.0.0.2", "203.0.113.7", "10.0.0.2"),
        (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, 203.0.113.7", "203.0.113.7"),  # the client itself sent the first one
        (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (["10.0.0.0/8"], "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "onzin", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, onzin", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "onzin, 203.0.113.7", "203.0.113.7"),
        (["10.0.0.0/8"], "10.0.0.1", "' OR 1=1 --", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "2001:DB8::1", "2001:db8::1"),
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.7:54321", "203.0.113.7"),
        (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, [2001:db8::1]:443", "2001:db8::1"),
        (["10.0.0.0/8"], "10.0.0.1", "[2001:db8::1", "2001:db8::1"),
        (["10.0.0.0/8"], "10.0.0.1", "2001:db8::1:443", "2001:db8::1:443"),
        (["10.0.0.0/8"], "10.0.0.1", ":", "10.0.0.1"),
        (["2001:db8::/32"], "2001:db8::5", "203.0.113.7", "203.0.113.7"),
        (["10.0.0.0/8"], "", "203.0.113.7", ""),  # a socket without an address
        # The same address in IPv6 notation, as a dual-stack socket reports it.
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        (["10.0.0.0/8"], "::FFFF:0a00:0001", "203.0.113.7", "203.0.113.7"),
        (["10.0.0.0/8"], "10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, [::ffff:203.0.113.7]:443, ::ffff:10.0.0.2", "203.0.113.7"),
        ([], "::ffff:203.0.113.7", "", "203.0.113.7"),
        ([], "2001:0DB8:0::1", "", "2001:db8::1"),
        ([], "fe80::1%eth0", "", "fe80::1"),
    ],
)
def test_only_trusted_proxies_may_state_the_address(
    settings: Settings, proxies: list[str], came_from: str, forwarded: str, believed: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    seen = TrustedProxyMiddleware(lambda request: HttpResponse(request.META["REMOTE_ADDR"]))
    request = RequestFactory().get("/", REMOTE_ADDR=came_from, headers={"X-Forwarded-For": forwarded})
    assert seen(request).content.decode() == believed


@pytest.mark.parametrize(
    ("came_from", "forwarded", "believed"),
    [
        ("10.0.0.1", "https", "https"),
        ("10.0.0.1", "http", "http"),
        ("10.0.0.1", "HTTPS, http", "https"),
        ("10.0.0.1", "https,http", "https"),
        ("10.0.0.1", " Https ", "https"),
        ("10.0.0.1", "\thttps\t,http", "https"),
        ("10.0.0.1", "http, https", "http"),
        ("10.0.0.1", ",https", "http"),
        ("10.0.0.1", "", "http"),
        ("::ffff:10.0.0.1", "https", "https"),
        ("10.0.0.1", "javascript", "http"),
        ("203.0.113.7", "https", "http"),
    ],
)
def test_only_trusted_proxies_may_state_the_scheme(
    settings: Settings, came_from: str, forwarded: str, believed: str
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]

    def see(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.scheme)

    request = RequestFactory().get("/", REMOTE_ADDR=came_from, headers={"X-Forwarded-Proto": forwarded})
    assert TrustedProxyMiddleware(see)(request).content.decode() == believed


@pytest.mark.django_db
def test_forged_address_does_not_bypass_a_throttle(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    owner = SellerFactory().members.get()
    for number in range(6):
        guesser = Client(REMOTE_ADDR="203.0.113.7", headers={"X-Forwarded-For": f"198.51.100.{number}"})
        answer = sign_in(guesser, owner, "een-verkeerd-wachtwoord")
    assert answer.context["form"].has_error("__all__", "too_many_login_attempts")

"""The authorization endpoint and its responses to the party (RFC 6749 §4.1, RFC 9207)."""

import datetime as dt
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from time_machine import TimeMachineFixture

from accounts.models import Seller
from apicredentials.models import Activity, ThirdPartyAuthorization
from apicredentials.moments import one_year_after
from tests.factories import PASSWORD, ThirdPartyFactory
from tests.logged import listening
from tests.oauth.consent import assert_sent_back, assert_shown, nothing_was_recorded
from tests.oauth.flow import ISSUER, STATE, Software, decide, request_address, sent_back, software
from tests.people import SIGN_IN
from tests.rights import posted

# ---- State ------------------------------------------------------------------------------------------------

STATES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a\r\nLocation: https://evil.example\r\n\r\nx",
    "\u202egnp.exe\u200b\u2028",
    " voor en na ",
    "+&=;#?/%20%00\\'\"",
    "é😀",
    '{"next": "/a?b=c&d"}',
    "x" * 3000,
    "é<" * 1000,
]


@pytest.mark.parametrize("state", STATES)
def test_state_is_returned_unchanged_in_every_response(owner: Client, party: Software, state: str) -> None:
    """RFC 6749 §4.1.2: the exact value, in success and in every error."""
    address = request_address(party, state=state)
    answers = [
        decide(owner, address),
        decide(owner, address, allow="no"),
        owner.get(request_address(party, state=state, prompt="none")),
        Client().get(request_address(party, state=state, scope="x")),
    ]
    for answer in answers:
        assert sent_back(answer)["state"] == state
        assert set(answer["Location"]) <= set(map(chr, range(33, 127)))


@given(state=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200))
@hypothesis_settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_state_is_returned_unchanged(party: Software, state: str) -> None:
    assert sent_back(Client().get(request_address(party, state=state, prompt="none")))["state"] == state


def test_state_survives_sign_in(seller: Seller, party: Software) -> None:
    state = STATES[0] + STATES[3] + "x" * 3000
    http = Client()
    to_sign_in = http.get(request_address(party, state=state))["Location"]
    (following,) = parse_qs(urlsplit(to_sign_in).query)["next"]
    form = {"login": seller.members.get().email, "password": PASSWORD, "next": following}
    back = http.post(SIGN_IN, form)["Location"]
    assert sent_back(decide(http, back))["state"] == state


def test_unescaped_bytes_in_the_query_are_decoded_as_utf_8(party: Software) -> None:
    """Some clients do not escape them, and WSGI passes them as Latin-1 (PEP 3333)."""
    address = request_address(party, state=None, prompt="none")
    query = f"{urlsplit(address).query}&state=".encode() + "één".encode()
    answer = Client().generic("GET", "/authorize", QUERY_STRING=query.decode("latin-1"))
    assert sent_back(answer)["state"] == "één"


@pytest.mark.parametrize("state", [None, ""])
def test_response_has_no_state_without_a_state_in_the_request(
    owner: Client, party: Software, state: str | None
) -> None:
    """RFC 6749 §4.1.2: state is returned only if it was present."""
    assert set(sent_back(decide(owner, request_address(party, state=state)))) == {"code", "iss"}
    assert set(sent_back(decide(owner, request_address(party, state=state), allow="no"))) == {"error", "iss"}


# ---- Responses --------------------------------------------------------------------------------------------


def test_toestaan_redirects_with_code_state_and_iss(owner: Client, party: Software) -> None:
    """RFC 6749 §4.1.2, RFC 9207 §2."""
    answer = decide(owner, request_address(party))
    received = sent_back(answer)
    assert received.pop("code")
    assert received == {"state": STATE, "iss": ISSUER}
    assert answer["Cache-Control"] == "no-store"


def test_weigeren_redirects_with_access_denied_and_records_nothing(owner: Client, party: Software) -> None:
    """RFC 6749 §4.1.2.1."""
    assert_sent_back(decide(owner, request_address(party), allow="no"), "access_denied")
    assert nothing_was_recorded()


def test_weigeren_ignores_the_ticked_rights(owner: Client, party: Software) -> None:
    assert_sent_back(decide(owner, request_address(party), allow="no", scopes=[]), "access_denied")
    assert_sent_back(decide(owner, request_address(party), allow="no", scopes=["orders:read"]), "access_denied")


def test_query_of_the_redirect_uri_is_kept_unchanged(owner: Client) -> None:
    """RFC 6749 §3.1.2: the query MUST be retained."""
    redirect_uri = "https://partij.example/terug?winkel&pad=%2fa%20b+c&a=1;b=(2)"
    party = software(ThirdPartyFactory(redirect_uris=redirect_uri))
    address = request_address(party, redirect_uri=redirect_uri)
    for allow in ("yes", "no"):
        assert decide(owner, address, allow=allow)["Location"].startswith(f"{redirect_uri}&")


def test_loopback_redirect_uri_may_use_http(owner: Client) -> None:
    """RFC 8252 §8.3; needed for development."""
    redirect_uri = "http://127.0.0.1:9000/terug"
    party = software(ThirdPartyFactory(redirect_uris=redirect_uri))
    answer = decide(owner, request_address(party, redirect_uri=redirect_uri))
    assert answer["Location"].startswith(f"{redirect_uri}?code=")


def test_code_for_a_loopback_address_is_bound_to_the_requested_port(owner: Client) -> None:
    """RFC 8252 §7.3, RFC 6749 §4.1.3."""
    party = software(ThirdPartyFactory(redirect_uris="http://127.0.0.1/terug"))
    requested = "http://127.0.0.1:51004/terug"
    for other, status in (("http://127.0.0.1/terug", 400), ("http://127.0.0.1:51005/terug", 400), (requested, 200)):
        answer = decide(owner, request_address(party, redirect_uri=requested))
        address, _, query = answer["Location"].partition("?")
        assert address == requested
        assert party.exchange(parse_qs(query)["code"][0], redirect_uri=other).status_code == status


def test_consent_is_stored_with_user_rights_and_end_date(owner: Client, party: Software, seller: Seller) -> None:
    decide(owner, request_address(party), scopes=["orders:manage"])
    authorization = ThirdPartyAuthorization.objects.get()
    assert (authorization.seller, authorization.granted_by) == (seller, seller.members.get())
    assert authorization.third_party.client_id == party.client_id
    assert authorization.scope == "orders:read orders:manage"
    assert authorization.expires_at == one_year_after(authorization.granted_at)
    activity = Activity.objects.get(kind=Activity.Kind.PARTY_AUTHORIZED)
    assert (activity.seller, activity.user) == (seller, seller.members.get())


def test_second_consent_starts_a_new_year_of_the_same_authorisation(
    owner: Client, party: Software, time_machine: TimeMachineFixture
) -> None:
    start = timezone.now()
    time_machine.move_to(start, tick=False)
    decide(owner, request_address(party))
    time_machine.move_to(start + dt.timedelta(minutes=20), tick=False)
    decide(owner, request_address(party), scopes=["orders:read"])
    authorization = ThirdPartyAuthorization.objects.get()
    assert authorization.expires_at == one_year_after(timezone.now())
    assert authorization.scope == "orders:read"


def test_code_is_not_logged(owner: Client, party: Software) -> None:
    """V16.2.5."""
    with listening() as log:
        code = sent_back(decide(owner, request_address(party, state="geheime-toestand")))["code"]
        party.exchange(code)
    assert "authorize" in log.getvalue()
    assert code not in log.getvalue()
    assert "geheime-toestand" not in log.getvalue()


# ---- Methods ----------------------------------------------------------------------------------------------


def test_other_methods_are_refused(owner: Client, party: Software) -> None:
    """V3.5.3. A past vulnerability elsewhere: a HEAD request was routed like GET, and then granted consent."""
    address = request_address(party, allow="yes", scopes="orders:read")
    shown = owner.get(address).context["shown"]
    form = urlencode({"shown": shown, "allow": "yes", **posted(["orders:read"])})
    for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"):
        answer = owner.generic(method, address, form, "application/x-www-form-urlencoded")
        assert answer.status_code == 405
    assert nothing_was_recorded()


def test_parameters_in_the_body_of_a_post_are_ignored(owner: Client, party: Software) -> None:
    form = parse_qs(urlsplit(request_address(party)).query)
    assert_shown(owner.post("/authorize", form | {"allow": "yes"}))
    assert nothing_was_recorded()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=b&" * 5000, "application/x-www-form-urlencoded"),
        (b"a=" + b"b" * 10_000_000, "application/x-www-form-urlencoded"),
        (b"allow=%00&shown=%ff%fe", "application/x-www-form-urlencoded"),
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=y"),
        (b"x", "multipart/form-data"),
        (b"{}", "application/json"),
    ],
)
def test_hostile_body_is_refused(owner: Client, party: Software, body: bytes, content_type: str) -> None:
    """V2.2.1."""
    answer = owner.generic("POST", request_address(party), body, content_type)
    assert answer.status_code in {400, 413}
    assert nothing_was_recorded()

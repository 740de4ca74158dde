"""The authorization endpoint and its consent page (RFC 6749 §4.1, RFC 9207, RFC 9700 §4, OAuth 2.1)."""

import base64
import datetime as dt
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from time_machine import TimeMachineFixture

from accounts.models import Membership, Seller, User
from apicredentials import scopes
from apicredentials.models import Activity, Grant, ThirdParty, ThirdPartyAuthorization
from apicredentials.models.authorizations import one_year_after
from tests.factories import (
    PASSWORD,
    REDIRECT_URI,
    ClientCredentialFactory,
    MembershipFactory,
    ResourceServerFactory,
    SellerFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
    UserFactory,
)
from tests.journeys.pages import Page
from tests.logged import listening
from tests.oauth.flow import (
    ISSUER,
    STATE,
    VERIFIER,
    Software,
    decide,
    request_address,
    rights,
    s256,
    sent_back,
    software,
)
from tests.people import says, signed_in

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

SIGN_IN = "/inloggen/"
PROVE = "/inloggen/bevestigen/"
NO_PKCE = {"code_challenge": None, "code_challenge_method": None}


def nothing_was_recorded() -> bool:
    consents = Activity.objects.filter(kind=Activity.Kind.PARTY_AUTHORIZED)
    return not any(rows.exists() for rows in (ThirdPartyAuthorization.objects, Grant.objects, consents))


def assert_shown(answer: "Response", status: int = 400) -> None:
    """The error stands on a page of ours, and leads nowhere (RFC 6749 §4.1.2.1)."""
    assert answer.status_code == status
    assert "Location" not in answer
    assert "Verbinden lukt niet" in says(answer)
    assert "http-equiv" not in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"


def assert_sent_back(answer: "Response", error: str) -> None:
    """The error goes to the party, with what it needs to know whose it is (RFC 6749 §4.1.2.1, RFC 9207 §2)."""
    received = sent_back(answer)
    received.pop("error_description", None)
    assert received == {"error": error, "state": STATE, "iss": ISSUER}
    assert answer["Cache-Control"] == "no-store"


# ---- Errors before there is anybody to send them to -------------------------------------------------------


@pytest.mark.parametrize(
    "client_id",
    [None, "", "x", "7b0e6d0a-3c53-4a5e-9c7e-4a3c0b1f2d10", "' OR 1=1 --", "<script>", "é", "\u202e", "x" * 10_000],
)
def test_an_unknown_party_is_shown_and_not_followed(party: Software, client_id: str | None) -> None:
    """RFC 6749 §4.1.2.1, RFC 9700 §4.11."""
    assert_shown(Client().get(request_address(party, client_id=client_id)))


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["paused_at", "deleted_at"])
def test_a_party_that_is_gone_is_unknown(party: Software, field: str) -> None:
    ThirdParty.objects.update(**{field: timezone.now()})
    assert_shown(Client().get(request_address(party)))


@pytest.mark.django_db
def test_a_client_of_another_kind_is_unknown() -> None:
    for client in (ClientCredentialFactory(), ResourceServerFactory()):
        type(client).objects.update(redirect_uris=REDIRECT_URI)
        assert_shown(Client().get(request_address(Software(client.client_id, ""))))


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/terug",
        "https://partij.example/terug/",
        "https://partij.example/terug?x=1",
        "https://partij.example/terug#x",
        "https://partij.example/terug/../elders",
        "https://partij.example/terug%2f",
        "https://PARTIJ.example/terug",
        "https://partij.example:443/terug",
        "https://x@partij.example/terug",
        "https://partij.example.evil.example/terug",
        "https://partij.example\\@evil.example/terug",
        "http://partij.example/terug",
        "//partij.example/terug",
        "/terug",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://partij.example/terug https://evil.example",
        "https://[::1]:9/",
        "https://[" + ":" * 2000,
        "x" * 10_000,
        "*",
    ],
)
def test_a_redirect_uri_that_is_not_registered_is_shown_and_not_followed(party: Software, redirect_uri: str) -> None:
    """RFC 9700 §2.1: exact string matching."""
    answer = Client().get(request_address(party, redirect_uri=redirect_uri))
    assert_shown(answer)
    assert "evil" not in answer.content.decode()


@pytest.mark.django_db
def test_without_a_redirect_uri_the_only_registered_one_is_taken(owner: Client, party: Software) -> None:
    """RFC 6749 §3.1.2.3."""
    received = sent_back(decide(owner, request_address(party, redirect_uri=None)))
    assert party.exchange(received["code"]).status_code == 200


@pytest.mark.django_db
def test_without_a_redirect_uri_one_of_several_is_not_guessed() -> None:
    party = software(ThirdPartyFactory(redirect_uris=f"{REDIRECT_URI} https://partij.example/ander"))
    assert_shown(Client().get(request_address(party, redirect_uri=None)))


@pytest.mark.parametrize(
    "name",
    [
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
        "response_mode",
        "prompt",
        "approval_prompt",
        "anything",
    ],
)
def test_a_parameter_that_stands_twice_is_shown(party: Software, name: str) -> None:
    """RFC 6749 §3.1: which of the two redirect URIs, or states, would be the party's?"""
    address = request_address(party, **{name: "a"})
    assert_shown(Client().get(f"{address}&{name}=a"))


@pytest.mark.parametrize(
    "more",
    ["state=%00", "x=%00", "%00=x", "state=%ff", "state=%ed%a0%80", "state=%c0%af", "&".join(["x=y"] * 300)],
)
def test_an_address_that_cannot_be_read_is_shown(owner: Client, party: Software, more: str) -> None:
    """V2.2.1, on every database."""
    for http in (Client(), owner):
        assert_shown(http.get(f"{request_address(party, state=None)}&{more}"))


# ---- Errors that are the party's to know ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "CODE"}, "unsupported_response_type"),
        ({"response_type": "é" * 1000}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"scope": "orders:delete"}, "invalid_scope"),
        ({"scope": "offline_access x"}, "invalid_scope"),
        ({"scope": "RETAILER"}, "invalid_scope"),
        ({"scope": "orders:read\u200b"}, "invalid_scope"),
        ({"scope": "x" * 5000}, "invalid_scope"),
        (NO_PKCE, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"code_challenge": "x" * 42 + "="}, "invalid_request"),
        ({"code_challenge": "x" * 42 + "+"}, "invalid_request"),
        ({"code_challenge": "é" * 43}, "invalid_request"),
        ({"code_challenge": "x" * 43 + "\n"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
    ],
)
def test_errors_go_back_to_the_party_with_state_and_iss(
    party: Software, changes: dict[str, str | None], error: str
) -> None:
    """RFC 6749 §4.1.2.1, RFC 7636 §4.4.1, RFC 9207 §2; before anybody is asked to sign in."""
    assert_sent_back(Client().get(request_address(party, **changes)), error)


def test_a_right_that_the_party_is_not_registered_for_is_an_invalid_scope(db: None) -> None:
    """RFC 6749 §4.1.2.1; the seller is not even asked."""
    party = software(ThirdPartyFactory(scope="orders:read"))
    assert_sent_back(Client().get(request_address(party, scope="orders:manage")), "invalid_scope")


@pytest.mark.parametrize("name", ["grant_type", "grant", "client", "user", "scopes", "rights", "authorization"])
@pytest.mark.parametrize("value", ["refresh_token", "client_credentials", "x"])
def test_parameters_of_elsewhere_are_ignored(owner: Client, name: str, value: str) -> None:
    """RFC 6749 §3.1; `grant_type=refresh_token` would skip the check of the scope."""
    party = software(ThirdPartyFactory(scope="orders:read"))
    address = request_address(party, scope="orders:manage", **{name: value})
    assert_sent_back(owner.get(address), "invalid_scope")
    assert_shown(Client().get(request_address(party, client_id="x", **{name: value})))
    assert owner.get(request_address(party, redirect_uri=None, **{name: value})).status_code == 200


def test_an_error_goes_back_to_the_default_redirect_uri_too(party: Software) -> None:
    assert_sent_back(Client().get(request_address(party, redirect_uri=None, scope="x")), "invalid_scope")


# ---- PKCE -------------------------------------------------------------------------------------------------


def test_a_party_registered_without_pkce_may_leave_it_out(owner: Client) -> None:
    """RFC 9700 §2.1.1: only those registered so."""
    party = software(ThirdPartyFactory(pkce_required=False))
    received = sent_back(decide(owner, request_address(party, **NO_PKCE)))
    assert party.exchange(received["code"], code_verifier=None).status_code == 200


@pytest.mark.parametrize(
    "changes", [{"code_challenge_method": "plain"}, {"code_challenge": "x"}, {"code_challenge": None}]
)
def test_a_party_registered_without_pkce_may_not_do_it_wrong(db: None, changes: dict[str, str | None]) -> None:
    party = software(ThirdPartyFactory(pkce_required=False))
    assert_sent_back(Client().get(request_address(party, **changes)), "invalid_request")


def test_a_public_party_cannot_be_registered_out_of_pkce(db: None) -> None:
    """RFC 9700 §2.1.1: MUST for public clients."""
    party = software(ThirdPartyFactory(public=True, pkce_required=False))
    assert_sent_back(Client().get(request_address(party, **NO_PKCE)), "invalid_request")


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
def test_the_state_comes_back_byte_for_byte(owner: Client, party: Software, state: str) -> None:
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
def test_any_state_comes_back(party: Software, state: str) -> None:
    assert sent_back(Client().get(request_address(party, state=state, prompt="none")))["state"] == state


def test_a_state_survives_sign_in(seller: Seller, party: Software) -> None:
    state = STATES[0] + STATES[3] + "x" * 3000
    http = Client()
    to_sign_in = http.get(request_address(party, state=state))["Location"]
    (following,) = parse_qs(urlsplit(to_sign_in).query)["next"]
    form = {"login": seller.members.get().email, "password": PASSWORD, "next": following}
    back = http.post(SIGN_IN, form)["Location"]
    assert sent_back(decide(http, back))["state"] == state


def test_raw_bytes_in_an_address_are_read_as_utf_8(party: Software) -> None:
    """Some clients do not escape them; the web server hands them out as Latin-1 (PEP 3333)."""
    address = request_address(party, state=None, prompt="none")
    query = f"{urlsplit(address).query}&state=".encode() + "één".encode()
    answer = Client().generic("GET", "/authorize", QUERY_STRING=query.decode("latin-1"))
    assert sent_back(answer)["state"] == "één"


@pytest.mark.parametrize("state", [None, ""])
def test_no_state_means_no_state(owner: Client, party: Software, state: str | None) -> None:
    """RFC 6749 §4.1.2: only if it was present."""
    assert set(sent_back(decide(owner, request_address(party, state=state)))) == {"code", "iss"}
    assert set(sent_back(decide(owner, request_address(party, state=state), allow="no"))) == {"error", "iss"}


# ---- The answer -------------------------------------------------------------------------------------------


def test_toestaan_leads_back_with_code_state_and_iss(owner: Client, party: Software) -> None:
    """RFC 6749 §4.1.2, RFC 9207 §2."""
    answer = decide(owner, request_address(party))
    received = sent_back(answer)
    assert received.pop("code")
    assert received == {"state": STATE, "iss": ISSUER}
    assert answer["Cache-Control"] == "no-store"


def test_weigeren_leads_back_with_access_denied_and_records_nothing(owner: Client, party: Software) -> None:
    """RFC 6749 §4.1.2.1."""
    assert_sent_back(decide(owner, request_address(party), allow="no"), "access_denied")
    assert nothing_was_recorded()


def test_weigeren_needs_no_rights_and_takes_none_amiss(owner: Client, party: Software) -> None:
    assert_sent_back(decide(owner, request_address(party), allow="no", scopes=[]), "access_denied")
    assert_sent_back(decide(owner, request_address(party), allow="no", scopes=["orders:read"]), "access_denied")


@pytest.mark.parametrize("query", ["winkel=1&taal=nl", "winkel", "pad=%2fa%20b+c", "a=1;b=(2)", "code=eigen"])
def test_a_redirect_uri_keeps_its_own_query_character_for_character(owner: Client, query: str) -> None:
    """RFC 6749 §3.1.2: MUST be retained."""
    redirect_uri = f"https://partij.example/terug?{query}"
    party = software(ThirdPartyFactory(redirect_uris=redirect_uri))
    address = request_address(party, redirect_uri=redirect_uri)
    for allow in ("yes", "no"):
        assert decide(owner, address, allow=allow)["Location"].startswith(f"{redirect_uri}&")


def test_a_loopback_address_may_do_without_tls(owner: Client) -> None:
    """RFC 8252 §8.3, for development."""
    redirect_uri = "http://127.0.0.1:9000/terug"
    party = software(ThirdPartyFactory(redirect_uris=redirect_uri))
    answer = decide(owner, request_address(party, redirect_uri=redirect_uri))
    assert answer["Location"].startswith(f"{redirect_uri}?code=")


def test_consent_is_written_down_with_who_and_for_how_long(owner: Client, party: Software, seller: Seller) -> None:
    decide(owner, request_address(party), scopes=["orders:manage"])
    authorization = ThirdPartyAuthorization.objects.get()
    assert (authorization.seller, authorization.granted_by) == (seller, seller.members.get())
    assert authorization.third_party.client_id == party.client_id
    assert authorization.scope == "orders:read orders:manage"
    assert authorization.expires_at == one_year_after(authorization.granted_at)
    activity = Activity.objects.get(kind=Activity.Kind.PARTY_AUTHORIZED)
    assert (activity.seller, activity.user) == (seller, seller.members.get())


def test_a_second_consent_starts_a_new_year_of_the_same_authorisation(
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


def test_no_log_line_holds_the_code(owner: Client, party: Software) -> None:
    """V16.2.5."""
    with listening() as log:
        code = sent_back(decide(owner, request_address(party, state="geheime-toestand")))["code"]
        party.exchange(code)
    assert "authorize" in log.getvalue()
    assert code not in log.getvalue()
    assert "geheime-toestand" not in log.getvalue()


# ---- The page ---------------------------------------------------------------------------------------------


def test_the_page_says_who_asks_for_what_for_whom_and_until_when(
    owner: Client, party: Software, seller: Seller
) -> None:
    """V10.7.2."""
    page = owner.get(request_address(party, scope="orders:manage offers:read"))
    words = says(page)
    ends_at = timezone.localtime(one_year_after(timezone.now()))
    months = [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ]
    for expected in (
        ThirdParty.objects.get().name,
        "partij.example",
        seller.display_name,
        seller.retailer_id,
        seller.members.get().email,
        "Bestellingen",
        "Aanbod",
        f"{ends_at.day} {months[ends_at.month - 1]} {ends_at.year}",
        "Toestaan",
        "Weigeren",
    ):
        assert expected in words
    assert "Facturen" not in words


def test_the_page_says_whom_to_ask_about_the_party_if_that_is_known(owner: Client) -> None:
    assert "Vragen aan" not in says(owner.get(request_address(software(ThirdPartyFactory()))))
    party = software(ThirdPartyFactory(name="Orderwijs", contact_email="hulp@orderwijs.example"))
    assert "Vragen aan Orderwijs hulp@orderwijs.example" in says(owner.get(request_address(party)))


def test_a_partys_name_is_text(owner: Client) -> None:
    """V1.2.1."""
    party = software(ThirdPartyFactory(name="<b>Partij</b>{{ 7 }}"))
    page = owner.get(request_address(party)).content.decode()
    assert "&lt;b&gt;Partij&lt;/b&gt;{{ 7 }}" in page
    assert "<b>Partij" not in page


def test_the_page_cannot_be_framed_kept_or_scripted_and_lets_the_form_lead_to_the_party(
    owner: Client, party: Software
) -> None:
    """OAuth 2.1 (clickjacking), V3.4.3-3.4.6."""
    page = owner.get(request_address(party))
    policy = dict(part.strip().partition(" ")[::2] for part in page["Content-Security-Policy"].split(";"))
    assert policy["form-action"].split() == ["'self'", "https://partij.example"]
    assert policy["frame-ancestors"] == "'none'"
    assert policy["default-src"] == "'none'"
    assert {source for sources in policy.values() for source in sources.split()} <= {
        "'self'",
        "'none'",
        "data:",
        "https://partij.example",
    }
    assert page["X-Frame-Options"] == "DENY"
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert page["Cache-Control"] == "no-store"


def test_a_form_that_is_shown_again_may_still_lead_to_the_party(owner: Client, party: Software) -> None:
    page = decide(owner, request_address(party), scopes=[])
    assert page.status_code == 422
    assert "https://partij.example" in page["Content-Security-Policy"]


@pytest.mark.parametrize("address", ["/authorize", "/inloggen/?next=/authorize"])
def test_other_pages_lead_nowhere_else(db: None, address: str) -> None:
    assert "form-action 'self'" in Client().get(address)["Content-Security-Policy"]


def test_the_page_does_not_hold_the_sessions_key(owner: Client, party: Software) -> None:
    """V3.3.x: the cookie is HttpOnly, so that no script can read it."""
    page = owner.get(request_address(party))
    key = owner.session.session_key
    assert key is not None
    shown = page.context["shown"]
    held = page.content + b"".join(_decoded(part) for part in re.split(r"[:.]", shown))
    assert key.encode() not in held


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# ---- What the seller leaves ticked ------------------------------------------------------------------------


def test_unticked_rights_are_not_given(owner: Client, party: Software) -> None:
    code = sent_back(decide(owner, request_address(party), scopes=["orders:read", "invoices:read"]))["code"]
    assert rights(party.exchange(code).json()["access_token"]) == "orders:read invoices:read"


def test_without_named_rights_the_seller_picks_from_what_the_party_is_registered_for(owner: Client) -> None:
    party = software(ThirdPartyFactory(scope=scopes.join(["orders:manage", "offers:read"])))
    offered = owner.get(request_address(party)).context["form"].fields["scopes"].initial
    assert offered == ["offers:read", "orders:read", "orders:manage"]


@pytest.mark.parametrize("scope", [None, "", "offline_access"])
def test_no_scope_means_the_sellers_pick(owner: Client, party: Software, scope: str | None) -> None:
    """RFC 6749 §3.3."""
    code = sent_back(decide(owner, request_address(party, scope=scope)))["code"]
    assert party.exchange(code).json()["scope"] == "offline_access"


@pytest.mark.parametrize(
    ("ticked", "code"),
    [
        (["invoices:read"], "invalid_choice"),
        (["orders:read", "offers:manage"], "invalid_choice"),
        (["offline_access"], "invalid_choice"),
        (["RETAILER"], "invalid_choice"),
        (["\x00"], "invalid_choice"),
        (["é" * 1000], "invalid_choice"),
        ([], "required"),
        ([""], "invalid_choice"),
    ],
)
def test_nothing_beyond_what_was_shown_can_be_given(
    owner: Client, party: Software, ticked: list[str], code: str
) -> None:
    """CVE-2023-27891."""
    page = decide(owner, request_address(party, scope="orders:manage"), scopes=ticked)
    assert page.status_code == 422
    assert [error.code for error in page.context["form"].errors.as_data()["scopes"]] == [code]
    assert nothing_was_recorded()


@pytest.mark.parametrize("allow", ["", "maybe", "YES", "\x00", "é" * 1000])
def test_anything_but_yes_or_no_is_no_decision(owner: Client, party: Software, allow: str) -> None:
    assert decide(owner, request_address(party), allow=allow).status_code == 422
    assert nothing_was_recorded()


def test_what_else_stands_in_the_form_changes_nothing(owner: Client, party: Software, seller: Seller) -> None:
    """V15.3.3."""
    other = SellerFactory()
    address = request_address(party, scope="orders:read")
    page = owner.get(address)
    form = {"shown": page.context["shown"], "allow": "yes", "scopes": ["orders:read"]}
    extra = {
        "client_id": "x",
        "redirect_uri": "https://evil.example",
        "scope": "orders:manage",
        "state": "x",
        "code_challenge": "x" * 43,
        "seller": other.retailer_id,
        "user": "1",
        "expires_at": "2999-01-01",
        "skip_authorization": "on",
        "response_mode": "fragment",
    }
    received = sent_back(owner.post(address, form | extra))
    assert received["state"] == STATE
    authorization = ThirdPartyAuthorization.objects.get()
    assert (authorization.seller, authorization.scope) == (seller, "orders:read")
    assert party.exchange(received["code"]).status_code == 200


# ---- Only what was shown, to whom it was shown ------------------------------------------------------------


def post(http: Client, address: str, shown: str) -> "Response":
    return http.post(address, {"shown": shown, "allow": "yes", "scopes": ["orders:read"]})


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
def test_a_form_is_for_the_request_it_was_drawn_for(owner: Client, changes: dict[str, str | None]) -> None:
    """WSTG-ATHZ-05.1."""
    party = software(ThirdPartyFactory(redirect_uris=f"{REDIRECT_URI} https://partij.example/ander"))
    shown = owner.get(request_address(party)).context["shown"]
    assert_shown(post(owner, request_address(party, **changes), shown))
    assert nothing_was_recorded()


def test_a_form_is_for_the_party_it_was_drawn_for(owner: Client, party: Software) -> None:
    other = software(ThirdPartyFactory())
    shown = owner.get(request_address(party)).context["shown"]
    assert_shown(post(owner, request_address(other), shown))
    assert nothing_was_recorded()


@pytest.mark.parametrize("shown", ["", "x", "a:b:c", "\x00", "é", ":" * 5000, "x" * 100_000])
def test_a_form_without_its_seal_is_refused(owner: Client, party: Software, shown: str) -> None:
    assert_shown(post(owner, request_address(party), shown))
    assert nothing_was_recorded()


def test_a_seal_with_any_character_changed_is_refused(owner: Client, party: Software) -> None:
    shown = owner.get(request_address(party)).context["shown"]
    for position in range(0, len(shown), 7):
        broken = shown[:position] + ("A" if shown[position] != "A" else "B") + shown[position + 1 :]
        assert_shown(post(owner, request_address(party), broken))
    assert nothing_was_recorded()


def test_a_form_is_for_the_user_it_was_drawn_for(owner: Client, party: Software, seller: Seller) -> None:
    """CVE-2023-27891: another member of the same seller."""
    colleague = signed_in(MembershipFactory(seller=seller).user)
    shown = owner.get(request_address(party)).context["shown"]
    assert_shown(post(colleague, request_address(party), shown))
    assert nothing_was_recorded()


def test_a_form_is_for_the_session_it_was_drawn_in(owner: Client, party: Software, seller: Seller) -> None:
    shown = owner.get(request_address(party)).context["shown"]
    assert_shown(post(signed_in(seller.members.get()), request_address(party), shown))
    assert nothing_was_recorded()


def test_a_form_is_for_the_seller_it_was_drawn_for(owner: Client, party: Software, seller: Seller) -> None:
    """The seller in use is switched in another tab."""
    other = SellerFactory(owner__user=seller.members.get())
    used = owner.get(request_address(party)).wsgi_request.seller  # type: ignore[attr-defined]
    shown = owner.get(request_address(party)).context["shown"]
    switched_to = other if used == seller else seller
    assert owner.post("/instellingen/verkoper/", {"seller": switched_to.retailer_id}).status_code == 302
    assert_shown(post(owner, request_address(party), shown))
    assert nothing_was_recorded()


def test_a_form_is_good_for_thirty_minutes(
    owner: Client, party: Software, seller: Seller, time_machine: TimeMachineFixture
) -> None:
    start = timezone.now()
    time_machine.move_to(start, tick=False)
    address = request_address(party)
    page = owner.get(address)
    time_machine.move_to(start + dt.timedelta(minutes=29), tick=False)
    # A proof of identity in between, or the form would not be looked at.
    owner.post(PROVE, {"password": PASSWORD})
    fresh = owner.get(address).context["shown"]
    time_machine.move_to(start + dt.timedelta(minutes=31), tick=False)
    assert_shown(post(owner, address, page.context["shown"]))
    assert nothing_was_recorded()
    assert post(owner, address, fresh).status_code == 302


def test_somebody_who_signed_out_decides_nothing(owner: Client, party: Software) -> None:
    """A past accident elsewhere: a consent form that worked from a signed-out session."""
    shown = owner.get(request_address(party)).context["shown"]
    owner.post("/uitloggen/")
    for http in (owner, Client()):
        answer = post(http, request_address(party), shown)
        assert answer.status_code == 302
        assert answer["Location"].startswith(SIGN_IN)
    assert nothing_was_recorded()


def test_a_form_needs_its_csrf_token_and_its_origin(seller: Seller, party: Software) -> None:
    """RFC 6749 §10.12, V3.5.1."""
    http = signed_in(seller.members.get(), enforce_csrf_checks=True)
    address = request_address(party)
    page = http.get(address)
    form = {"shown": page.context["shown"], "allow": "yes", "scopes": ["orders:read"]}
    token = {"csrfmiddlewaretoken": str(page.context["csrf_token"])}
    assert http.post(address, form).status_code == 403
    assert http.post(address, form | {"csrfmiddlewaretoken": "x" * 64}).status_code == 403
    assert http.post(address, form | token, headers={"Origin": "https://evil.example"}).status_code == 403
    assert http.post(address, form | token, headers={"Origin": "null"}).status_code == 403
    assert nothing_was_recorded()
    assert http.post(address, form | token, headers={"Origin": ISSUER}).status_code == 302


# ---- Who may decide ---------------------------------------------------------------------------------------


def test_a_member_who_only_reads_decides_nothing(seller: Seller, party: Software) -> None:
    reader = signed_in(MembershipFactory(seller=seller, role=Membership.Role.READ_ONLY).user)
    assert_shown(reader.get(request_address(party)), status=403)
    assert_shown(post(reader, request_address(party), "x"), status=403)


def test_who_may_not_decide_is_offered_another_account_and_comes_back(seller: Seller, party: Software) -> None:
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


def test_who_works_for_no_seller_can_sign_in_as_somebody_else_and_comes_back(party: Software) -> None:
    address = request_address(party)
    nobody = signed_in(UserFactory())
    form = Page(nobody.get(address).content.decode(), address).part("main").form("Uitloggen")
    following = urlsplit(nobody.post(form.address, form.fill())["Location"])
    assert (following.path, parse_qs(following.query)) == (SIGN_IN, {"next": [address]})


@pytest.mark.parametrize("role", [Membership.Role.OWNER, Membership.Role.ADMINISTRATOR, Membership.Role.TECHNICAL])
def test_every_other_member_may_decide(seller: Seller, party: Software, role: str) -> None:
    member = signed_in(MembershipFactory(seller=seller, role=role).user)
    assert "code" in sent_back(decide(member, request_address(party)))


def test_a_user_without_a_seller_decides_nothing(party: Software) -> None:
    nobody = signed_in(UserFactory())
    assert nobody.get(request_address(party)).status_code == 403
    assert post(nobody, request_address(party), "x").status_code == 403


def test_for_a_closed_seller_nothing_is_decided(party: Software) -> None:
    owner = signed_in(SellerFactory(closed=True).members.get())
    assert_shown(owner.get(request_address(party)), status=403)


def test_a_user_who_was_switched_off_decides_nothing(owner: Client, party: Software) -> None:
    shown = owner.get(request_address(party)).context["shown"]
    User.objects.update(is_active=False)
    assert post(owner, request_address(party), shown)["Location"].startswith(SIGN_IN)
    assert nothing_was_recorded()


def test_a_member_who_was_removed_decides_nothing(owner: Client, party: Software) -> None:
    shown = owner.get(request_address(party)).context["shown"]
    Membership.objects.all().delete()
    assert post(owner, request_address(party), shown).status_code == 403
    assert nothing_was_recorded()


def test_a_user_of_several_sellers_is_warned_of_the_wrong_shop(owner: Client, party: Software, seller: Seller) -> None:
    other = SellerFactory(owner__user=seller.members.get())
    used = owner.get(request_address(party)).wsgi_request.seller  # type: ignore[attr-defined]
    elsewhere = other if used == seller else seller
    assert elsewhere.retailer_id not in _note(owner, party)
    ThirdPartyAuthorizationFactory(seller=elsewhere, third_party=ThirdParty.objects.get())
    assert elsewhere.retailer_id in _note(owner, party)


def _note(http: Client, party: Software) -> str:
    return " ".join(re.findall(r'(?s)<p class="note.*?</p>', http.get(request_address(party)).content.decode()))


# ---- Sign-in and proof ------------------------------------------------------------------------------------


def test_somebody_who_is_not_signed_in_comes_back_to_the_same_request(seller: Seller, party: Software) -> None:
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
def test_the_sign_in_page_names_no_party_when_none_waits(party: Software, following: str) -> None:
    page = Client().get(SIGN_IN, {"next": following})
    assert page.status_code == 200
    assert "Doorgaan naar" not in says(page)
    assert Client().post(SIGN_IN, {"next": following, "login": "x", "password": "x"}).status_code == 200


def test_consent_asks_for_a_proof_of_identity_of_at_most_thirty_minutes(
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


def test_prompt_none_gets_an_error_and_never_a_code(owner: Client, party: Software) -> None:
    """OpenID Connect Core §3.1.2.6; consent is always asked for, so "without any page" cannot be."""
    for prompt in ("none", "none login", "consent none"):
        assert_sent_back(Client().get(request_address(party, prompt=prompt)), "login_required")
        assert_sent_back(owner.get(request_address(party, prompt=prompt)), "consent_required")


def test_prompt_none_gets_an_error_for_a_party_allowed_before(owner: Client, party: Software) -> None:
    decide(owner, request_address(party))
    assert_sent_back(owner.get(request_address(party, prompt="none")), "consent_required")


def test_prompt_login_asks_for_the_password_and_then_goes_on(owner: Client, party: Software) -> None:
    answer = owner.get(request_address(party, prompt="login"))
    address, _, query = answer["Location"].partition("?")
    assert address == PROVE
    (following,) = parse_qs(query)["next"]
    assert "prompt" not in following
    proven = owner.post(answer["Location"], {"password": PASSWORD, "next": following})
    assert proven["Location"] == following
    assert sent_back(decide(owner, following))["state"] == STATE


def test_prompt_login_is_spent_by_signing_in(party: Software) -> None:
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
        {"allow": "yes", "scopes": "orders:read"},
    ],
)
def test_nothing_skips_consent(owner: Client, party: Software, more: dict[str, str]) -> None:
    """V10.7.1, CVE-2023-34246: not for a party allowed a minute ago either."""
    decide(owner, request_address(party))
    assert owner.get(request_address(party, **more)).status_code == 200
    assert Grant.objects.count() == 1


# ---- Methods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_do_nothing(owner: Client, party: Software, method: str) -> None:
    """V3.5.3; HEAD was once taken for GET, and GET for consent."""
    address = request_address(party, allow="yes", scopes="orders:read")
    shown = owner.get(address).context["shown"]
    form = urlencode({"shown": shown, "allow": "yes", "scopes": "orders:read"})
    answer = owner.generic(method, address, form, "application/x-www-form-urlencoded")
    assert answer.status_code == 405
    assert nothing_was_recorded()


def test_the_parameters_of_a_post_are_those_in_the_address(owner: Client, party: Software) -> None:
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
def test_a_hostile_body_is_refused(owner: Client, party: Software, body: bytes, content_type: str) -> None:
    """V2.2.1."""
    answer = owner.generic("POST", request_address(party), body, content_type)
    assert answer.status_code in {400, 413}
    assert nothing_was_recorded()


def test_the_verifier_of_these_tests_is_a_proper_one() -> None:
    """RFC 7636 §4.1, or the tests of PKCE would prove little."""
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", VERIFIER)

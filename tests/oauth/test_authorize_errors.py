"""Errors of the authorization endpoint (RFC 6749 §4.1.2.1, RFC 9700 §4, RFC 7636): shown, or sent to the party."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from apicredentials.models import ThirdParty
from tests.factories import REDIRECT_URI, ClientCredentialFactory, ResourceServerFactory, ThirdPartyFactory
from tests.oauth.consent import assert_sent_back, assert_shown
from tests.oauth.flow import VERIFIER, Software, decide, request_address, sent_back, software

NO_PKCE: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}


# ---- Errors shown, because client or redirect URI is not verified -----------------------------------------


def test_unknown_party_gets_no_redirect(party: Software) -> None:
    """RFC 6749 §4.1.2.1, RFC 9700 §4.11."""
    unknown = "7b0e6d0a-3c53-4a5e-9c7e-4a3c0b1f2d10"
    for client_id in (None, "", "x", unknown, "' OR 1=1 --", "<script>", "é", "\u202e", "x" * 10_000):
        assert_shown(Client().get(request_address(party, client_id=client_id)))


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["paused_at", "deleted_at"])
def test_deleted_party_is_unknown(party: Software, field: str) -> None:
    ThirdParty.objects.update(**{field: timezone.now()})
    assert_shown(Client().get(request_address(party)))


@pytest.mark.django_db
def test_client_of_another_kind_is_unknown() -> None:
    for client in (ClientCredentialFactory(), ResourceServerFactory()):
        type(client).objects.update(redirect_uris=REDIRECT_URI)
        assert_shown(Client().get(request_address(Software(client.client_id, ""))))


UNREGISTERED = [
    "https://evil.example/terug",
    "https://partij.example/terug/",
    "https://partij.example/terug?x=1",
    "https://partij.example/terug#x",
    "https://partij.example/terug%2f",
    "https://PARTIJ.example/terug",
    "https://partij.example:443/terug",
    "https://x@partij.example/terug",
    "https://partij.example\\@evil.example/terug",
    "http://partij.example/terug",
    "//partij.example/terug",
    "javascript:alert(1)",
    "https://partij.example/terug https://evil.example",
    "https://[" + ":" * 2000,
    "*",
]


def test_unregistered_redirect_uri_gets_no_redirect(party: Software) -> None:
    """RFC 9700 §2.1: exact string matching."""
    for redirect_uri in UNREGISTERED:
        answer = Client().get(request_address(party, redirect_uri=redirect_uri))
        assert_shown(answer)
        assert "evil" not in answer.content.decode()


@pytest.mark.django_db
def test_only_registered_redirect_uri_is_the_default(owner: Client, party: Software) -> None:
    """RFC 6749 §3.1.2.3."""
    received = sent_back(decide(owner, request_address(party, redirect_uri=None)))
    assert party.exchange(received["code"]).status_code == 200


@pytest.mark.django_db
def test_redirect_uri_is_required_if_several_are_registered() -> None:
    party = software(ThirdPartyFactory(redirect_uris=f"{REDIRECT_URI} https://partij.example/ander"))
    assert_shown(Client().get(request_address(party, redirect_uri=None)))


def test_repeated_parameter_is_refused_without_redirect(party: Software) -> None:
    """RFC 6749 §3.1. It is unknown which of two redirect URIs or states is the party's."""
    for name in (
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "code_challenge",
        "prompt",
        "anything",
    ):
        address = request_address(party, **{name: "a"})
        assert_shown(Client().get(f"{address}&{name}=a"))


def test_malformed_query_is_refused_without_redirect(owner: Client, party: Software) -> None:
    """V2.2.1, on every database."""
    for more in (
        "state=%00",
        "x=%00",
        "%00=x",
        "state=%ff",
        "state=%ed%a0%80",
        "state=%c0%af",
        "&".join(["x=y"] * 300),
    ):
        for http in (Client(), owner):
            assert_shown(http.get(f"{request_address(party, state=None)}&{more}"))


# ---- Errors sent to the party -----------------------------------------------------------------------------


# By parameter, the error and the values that cause it.
ERRORS: dict[str, tuple[str, list[str | None]]] = {
    "response_type": ("unsupported_response_type", ["token", "id_token", "none", "code token", "CODE", "é" * 1000]),
    "response_mode": ("invalid_request", ["fragment", "form_post"]),
    "scope": ("invalid_scope", ["orders:delete", "offline_access x", "RETAILER", "orders:read\u200b", "x" * 5000]),
    "code_challenge": ("invalid_request", [None, "", "x" * 42, "x" * 44, "x" * 42 + "=", "é" * 43, "x" * 43 + "\n"]),
    "code_challenge_method": ("invalid_request", [None, "", "plain", "s256", "S512"]),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_sent_to_the_party_with_state_and_iss(party: Software, name: str) -> None:
    """RFC 6749 §4.1.2.1, RFC 7636 §4.4.1, RFC 9207 §2; before sign-in."""
    error, values = ERRORS[name]
    for value in values:
        assert_sent_back(Client().get(request_address(party, **{name: value})), error)


def test_missing_response_type_or_challenge_is_an_invalid_request(party: Software) -> None:
    missing: list[dict[str, str | None]] = [{"response_type": None}, {"response_type": ""}, NO_PKCE]
    for changes in missing:
        assert_sent_back(Client().get(request_address(party, **changes)), "invalid_request")


def test_unregistered_right_is_an_invalid_scope(db: None) -> None:
    """RFC 6749 §4.1.2.1; no consent page is shown."""
    party = software(ThirdPartyFactory(scope="orders:read"))
    assert_sent_back(Client().get(request_address(party, scope="orders:manage")), "invalid_scope")


def test_parameters_of_other_endpoints_are_ignored(owner: Client) -> None:
    """RFC 6749 §3.1; `grant_type=refresh_token` would skip oauthlib's check of the scope."""
    party = software(ThirdPartyFactory(scope="orders:read"))
    for name in ("grant_type", "grant", "client", "user", "scopes", "rights", "authorization"):
        more = {name: "refresh_token"}
        assert_sent_back(owner.get(request_address(party, scope="orders:manage", **more)), "invalid_scope")
        assert_shown(Client().get(request_address(party, client_id="x", **more)))
        assert owner.get(request_address(party, redirect_uri=None, **more)).status_code == 200


def test_error_is_sent_to_the_default_redirect_uri(party: Software) -> None:
    assert_sent_back(Client().get(request_address(party, redirect_uri=None, scope="x")), "invalid_scope")


# ---- PKCE -------------------------------------------------------------------------------------------------


def test_party_registered_without_pkce_may_omit_it(owner: Client) -> None:
    """RFC 9700 §2.1.1: only parties registered like this."""
    party = software(ThirdPartyFactory(pkce_required=False))
    received = sent_back(decide(owner, request_address(party, **NO_PKCE)))
    assert party.exchange(received["code"], code_verifier=None).status_code == 200


def test_invalid_pkce_of_a_party_registered_without_pkce_is_refused(db: None) -> None:
    party = software(ThirdPartyFactory(pkce_required=False))
    invalid: list[dict[str, str | None]]
    invalid = [{"code_challenge_method": "plain"}, {"code_challenge": "x"}, {"code_challenge": None}]
    for changes in invalid:
        assert_sent_back(Client().get(request_address(party, **changes)), "invalid_request")


def test_public_party_always_needs_pkce(db: None) -> None:
    """RFC 9700 §2.1.1: PKCE is a MUST for public clients."""
    party = software(ThirdPartyFactory(public=True, pkce_required=False))
    assert_sent_back(Client().get(request_address(party, **NO_PKCE)), "invalid_request")


def test_verifier_of_these_tests_is_valid() -> None:
    """RFC 7636 §4.1. With an invalid verifier the tests of PKCE would prove little."""
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", VERIFIER)

"""Metadata documents (RFC 8414, RFC 9728, RFC 7517), which list only enabled features."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from pytest_django.fixtures import Settings

from apicredentials import scopes
from apicredentials.keys.signing_keys import new_signing_key, parse_signing_keys
from tests.oauth.flow import ISSUER, Software, assert_error, request_address, sent_back

SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"
JWKS = "/.well-known/jwks.json"


def read(address: str) -> dict[str, Any]:
    answer = Client().get(address)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    body: dict[str, Any] = answer.json()
    return body


# ---- The authorization server -----------------------------------------------------------------------------


def test_issuer_is_the_setting_regardless_of_the_host_header(db: None) -> None:
    """RFC 8414 §3.3; tokens and redirects name the same issuer."""
    answer = Client().get(SERVER, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert answer.json()["issuer"] == ISSUER
    assert b"evil" not in answer.content


def test_every_endpoint_exists_below_the_issuer(db: None) -> None:
    """RFC 8414 §2."""
    document = read(SERVER)
    endpoints = {name: value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))}
    assert {name: value.removeprefix(ISSUER) for name, value in endpoints.items()} == {
        "authorization_endpoint": "/authorize",
        "token_endpoint": "/token",
        "revocation_endpoint": "/revoke",
        "introspection_endpoint": "/introspect",
        "jwks_uri": JWKS,
    }
    for address in endpoints.values():
        assert Client().get(address.removeprefix(ISSUER)).status_code in {200, 400, 405}


def test_supported_features_are_listed() -> None:
    """RFC 8414 §2, RFC 9207 §3, RFC 9700 §2.1."""
    document = read(SERVER)
    methods = ["client_secret_basic", "client_secret_post"]
    expected = {
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "token_endpoint_auth_methods_supported": [*methods, "none"],
        "revocation_endpoint_auth_methods_supported": [*methods, "none"],
        "introspection_endpoint_auth_methods_supported": methods,
        "scopes_supported": ["RETAILER", "offline_access", *scopes.ALL],
    }
    assert {name: document[name] for name in expected} == expected


def test_listed_grants_are_the_enabled_ones(warehouse: Software) -> None:
    """An enabled grant is refused for another reason than `unsupported_grant_type`."""
    supported = set(read(SERVER)["grant_types_supported"])
    for grant_type in [*supported, "password", "implicit", "urn:ietf:params:oauth:grant-type:device_code"]:
        answer = warehouse.token(grant_type=grant_type, code="x", refresh_token="x")
        if grant_type not in supported:
            assert_error(answer, "unsupported_grant_type")
        elif answer.status_code != 200:
            assert_error(answer, "unauthorized_client")


def test_listed_challenge_methods_are_the_accepted_ones(party: Software) -> None:
    for method in ("S256", "plain", "s256"):
        answer = Client().get(request_address(party, code_challenge_method=method, prompt="none"))
        expected = "login_required" if method in read(SERVER)["code_challenge_methods_supported"] else "invalid_request"
        assert sent_back(answer)["error"] == expected


# ---- The resource -----------------------------------------------------------------------------------------


def test_resource_names_its_server_keys_and_rights() -> None:
    """RFC 9728 §2, §3.3: clients require that its identifier is the address before `/.well-known/`."""
    assert read(RESOURCE) == {
        "resource": ISSUER,
        "authorization_servers": [ISSUER],
        "jwks_uri": f"{ISSUER}{JWKS}",
        "scopes_supported": list(scopes.ALL),
        "bearer_methods_supported": ["header"],
        "resource_name": "Retailer API",
    }


def test_refused_call_links_to_the_resource_metadata() -> None:
    """RFC 9728 §5.1."""
    challenge = Client().get("/retailer/retailers/current")["WWW-Authenticate"]
    assert f'resource_metadata="{ISSUER}{RESOURCE}"' in challenge


# ---- The keys ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_only_the_public_half_of_a_key_is_published(settings: Settings, algorithm: str) -> None:
    """RFC 7517 §4, RFC 7518 §6."""
    settings.TOKEN_SIGNING_KEYS = new_signing_key(algorithm)
    (jwk,) = read(JWKS)["keys"]
    assert (jwk["alg"], jwk["use"]) == (algorithm, "sig")
    members = {"ES256": {"kty", "crv", "x", "y"}, "RS256": {"kty", "n", "e"}}[algorithm]
    assert set(jwk) == members | {"kid", "use", "alg"}


def test_every_verifying_key_is_published_with_a_unique_id(settings: Settings) -> None:
    settings.TOKEN_SIGNING_KEYS = ",".join([new_signing_key() for _ in range(3)])
    expected = [key.id for key in parse_signing_keys(settings.TOKEN_SIGNING_KEYS)]
    assert [jwk["kid"] for jwk in read(JWKS)["keys"]] == expected


def test_coordinates_of_an_ec_key_have_their_full_length(settings: Settings) -> None:
    """RFC 7518 §6.2.1.2: 32 octets, also where the first ones are zero."""
    for _ in range(40):
        settings.TOKEN_SIGNING_KEYS = new_signing_key()
        (jwk,) = read(JWKS)["keys"]
        assert (len(jwk["x"]), len(jwk["y"])) == (43, 43)


# ---- All documents ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [SERVER, RESOURCE, JWKS])
def test_document_is_public_and_cacheable_for_minutes(address: str) -> None:
    answer = Client().get(address, headers={"Origin": "https://partij.example"})
    assert answer["Cache-Control"] == "public, max-age=300"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert not answer.cookies


@pytest.mark.parametrize("address", [SERVER, RESOURCE, JWKS])
def test_document_can_be_read_only(address: str) -> None:
    answer = Client().head(address)
    assert (answer.status_code, answer.content) == (200, b"")
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert Client().generic(method, address).status_code == 405


# ---- Views of django-oauth-toolkit ------------------------------------------------------------------------


def test_no_view_of_the_toolkit_is_mounted() -> None:
    """V13.4.5."""
    found = set(modules(get_resolver().url_patterns))
    assert {"apicredentials.oauth.authorize", "apicredentials.oauth.endpoints"} <= found
    assert not [module for module in found if module.startswith("oauth2_provider")]


def modules(patterns: list[Any]) -> Iterator[str]:
    """Yield the modules of the views of these URL patterns."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from modules(pattern.url_patterns)
        elif hasattr(pattern.callback, "__module__"):
            yield pattern.callback.__module__

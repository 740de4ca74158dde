"""docs/openapi.yaml compared with the portal: it is complete, and Schemathesis finds no undocumented response."""

import json
import re
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import schemathesis
import yaml
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.utils import timezone
from oauthlib.oauth2.rfc6749 import errors
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from accounts.models import Seller
from apicredentials import scopes
from apicredentials.oauth import throttle
from portal import machine_urls
from tests.conftest import ON_CI
from tests.factories import (
    REDIRECT_URI,
    ClientCredentialFactory,
    ResourceServerFactory,
    SellerFactory,
    ThirdPartyFactory,
)
from tests.failures import forget_failures
from tests.oauth.flow import FORM, VERIFIER, Software, decide, header, request_address, sent_back, software
from tests.people import signed_in
from tests.served import ROOT

if TYPE_CHECKING:
    from schemathesis import Case, Response

TEXT = (ROOT / "docs/openapi.yaml").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = yaml.safe_load(TEXT)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.app = WSGIHandler()
SCHEMA.config.generation.deterministic = ON_CI

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
]


# ---- Completeness ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_address_is_documented_with_exactly_its_methods() -> None:
    """HEAD is implied by GET (RFC 9110 §9.1)."""
    methods = ("get", "head", "post", "put", "patch", "delete", "options", "trace", "query")
    addresses = [f"/{pattern.pattern}" for pattern in machine_urls.urlpatterns]
    allowed = {
        (address, method)
        for address, method in product(addresses, methods)
        if Client().generic(method.upper(), address).status_code != 405
    }
    documented = {(address, method) for address, operations in DOCUMENT["paths"].items() for method in operations}
    assert documented | {(address, "head") for address, method in documented if method == "get"} == allowed


def sources(pattern: str) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in sorted(ROOT.glob(pattern)))


def values(name: str, node: Any) -> set[str]:
    """Return all values that the document allows for members of this name, at any depth."""
    if isinstance(node, list):
        return set().union(*(values(name, item) for item in node))
    if not isinstance(node, dict):
        return set()
    found = set().union(*(values(name, item) for item in node.values()))
    if isinstance(member := node.get(name), dict):
        found |= {member["const"]} if "const" in member else set(member.get("enum", ()))
    return found


def test_documented_error_codes_are_those_in_the_code() -> None:
    """Except the codes of `/authorize`, which is not part of the document."""
    code = sources("apicredentials/oauth/*.py") + sources("portal/machine_endpoints.py") + sources("portal/metrics.py")
    raised = {getattr(errors, name).error for name in re.findall(r"\berrors\.(\w+Error)\b", code)}
    # oauthlib raises these when our validator refuses a request.
    raised |= {error.error for error in (errors.InvalidGrantError, errors.InvalidScopeError)}
    raised |= {str(throttle.TooManyFailures.error)}
    raised |= set(re.findall(r'(?:"error": |\btrouble\()"(\w+)"', code))
    at_authorize = {"access_denied", "consent_required", "login_required", "unsupported_response_type"}
    told = {error for error in raised if error} - at_authorize
    assert values("error", DOCUMENT) == told


def test_documented_titles_of_refusals_are_those_in_the_code() -> None:
    code = sources("apicredentials/api.py")
    titles = set(re.findall(r'Refusal\((\d+), "([^"]+)"', code))
    documented = values("title", DOCUMENT["components"]["responses"])
    assert documented == {title for status, title in titles if status in {"401", "403"}}
    assert {status for status, _ in titles} - {"405"} == {"401", "403", "406"}


def test_documented_rights_are_those_in_the_code() -> None:
    assert DOCUMENT["components"]["schemas"]["Right"]["enum"] == list(scopes.ALL)


def test_every_component_is_used_and_every_reference_resolves() -> None:
    kinds = ("headers", "responses", "schemas")
    parts = {f"#/components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]}
    assert set(re.findall(r'\$ref: "([^"]+)"', TEXT)) == parts
    assert TEXT.startswith("openapi: 3.1.")


# ---- Generated requests ---------------------------------------------------------------------------------------


def few(function: Any) -> Any:
    """Limit the examples, so that all addresses take seconds. Schemathesis adds examples of its own lists."""
    return hypothesis.settings(max_examples=40, suppress_health_check=list(hypothesis.HealthCheck))(function)


def ask(case: "Case", **headers: str) -> "Response":
    """Send a case and validate the response, unthrottled."""
    forget_failures()
    return case.call_and_validate(headers=headers, checks=CHECKS)


@pytest.fixture(autouse=True)
def _one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the connection open after a request, as Django's test client does, to keep the test's transaction."""
    monkeypatch.setattr(BaseDatabaseWrapper, "close_if_unusable_or_obsolete", lambda connection: None)


@pytest.mark.django_db
@SCHEMA.parametrize()
@few
def test_responses_without_authentication_are_documented(case: "Case") -> None:
    ask(case)


@pytest.fixture
def seller(db: None) -> Seller:
    return SellerFactory()


@pytest.fixture
def warehouse(seller: Seller) -> Software:
    return software(ClientCredentialFactory(seller=seller))


@pytest.mark.django_db
@SCHEMA.include(path=["/token", "/revoke", "/introspect", "/authorizations"]).parametrize()
@few
def test_responses_to_an_authenticated_client_are_documented(case: "Case", warehouse: Software) -> None:
    """For any parameters besides its credentials."""
    ask(case, Authorization=warehouse.authorization)


@pytest.fixture
def bearer(warehouse: Software) -> str:
    return f"Bearer {warehouse.access_token()}"


@pytest.mark.django_db
@SCHEMA.include(path=["/verify", "/retailer/retailers/current"]).parametrize()
@few
def test_responses_to_a_bearer_token_are_documented(case: "Case", bearer: str) -> None:
    ask(case, Authorization=bearer)


# ---- Valid requests ---------------------------------------------------------------------------------------------


def send(
    address: str, authorization: str = "", *, checks: Any = CHECKS, accept: str = "*/*", scope: str = "", **form: Any
) -> Any:
    """Send a valid request (`scope` is for `/verify`), validate the response, and return its status and JSON."""
    (method,) = DOCUMENT["paths"][address]
    body: Any = {"body": form, "media_type": FORM} if form else {}
    case = SCHEMA[address][method.upper()].Case(query={"scope": [scope]} if scope else {}, **body)
    answer = case.call_and_validate(headers=header(authorization) | {"Accept": accept}, checks=checks)
    return answer.status_code, json.loads(answer.content or "null")


def test_responses_to_a_sellers_software_are_documented(warehouse: Software) -> None:
    client, grant = warehouse.authorization, {"grant_type": "client_credentials"}
    status, own = send("/token", client, **grant)
    assert (status, own["scope"]) == (200, "RETAILER")
    assert send("/token", client, **grant | {"scope": "orders:read"})[0] == 200
    status, refused = send("/token", client, **grant | {"scope": "onzin:read"})
    assert (status, refused["error"]) == (400, "invalid_scope")
    bearer = f"Bearer {own['access_token']}"
    assert send("/verify", bearer, scope="orders:read")[0] == 204
    assert send("/verify", bearer, scope="onzin:read")[0] == 403
    assert send("/retailer/retailers/current", bearer)[0] == 200
    assert send("/retailer/retailers/current", bearer, accept="text/html")[0] == 406
    assert send("/revoke", client, token=own["access_token"]) == (200, {})
    status, refused = send("/retailer/retailers/current", bearer)
    assert (status, refused["title"]) == (401, "Revoked JWT")


def test_responses_to_a_third_party_and_a_resource_server_are_documented(seller: Seller, warehouse: Software) -> None:
    party, api = software(ThirdPartyFactory()), software(ResourceServerFactory())
    code = sent_back(decide(signed_in(seller.members.get()), request_address(party)))["code"]
    exchange = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    status, first = send("/token", party.authorization, code=code, **exchange)
    assert (status, first["scope"]) == (200, "offline_access")
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert send("/token", party.authorization, **refresh)[0] == 200
    for token in (first["access_token"], warehouse.access_token()):
        assert send("/introspect", api.authorization, token=token)[1]["active"] is True
    assert send("/introspect", api.authorization, token="x") == (200, {"active": False})
    assert send("/introspect", party.authorization, token="x")[1]["error"] == "unauthorized_client"
    status, own = send("/authorizations", party.authorization)
    assert (status, [each["state"] for each in own["authorizations"]]) == (200, ["active"])
    assert send("/authorizations", api.authorization)[0] == 403
    Seller.objects.update(closed_at=timezone.now())
    assert send("/verify", f"Bearer {first['access_token']}")[0] == 403


def test_response_to_a_throttled_client_is_documented(warehouse: Software) -> None:
    wrong = replace(warehouse, secret="x").authorization
    statuses = [send("/token", wrong, grant_type="client_credentials")[0] for _ in range(31)]
    assert (statuses[0], statuses[-1]) == (401, 429)


def test_response_without_a_database_is_documented(bearer: str) -> None:
    def gone(*args: object) -> None:
        raise OperationalError

    allowed = [check for check in CHECKS if check is not not_a_server_error]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseWrapper, "ensure_connection", gone)
        for address in ("/verify", "/retailer/retailers/current", "/readyz"):
            assert send(address, bearer, checks=allowed)[0] == 503
        for address in ("/healthz", "/.well-known/jwks.json"):
            assert send(address)[0] == 200

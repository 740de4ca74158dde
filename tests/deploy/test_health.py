"""Health endpoints, and errors: Dutch pages for people, JSON for machines."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from pytest_django import Settings

from accounts.models import Actor, Seller
from apicredentials.oauth import access_tokens
from portal import health, views
from tests.factories import ClientCredentialFactory, SellerFactory, TechnicalContactFactory
from tests.people import directives, says, sign_in, signed_in

if TYPE_CHECKING:
    from tests.people import Response


@pytest.fixture
def owner(db: None) -> Client:
    """The browser of a seller's owner. Exceptions become responses, as in production."""
    client = signed_in(TechnicalContactFactory().seller.members.get())
    client.raise_request_exception = False
    return client


@pytest.fixture
def no_database(db: None) -> Iterator[Callable[[], None]]:
    """Return a function that makes the database unavailable until the end of the test."""

    def gone(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused: password=geheim")

    with pytest.MonkeyPatch.context() as patch:
        yield lambda: patch.setattr(BaseDatabaseWrapper, "ensure_connection", gone)


@pytest.mark.django_db
def test_healthz_and_readyz_are_ok(client: Client) -> None:
    assert (client.get("/healthz").status_code, client.get("/healthz").json()) == (200, {"status": "ok"})
    ready = {"status": "ok", "database": "ok", "migrations": "ok", "keys": "ok"}
    assert (client.get("/readyz").status_code, client.get("/readyz").json()) == (200, ready)
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_without_a_database_only_healthz_is_ok(client: Client, no_database: Callable[[], None]) -> None:
    no_database()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "unavailable")
    assert b"geheim" not in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["TOKEN_SIGNING_KEYS", "SECRET_HASH_KEYS"])
def test_readyz_fails_without_keys(client: Client, settings: Settings, missing: str) -> None:
    setattr(settings, missing, "")
    assert client.get("/readyz").status_code == 503


@pytest.mark.django_db
def test_readyz_fails_with_a_pending_migration(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *args: [("one", False)])
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["migrations"]) == (503, "pending")


@pytest.mark.parametrize("path", ["/instellingen/", "/instellingen/api/", "/", "/beheer/", "/uitloggen/"])
def test_page_without_a_database_is_a_dutch_503(owner: Client, no_database: Callable[[], None], path: str) -> None:
    no_database()
    answer = owner.get(path)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "We zijn even niet bereikbaar" in says(answer)
    assert '<html lang="nl"' in answer.content.decode()
    assert b"geheim" not in answer.content
    assert directives(answer)["default-src"] == "'none'"
    assert answer["X-Request-ID"]


def test_form_without_a_database_is_a_dutch_503(db: None, no_database: Callable[[], None]) -> None:
    no_database()
    answer = sign_in(Client(raise_request_exception=False), "sanne@winkel.example")
    assert answer.status_code == 503
    assert "We zijn even niet bereikbaar" in says(answer)


def token_of(seller: Seller) -> str:
    client_id = ClientCredentialFactory(seller=seller).client_id
    about = {"iss": "http://testserver", "aud": "http://testserver", "iat": 0, "exp": 2**40, "jti": "1"}
    return access_tokens.sign(about | {"client_id": client_id, "scope": ""})


def test_machine_without_a_database_gets_json(owner: Client, no_database: Callable[[], None]) -> None:
    credential = ClientCredentialFactory()
    form = "application/x-www-form-urlencoded"
    secret = credential.reveal(by=Actor())
    body = f"grant_type=client_credentials&client_id={credential.client_id}&client_secret={secret}"
    bearer = {"Authorization": f"Bearer {token_of(SellerFactory())}"}
    no_database()
    said = []
    for answer in (owner.post("/token", body, content_type=form), owner.get("/verify", headers=bearer)):
        assert answer.status_code == 503
        assert answer["Retry-After"] == "5"
        assert b"geheim" not in answer.content
        said.append((answer["Content-Type"], answer.json()))
    (token_type, token), (api_type, api) = said
    assert (token_type, token["error"]) == ("application/json", "temporarily_unavailable")
    assert (api_type, api["status"], api["violations"]) == ("application/vnd.retailer.v10+json", 503, [])
    assert owner.get("/.well-known/jwks.json").status_code == 200


def test_pages_work_again_when_the_database_is_available(owner: Client) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseWrapper, "ensure_connection", Mock(side_effect=OperationalError("down")))
        assert owner.get("/instellingen/api/").status_code == 503
    assert owner.get("/instellingen/api/").status_code == 200


def test_server_error_is_a_dutch_page(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "render", lambda *args: 1 / 0)
    answer = owner.get("/instellingen/")
    assert answer.status_code == 500
    assert "Door een fout bij ons lukt dit nu niet" in says(answer)
    assert "ZeroDivisionError" not in answer.content.decode()
    check_headers_of_errors(answer)


def check_headers_of_errors(response: "Response") -> None:
    """Assert the headers of every error page."""
    assert directives(response)["frame-ancestors"] == "'none'"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Request-ID"]


def test_server_error_for_a_machine_is_json(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "JsonResponse", lambda *args: 1 / 0)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert b"ZeroDivisionError" not in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/onzin", "/instellingen/onzin/", "/%00", "/%ff", "/instellingen/api/partijen/x/"])
def test_unknown_address_is_a_dutch_page(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Deze pagina bestaat niet" in says(answer)
    assert "onzin" not in says(answer)


def test_permission_denied_is_a_dutch_page(owner: Client) -> None:
    answer = owner.get("/beheer/", follow=True)
    assert answer.status_code == 403
    assert "Dit mag je niet doen" in says(answer)


@pytest.mark.parametrize("body", ["&".join(["x=1"] * 300), "name=" + "x" * 300_000], ids=["many fields", "much text"])
def test_too_large_form_is_refused_in_dutch(owner: Client, body: str) -> None:
    answer = owner.post("/instellingen/api/contact/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in {400, 413}
    assert "We begrijpen deze aanvraag niet" in says(answer)
    check_headers_of_errors(answer)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"name=%ff%fe&email=%c3%28", "application/x-www-form-urlencoded"),
        (b"name=x", "application/x-www-form-urlencoded; charset=onzin"),
        (b"onzin", "multipart/form-data; boundary=x"),
        (b"onzin", "multipart/form-data"),
        (b"\0\0\0", "application/x-www-form-urlencoded"),
        (b'{"name": "x"}', "application/json"),
    ],
)
def test_malformed_form_is_refused(owner: Client, body: bytes, content_type: str) -> None:
    answer = owner.generic("POST", "/instellingen/api/contact/", body, content_type)
    assert 400 <= answer.status_code < 500

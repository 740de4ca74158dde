"""The complete list of addresses, and the headers and cookies of their responses."""

import json
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from accounts.models import User
from tests.deploy.programs import fresh_keys, run
from tests.factories import SellerFactory, TechnicalContactFactory, UserFactory
from tests.inventory import addresses
from tests.people import directives, says, sign_in, signed_in
from tests.served import collect_static_files

if TYPE_CHECKING:
    from tests.people import Response


# ---- Addresses --------------------------------------------------------------------------------------------

FOR_PEOPLE = """
    / /inloggen/ /inloggen/bevestigen/ /inloggen/geblokkeerd/ /uitloggen/
    /wachtwoord/vergeten/ /wachtwoord/vergeten/verstuurd/ /wachtwoord/nieuw/<uidb36>-<key>/ /wachtwoord/nieuw/klaar/
    /wachtwoord/wijzigen/
    /authorize /logo/<client_id>/<digest>
    /instellingen/ /instellingen/verkoper/ /instellingen/api/
    /instellingen/api/contact/ /instellingen/api/contact/bevestigen/ /instellingen/api/contact/opnieuw/
    /instellingen/api/credentials/
    /instellingen/api/credentials/<client_id>/gebruik/ /instellingen/api/credentials/<client_id>/hervatten/
    /instellingen/api/credentials/<client_id>/naam/ /instellingen/api/credentials/<client_id>/nieuw-secret/
    /instellingen/api/credentials/<client_id>/oud-secret/<pk>/ /instellingen/api/credentials/<client_id>/pauzeren/
    /instellingen/api/credentials/<client_id>/rechten/ /instellingen/api/credentials/<client_id>/secret/
    /instellingen/api/credentials/<client_id>/terugzetten/ /instellingen/api/credentials/<client_id>/verwijderen/
    /instellingen/api/partijen/<uid>/verlengen/ /instellingen/api/partijen/<uid>/verwijderen/
    /instellingen/api/activiteit/ /instellingen/api/activiteit/activiteit.csv
    /instellingen/api/credentials/<client_id>/ /instellingen/api/partijen/<uid>/
    /instellingen/api/partijen/<uid>/overnemen/ /instellingen/api/partijen/<uid>/rechten/
    /inloggen/passkey/ /inloggen/tweede-stap/ /adres/bevestigen/ /adres/terugdraaien/ /uitnodiging/
    /instellingen/beveiliging/ /instellingen/beveiliging/authenticator/
    /instellingen/beveiliging/authenticator/verwijderen/ /instellingen/beveiliging/gegevens/
    /instellingen/beveiliging/herstelcodes/ /instellingen/beveiliging/passkeys/toevoegen/
    /instellingen/beveiliging/passkeys/<pk>/naam/ /instellingen/beveiliging/passkeys/<pk>/verwijderen/
    /instellingen/beveiliging/sessies/<pk>/uitloggen/ /instellingen/beveiliging/sessies/uitloggen/
    /instellingen/medewerkers/ /instellingen/medewerkers/<pk>/rol/ /instellingen/medewerkers/<pk>/verwijderen/
    /instellingen/medewerkers/uitnodigen/ /instellingen/medewerkers/uitnodigingen/<pk>/intrekken/
    /instellingen/medewerkers/uitnodigingen/<pk>/versturen/
    /hulp/ /hulp/api/ /hulp/api/openapi.yaml /hulp/partners/
"""
FOR_MACHINES = """
    /token /revoke /introspect /authorizations /leaks /verify /retailer/retailers/current
    /.well-known/oauth-authorization-server /.well-known/oauth-protected-resource /.well-known/jwks.json
    /healthz /readyz /metrics
"""
NOWHERE = """
    /applications/ /applications/register/ /authorized_tokens/ /authorized_tokens/1/delete/ /device /device/
    /device-authorization /device-authorization/ /register /register/ /o/ /o/authorize/ /o/token/ /o/applications/
    /authorize/ /token/ /revoke/ /revoke_token/ /introspect/ /verify/ /userinfo /userinfo/ /logout /logout/
    /.well-known/openid-configuration /.well-known/openid-configuration/ /.well-known/change-password
    /accounts/ /accounts/login/ /accounts/signup/ /accounts/email/ /accounts/2fa/ /aanmelden/ /signup/ /admin/
    /inloggen/code/ /wachtwoord/ /__debug__/ /.env /.git/config /db.sqlite3 /manage.py /portal/settings.py
"""


def plain(route: str) -> str:
    """Return a route without the types of its parameters: `/logo/<client_id>/<digest>`."""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", route)).strip("^$")


def test_only_intended_addresses_exist() -> None:
    found = {plain(address.route) for address in addresses() if not address.route.startswith("beheer/")}
    assert found == {*FOR_PEOPLE.split(), *FOR_MACHINES.split()}


def test_admin_adds_only_its_own_addresses() -> None:
    names = {address.name for address in addresses() if address.route.startswith("beheer/")}
    of_models = {name for name in names if re.fullmatch(r"admin:(accounts|apicredentials|auth)_\w+", name)}
    assert names - of_models == {
        "",  # redirects from a bare id to its form, 404 otherwise
        *(f"admin:{name}" for name in ["index", "login", "logout", "password_change", "password_change_done"]),
        *(f"admin:{name}" for name in ["autocomplete", "jsi18n", "view_on_site", "app_list", "search"]),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("path", NOWHERE.split())
def test_addresses_of_libraries_do_not_exist(path: str) -> None:
    for client in (Client(), signed_in(SellerFactory().members.get())):
        for method in ("GET", "POST"):
            assert client.generic(method, path).status_code == 404


# ---- Headers and cookies ----------------------------------------------------------------------------------

OPEN_PAGES = """
    /inloggen/ /inloggen/geblokkeerd/ /wachtwoord/vergeten/ /wachtwoord/vergeten/verstuurd/ /wachtwoord/nieuw/1-x/
    /wachtwoord/nieuw/klaar/ /authorize /instellingen/api/contact/bevestigen/ / /onzin /beheer/
"""
CLOSED_PAGES = """
    /instellingen/ /instellingen/verkoper/ /instellingen/api/ /instellingen/api/credentials/ /uitloggen/
    /wachtwoord/wijzigen/ /inloggen/bevestigen/ /instellingen/api/activiteit/ /beheer/ /beheer/accounts/seller/
    /authorize /onzin /instellingen/api/credentials/00000000-0000-0000-0000-000000000000/secret/
"""


def check_headers(response: "Response") -> None:
    """Assert the headers of every page."""
    policy = directives(response)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert not re.search(r"unsafe|\*|https?:", response["Content-Security-Policy"])
    assert response["X-Content-Type-Options"] == "nosniff"
    # A client may have opened the pages of the code flow in a pop-up, and keeps its window.
    is_flow = response.wsgi_request.path == "/authorize"
    assert response["Cross-Origin-Opener-Policy"] == ("unsafe-none" if is_flow else "same-origin")
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Frame-Options"] == "DENY"
    assert "no-store" in response["Cache-Control"]
    assert not {"Server", "X-Powered-By"} & set(response.headers)


@pytest.mark.django_db
@pytest.mark.parametrize("path", OPEN_PAGES.split())
def test_public_page_has_security_headers(client: Client, path: str) -> None:
    check_headers(client.get(path))


@pytest.mark.django_db
@pytest.mark.parametrize("path", CLOSED_PAGES.split())
def test_private_page_has_security_headers_and_no_inline_or_external_code(path: str) -> None:
    user = TechnicalContactFactory(seller__owner__user__is_staff=True).seller.members.get()
    User.objects.update(is_superuser=True)
    response = signed_in(user).get(path)
    check_headers(response)
    html = response.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son\w+=", html)
    assert not re.search(r"""(src|href|action)=["']?(https?:)?//""", html)


@pytest.mark.django_db
@pytest.mark.parametrize("path", FOR_MACHINES.split())
def test_response_to_a_machine_has_security_headers_and_no_cookie(client: Client, path: str) -> None:
    for answer in (client.get(path), client.post(path)):
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert not answer.cookies
        assert answer["Cache-Control"] == "no-store" or path.startswith("/.well-known/")


BEHIND_HTTPS = """
import json
import django
django.setup()
from django.test import Client
from accounts.models import User
who = {"login": "sanne@winkel.example", "password": "een-wachtwoord-voor-tests"}
User.objects.create_user(*who.values())
client = Client(headers={"Host": "portal.example"})
page = client.get("/inloggen/", secure=True)
answer = client.post("/inloggen/", who, secure=True)
token = client.get("/token", secure=True)
print(json.dumps({
    "status": answer.status_code,
    "cookies": [morsel.OutputString() for morsel in (*page.cookies.values(), *answer.cookies.values())],
    "hsts": [response.get("Strict-Transport-Security") for response in (page, answer, token)],
    "issuer": client.get("/.well-known/oauth-authorization-server", secure=True).json()["issuer"],
}))
"""


def test_cookies_are_secure_and_host_only_with_an_https_issuer(new_database: Callable[[], str]) -> None:
    collect_static_files()
    database = {"DATABASE_URL": new_database(), "DATABASE_POOLER": os.environ.get("DATABASE_POOLER", "")}
    environment = {"ISSUER_URL": "https://portal.example", "LOG_LEVEL": "ERROR"}
    done = run("-c", BEHIND_HTTPS, **fresh_keys(), **environment, **database)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["status"] == 302
    assert {cookie.partition("=")[0] for cookie in found["cookies"]} == {
        "__Host-csrftoken",
        "__Host-device",
        "__Host-sessionid",
    }
    for cookie in found["cookies"]:
        attributes = set(re.split(r"; ", cookie)[1:])
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= attributes
        assert "Domain" not in cookie
    assert all(header.startswith(f"max-age={365 * 86400}; includeSubDomains") for header in found["hsts"])
    assert found["issuer"] == "https://portal.example"


@pytest.mark.django_db
def test_cookies_are_httponly_and_samesite(client: Client) -> None:
    client.get("/inloggen/")
    sign_in(client, UserFactory())
    assert client.cookies.keys() == {"csrftoken", "device", "sessionid"}
    for cookie in client.cookies.values():
        assert (cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, "Lax", "")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/inloggen/", "/instellingen/api/", "/authorize"])
def test_unknown_host_is_refused(client: Client, path: str) -> None:
    answer = client.get(path, headers={"Host": "kwaad.example"})
    assert answer.status_code == 400
    assert "We begrijpen deze aanvraag niet" in says(answer)
    assert "kwaad" not in answer.content.decode()

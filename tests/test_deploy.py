"""The portal as it is put into service: its settings, its addresses, its headers, and how it fails."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import Actor, Seller, User
from apicredentials import keys
from apicredentials.oauth import tokens
from portal import health, views
from portal.management.commands.migrate import held_in_database
from portal.middleware import TrustedProxyMiddleware
from tests.factories import ClientCredentialFactory, SellerFactory, TechnicalContactFactory, UserFactory
from tests.inventory import addresses
from tests.people import says, sign_in, signed_in
from tests.served import COMMAND_SECONDS, ROOT, collect_static_files, copy_on_postgresql, copy_on_sqlite

if TYPE_CHECKING:
    from tests.people import Response

ENV_EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
KEYS = ("SECRET_KEY", "SECRET_HASH_KEYS", "TOKEN_SIGNING_KEYS")

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
"""
FOR_MACHINES = """
    /token /revoke /introspect /leaks /verify /retailer/retailers/current
    /.well-known/oauth-authorization-server /.well-known/oauth-protected-resource /.well-known/jwks.json
    /healthz /readyz
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
    """Return a route without what its parameters look like: `/logo/<client_id>/<digest>`."""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", route)).strip("^$")


def test_only_intended_addresses_exist() -> None:
    found = {plain(address.route) for address in addresses() if not address.route.startswith("beheer/")}
    assert found == {*FOR_PEOPLE.split(), *FOR_MACHINES.split()}


def test_the_admin_adds_no_more_than_its_own() -> None:
    names = {address.name for address in addresses() if address.route.startswith("beheer/")}
    of_models = {name for name in names if re.fullmatch(r"admin:(accounts|apicredentials|auth)_\w+", name)}
    assert names - of_models == {
        "",  # leads from a bare id to its form, and says 404 to anything else
        *(f"admin:{name}" for name in ["index", "login", "logout", "password_change", "password_change_done"]),
        *(f"admin:{name}" for name in ["autocomplete", "jsi18n", "view_on_site", "app_list"]),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("path", NOWHERE.split())
def test_what_libraries_bring_is_not_there(path: str) -> None:
    for client in (Client(), signed_in(SellerFactory().members.get())):
        for method in ("GET", "POST"):
            assert client.generic(method, path).status_code == 404


# ---- Settings ---------------------------------------------------------------------------------------------


def test_the_example_lists_every_setting_and_no_other() -> None:
    code = (ROOT / "portal/settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"\benv\.\w+\(\s*[\"']([A-Z_]+)[\"']", code))
    for name in re.findall(r'\bread_key\("([A-Z_]+)"\)', code):
        read |= {name, f"{name}_FILE"}
    listed = re.findall(r"(?m)^#?([A-Z][A-Z_]*)=", ENV_EXAMPLE)
    assert len(listed) == len(set(listed))
    assert set(listed) == read - {"ENV_FILE"}  # which names the file that the example is copied to


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of ours as in production, in an environment that has nothing but this."""
    path = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {"ENV_FILE": os.devnull, "DJANGO_SETTINGS_MODULE": "portal.settings"} | path | environment
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def fresh_keys() -> dict[str, str]:
    values = (keys.new_secret_key(), keys.new_hash_key(), keys.new_signing_key())
    return dict(zip(KEYS, values, strict=True))


def test_check_deploy_is_silent_on_the_example_settings(tmp_path: Path) -> None:
    file = tmp_path / "env"
    lines = [line for line in ENV_EXAMPLE.splitlines() if not line.startswith(KEYS)]
    file.write_text("\n".join([*lines, *(f"{name}={value}" for name, value in fresh_keys().items())]))
    done = run("manage.py", "check", "--deploy", "--fail-level", "DEBUG", ENV_FILE=str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (1 silenced).\n"


def test_without_https_or_a_shared_cache_check_deploy_warns() -> None:
    settings = fresh_keys() | {"ISSUER_URL": "http://portal.example"}
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **settings)
    assert done.returncode == 1
    assert {"portal.W001", "portal.W002"} <= set(re.findall(r"portal\.W\d+", done.stderr))


@pytest.mark.parametrize("start", [["manage.py", "check"], ["-c", "import portal.wsgi"]], ids=["command", "server"])
def test_without_keys_it_refuses_to_start_in_one_line(start: list[str]) -> None:
    done = run(*start)
    assert done.returncode == 1
    assert done.stderr.rstrip("\n").count("\n") == 0
    assert "SECRET_KEY is not set." in done.stderr
    assert "generate_keys" in done.stderr


def test_with_a_weak_key_it_refuses_to_start_and_does_not_show_it() -> None:
    done = run("manage.py", "check", **fresh_keys() | {"SECRET_HASH_KEYS": "a:c2hvcnQ"})
    assert done.returncode == 1
    assert done.stderr == "manage.py: SECRET_HASH_KEYS: a key is shorter than 32 bytes.\n"


def test_with_a_key_file_that_is_not_there_it_refuses_to_start_in_one_line() -> None:
    done = run("manage.py", "check", **fresh_keys(), TOKEN_SIGNING_KEYS_FILE="/nowhere/keys")
    assert done.returncode == 1
    assert done.stderr.startswith("manage.py: TOKEN_SIGNING_KEYS_FILE: ")
    assert done.stderr.count("\n") == 1


def test_with_a_key_file_that_is_no_text_it_refuses_to_start_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"a:\xff")
    done = run("manage.py", "check", **fresh_keys(), TOKEN_SIGNING_KEYS_FILE=str(tmp_path / "keys"))
    assert done.returncode == 1
    assert done.stderr.startswith("manage.py: TOKEN_SIGNING_KEYS_FILE: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENV_FILE", "/nowhere/geheim"),
        ("PORT", "geheim"),
        ("ISSUER_URL", "http://[geheim"),
        ("ISSUER_URL", "http://portal.example:geheim"),
        ("TRUSTED_PROXIES", "127.0.0.1,geheim"),
        ("DATABASE_URL", "//portal:geheim@db/portal"),
        ("CACHE_URL", "//:geheim@cache/0"),
        ("EMAIL_URL", "smtp://mail:geheim"),
        ("LOG_LEVEL", "GEHEIM"),
        ("LOG_FORMAT", "geheim"),
    ],
)
def test_a_setting_that_is_nonsense_is_named_in_one_line_and_not_shown(name: str, value: str) -> None:
    done = run("manage.py", "check", **fresh_keys() | {name: value})
    assert done.returncode == 1
    assert done.stderr == f"manage.py: {name} is not valid: .env.example shows what it looks like.\n"


@pytest.mark.parametrize("database", ["postgres://portal:geheim@127.0.0.1:1/portal", "sqlite://:memory:"])
def test_without_a_database_or_its_tables_a_command_says_so_in_one_line(database: str) -> None:
    done = run("manage.py", "list_credentials", "--json", **fresh_keys() | {"DATABASE_URL": database})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("manage.py: the database refuses: ")
    assert done.stderr.count("\n") == 1
    assert "geheim" not in done.stderr


def test_arguments_that_are_no_text_are_refused_in_one_line() -> None:
    done = run("manage.py", "list_credentials", "--seller", "\udcff", **fresh_keys())
    assert (done.returncode, done.stderr) == (1, "CommandError: The arguments are not valid UTF-8.\n")


def test_servers_that_start_together_make_one_empty_database_ready(tmp_path: Path) -> None:
    with ExitStack() as made:
        on_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
        url = copy_on_postgresql(made, template=None) if on_postgresql else copy_on_sqlite(tmp_path, template=None)
        environment = fresh_keys() | {"DATABASE_URL": url}
        with ThreadPoolExecutor() as pool:
            started = [pool.submit(run, "manage.py", "migrate", "--verbosity", "0", **environment) for _ in range(3)]
        for each in started:
            assert (each.result().returncode, each.result().stderr) == (0, "")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL only")
@pytest.mark.django_db
def test_a_migration_may_take_longer_than_a_request() -> None:
    def limit() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return str(cursor.fetchone()[0])

    before = limit()
    with held_in_database(connection):
        assert limit() == "0"
    assert limit() == before != "0"


@pytest.mark.parametrize(
    "command", ["report_leak", "create_seller --name A --email a@appels.example --password-stdin"], ids=str.split
)
def test_standard_input_that_is_closed_is_said_in_one_line(command: str) -> None:
    closing = "import os, sys; os.close(0); os.execv(sys.executable, [sys.executable, 'manage.py', *sys.argv[1:]])"
    done = run("-c", closing, *command.split(), **fresh_keys() | {"DATABASE_URL": "sqlite://:memory:"})
    assert (done.returncode, done.stderr) == (1, "CommandError: Standard input is closed.\n")


def test_debug_does_not_make_a_missing_key_a_strong_one() -> None:
    assert run("manage.py", "check", DEBUG="on").returncode == 0
    assert run("manage.py", "check", DEBUG="off").returncode == 1


WEAK = {
    "no secret key": {"SECRET_KEY": ""},
    "a short secret key": {"SECRET_KEY": "x1y2z3" * 8},
    "a dull secret key": {"SECRET_KEY": "x" * 64},
    "no hash key": {"SECRET_HASH_KEYS": ""},
    "blank hash keys": {"SECRET_HASH_KEYS": " , "},
    "a hash key without an id": {"SECRET_HASH_KEYS": keys.new_hash_key().partition(":")[2]},
    "a hash key with an empty id": {"SECRET_HASH_KEYS": ":" + keys.new_hash_key().partition(":")[2]},
    "a short hash key": {"SECRET_HASH_KEYS": "a:" + keys.b64url(b"x" * 31)},
    "a hash key that is no base64url": {"SECRET_HASH_KEYS": "a:" + "*" * 43},
    "two hash keys of one id": {"SECRET_HASH_KEYS": f"a:{keys.b64url(b'x' * 32)},a:{keys.b64url(b'y' * 32)}"},
    "a weak hash key beside a good one": {"SECRET_HASH_KEYS": f"{keys.new_hash_key()} a:c2hvcnQ"},
    "no signing key": {"TOKEN_SIGNING_KEYS": ""},
    "a signing key that is none": {"TOKEN_SIGNING_KEYS": "a:" + keys.b64url(b"x" * 64)},
}


@pytest.mark.parametrize("weak", WEAK.values(), ids=WEAK.keys())
def test_a_weak_key_is_refused_by_name(weak: dict[str, str]) -> None:
    values = fresh_keys()
    keys.require_strong(*values.values())
    with pytest.raises(ImproperlyConfigured, match=next(iter(weak))) as refusal:
        keys.require_strong(*(values | weak).values())
    assert "\n" not in str(refusal.value)
    (value,) = weak.values()
    assert len(value) < 10 or value not in str(refusal.value)


@pytest.mark.django_db
def test_no_migrations_are_pending() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)  # ends with status 1 when there are


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


def directives(response: "Response") -> dict[str, str]:
    policy = response["Content-Security-Policy"]
    return {name: value for name, _, value in (part.strip().partition(" ") for part in policy.split(";"))}


def check_headers(response: "Response") -> None:
    """Assert what every page for people carries."""
    policy = directives(response)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert not re.search(r"unsafe|\*|https?:", response["Content-Security-Policy"])
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Frame-Options"] == "DENY"
    assert "no-store" in response["Cache-Control"]
    assert not {"Server", "X-Powered-By"} & set(response.headers)


@pytest.mark.django_db
@pytest.mark.parametrize("path", OPEN_PAGES.split())
def test_every_open_page_has_its_headers(client: Client, path: str) -> None:
    check_headers(client.get(path))


@pytest.mark.django_db
@pytest.mark.parametrize("path", CLOSED_PAGES.split())
def test_every_closed_page_has_its_headers(path: str) -> None:
    user = TechnicalContactFactory(seller__owner__user__is_staff=True).seller.members.get()
    User.objects.update(is_superuser=True)
    check_headers(signed_in(user).get(path))


@pytest.mark.django_db
@pytest.mark.parametrize("path", CLOSED_PAGES.split())
def test_nothing_inline_and_nothing_from_elsewhere_is_on_a_page(path: str) -> None:
    user = TechnicalContactFactory(seller__owner__user__is_staff=True).seller.members.get()
    User.objects.update(is_superuser=True)
    html = signed_in(user).get(path).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son\w+=", html)
    assert not re.search(r"""(src|href|action)=["']?(https?:)?//""", html)


@pytest.mark.django_db
@pytest.mark.parametrize("path", FOR_MACHINES.split())
def test_every_answer_to_a_machine_has_its_headers_and_no_cookie(client: Client, path: str) -> None:
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


def test_with_an_https_issuer_cookies_are_for_https_and_this_host_only(new_database: Callable[[], str]) -> None:
    collect_static_files()
    environment = {"ISSUER_URL": "https://portal.example", "LOG_LEVEL": "ERROR", "DATABASE_URL": new_database()}
    done = run("-c", BEHIND_HTTPS, **fresh_keys(), **environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["status"] == 302
    assert {cookie.partition("=")[0] for cookie in found["cookies"]} == {"__Host-csrftoken", "__Host-sessionid"}
    for cookie in found["cookies"]:
        attributes = set(re.split(r"; ", cookie)[1:])
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= attributes
        assert "Domain" not in cookie
    assert all(header.startswith(f"max-age={365 * 86400}; includeSubDomains") for header in found["hsts"])
    assert found["issuer"] == "https://portal.example"


@pytest.mark.django_db
def test_cookies_are_out_of_reach_of_scripts_and_other_sites(client: Client) -> None:
    client.get("/inloggen/")
    sign_in(client, UserFactory())
    assert client.cookies.keys() == {"csrftoken", "sessionid"}
    for cookie in client.cookies.values():
        assert (cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, "Lax", "")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/inloggen/", "/instellingen/api/", "/authorize"])
def test_a_host_that_is_not_ours_is_refused(client: Client, path: str) -> None:
    answer = client.get(path, headers={"Host": "kwaad.example"})
    assert answer.status_code == 400
    assert "We begrijpen deze aanvraag niet" in says(answer)
    assert "kwaad" not in answer.content.decode()


# ---- Requests and proxies ---------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/inloggen/", "/onzin", "/healthz", "/token", "/instellingen/"])
def test_a_request_keeps_the_id_it_came_with(client: Client, path: str) -> None:
    assert client.get(path, headers={"X-Request-ID": "abc-DEF_1.2"})["X-Request-ID"] == "abc-DEF_1.2"


@pytest.mark.django_db
@pytest.mark.parametrize("offered", ["", " ", "x" * 65, "a b", "a;b", "é", "a\tb", "<b>", "{}"])
def test_an_id_that_is_none_is_replaced(client: Client, offered: str) -> None:
    answers = [client.get("/healthz", headers={"X-Request-ID": offered}) for _ in range(2)]
    ids = [answer["X-Request-ID"] for answer in answers]
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("proxies", "came_from", "forwarded", "believed"),
    [
        ([], "203.0.113.7", "1.2.3.4", "203.0.113.7"),
        (["10.0.0.0/8"], "203.0.113.7", "1.2.3.4", "203.0.113.7"),  # somebody else's word
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.7", "203.0.113.7"),
        (["10.0.0.1"], "10.0.0.1", "203.0.113.7", "203.0.113.7"),
        (["10.0.0.1"], "10.0.0.2", "203.0.113.7", "10.0.0.2"),
        (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, 203.0.113.7", "203.0.113.7"),  # the first is the client's own word
        (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (["10.0.0.0/8"], "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "onzin", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, onzin", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "onzin, 203.0.113.7", "203.0.113.7"),
        (["10.0.0.0/8"], "10.0.0.1", "' OR 1=1 --", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "2001:DB8::1", "2001:db8::1"),
        (["2001:db8::/32"], "2001:db8::5", "203.0.113.7", "203.0.113.7"),
        (["10.0.0.0/8"], "", "203.0.113.7", ""),  # a socket without an address
    ],
)
def test_only_our_proxies_are_believed_about_the_address(
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
        ("10.0.0.1", "HTTPS, http", "http"),
        ("10.0.0.1", "javascript", "http"),
        ("203.0.113.7", "https", "http"),
    ],
)
def test_only_our_proxies_are_believed_about_the_scheme(
    settings: Settings, came_from: str, forwarded: str, believed: str
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]

    def see(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.scheme)

    request = RequestFactory().get("/", REMOTE_ADDR=came_from, headers={"X-Forwarded-Proto": forwarded})
    assert TrustedProxyMiddleware(see)(request).content.decode() == believed


@pytest.mark.django_db
def test_a_forged_address_lifts_no_throttle(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    owner = SellerFactory().members.get()
    for number in range(6):
        guesser = Client(REMOTE_ADDR="203.0.113.7", headers={"X-Forwarded-For": f"198.51.100.{number}"})
        answer = sign_in(guesser, owner, "een-verkeerd-wachtwoord")
    assert answer.context["form"].has_error("__all__", "too_many_login_attempts")


# ---- Health, and how it fails -----------------------------------------------------------------------------


@pytest.fixture
def owner(db: None) -> Client:
    """The browser of a seller's owner, which does not raise what the portal did not catch."""
    client = signed_in(TechnicalContactFactory().seller.members.get())
    client.raise_request_exception = False
    return client


@pytest.fixture
def no_database(db: None) -> Iterator[Callable[[], None]]:
    """Take the database away, from when this is called until the test is over."""

    def gone(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused: password=geheim")

    with pytest.MonkeyPatch.context() as patch:
        yield lambda: patch.setattr(BaseDatabaseWrapper, "ensure_connection", gone)


@pytest.mark.django_db
def test_it_is_alive_and_ready(client: Client) -> None:
    assert (client.get("/healthz").status_code, client.get("/healthz").json()) == (200, {"status": "ok"})
    ready = {"status": "ok", "database": "ok", "migrations": "ok", "keys": "ok"}
    assert (client.get("/readyz").status_code, client.get("/readyz").json()) == (200, ready)
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_without_a_database_it_is_alive_and_not_ready(client: Client, no_database: Callable[[], None]) -> None:
    no_database()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "unavailable")
    assert b"geheim" not in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["TOKEN_SIGNING_KEYS", "SECRET_HASH_KEYS"])
def test_without_keys_it_is_not_ready(client: Client, settings: Settings, missing: str) -> None:
    setattr(settings, missing, "")
    assert client.get("/readyz").status_code == 503


@pytest.mark.django_db
def test_with_a_migration_pending_it_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *args: [("one", False)])
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["migrations"]) == (503, "pending")


@pytest.mark.parametrize("path", ["/instellingen/", "/instellingen/api/", "/", "/beheer/", "/uitloggen/"])
def test_without_a_database_a_page_says_so_in_dutch(owner: Client, no_database: Callable[[], None], path: str) -> None:
    no_database()
    answer = owner.get(path)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "We zijn even niet bereikbaar" in says(answer)
    assert '<html lang="nl"' in answer.content.decode()
    assert b"geheim" not in answer.content
    assert directives(answer)["default-src"] == "'none'"
    assert answer["X-Request-ID"]


def test_without_a_database_a_form_says_so_in_dutch(db: None, no_database: Callable[[], None]) -> None:
    no_database()
    answer = sign_in(Client(raise_request_exception=False), "sanne@winkel.example")
    assert answer.status_code == 503
    assert "We zijn even niet bereikbaar" in says(answer)


def token_of(seller: Seller) -> str:
    client_id = ClientCredentialFactory(seller=seller).client_id
    about = {"iss": "http://testserver", "aud": "http://testserver", "iat": 0, "exp": 2**40, "jti": "1"}
    return tokens.sign(about | {"client_id": client_id, "scope": ""})


def test_without_a_database_a_machine_gets_json(owner: Client, no_database: Callable[[], None]) -> None:
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


def test_when_the_database_is_back_so_is_the_portal(owner: Client) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseWrapper, "ensure_connection", Mock(side_effect=OperationalError("down")))
        assert owner.get("/instellingen/api/").status_code == 503
    assert owner.get("/instellingen/api/").status_code == 200


def test_an_error_of_ours_is_said_in_dutch(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "render", lambda *args: 1 / 0)
    answer = owner.get("/instellingen/")
    assert answer.status_code == 500
    assert "Door een fout bij ons lukt dit nu niet" in says(answer)
    assert "ZeroDivisionError" not in answer.content.decode()
    check_headers_of_errors(answer)


def check_headers_of_errors(response: "Response") -> None:
    """Assert what even a page that something broke carries."""
    assert directives(response)["frame-ancestors"] == "'none'"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Request-ID"]


def test_an_error_of_ours_is_told_to_a_machine_in_json(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "JsonResponse", lambda *args: 1 / 0)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert b"ZeroDivisionError" not in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/onzin", "/instellingen/onzin/", "/%00", "/%ff", "/instellingen/api/partijen/x/"])
def test_an_address_that_is_not_there_says_so_in_dutch(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Deze pagina bestaat niet" in says(answer)
    assert "onzin" not in says(answer)


def test_a_refusal_says_so_in_dutch(owner: Client) -> None:
    answer = owner.get("/beheer/", follow=True)
    assert answer.status_code == 403
    assert "Dit mag je niet doen" in says(answer)


@pytest.mark.parametrize("body", ["&".join(["x=1"] * 300), "name=" + "x" * 300_000], ids=["many fields", "much text"])
def test_a_form_that_is_too_big_is_refused_in_dutch(owner: Client, body: str) -> None:
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
def test_bytes_that_are_no_form_break_nothing(owner: Client, body: bytes, content_type: str) -> None:
    answer = owner.generic("POST", "/instellingen/api/contact/", body, content_type)
    assert 400 <= answer.status_code < 500

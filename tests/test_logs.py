"""Logs: one line per event, no secrets, and no forged lines."""

import base64
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import structlog
from django.test import Client

from apicredentials.keys import secret_format
from apicredentials.oauth import access_tokens
from tests.factories import PASSWORD, SellerFactory, UserFactory
from tests.journeys.pages import Page
from tests.logged import listening
from tests.people import is_signed_in, sign_in
from tests.served import Served

BOTH = pytest.mark.parametrize("format", ["console", "json"])
SECRET = secret_format.generate()
BASIC = base64.b64encode(f"0a1b2c3d-0000-4000-8000-000000000000:{SECRET}".encode()).decode()


def a_token() -> str:
    return access_tokens.sign({"sub": "1234567", "exp": 1})


WRITTEN = [
    "{}",
    "the client sent {}, which is wrong",
    "'{}'",
    '{{"client_secret": "{}"}}',
    "grant_type=client_credentials&client_secret={}&x=1",
    "https://portal.example/token?client_secret={}",
    "{0} {0}",
]


@BOTH
@pytest.mark.parametrize("kind", ["secret", "token"])
def test_secret_is_redacted_in_any_text(format: str, kind: str) -> None:
    secret = SECRET if kind == "secret" else a_token()
    for text in WRITTEN:
        with listening(format=format, everything=True) as log:
            logging.getLogger("somebody").warning("%s", text.format(secret))
            logging.getLogger("somebody").warning(text.format(secret).replace("%", "%%"))
            structlog.get_logger("portal.x").warning("event", text=text.format(secret))
            structlog.get_logger("portal.x").warning(text.format(secret))
        assert len(log.lines) == 4
        assert secret not in log.getvalue()
        assert secret[20:-20] not in log.getvalue()
        assert log.getvalue().count("[…]") >= 4


@BOTH
@pytest.mark.parametrize(
    "value",
    [
        ["a", SECRET],
        {"client_secret": SECRET},
        {"headers": {"Authorization": f"Basic {BASIC}"}},
        [("Authorization", f"Bearer {SECRET}")],
        SECRET.encode(),
        {SECRET: 1},
        ValueError(SECRET),
    ],
    ids=lambda value: type(value).__name__,
)
def test_secret_is_redacted_in_values_that_are_not_text(format: str, value: Any) -> None:
    with listening(format=format, everything=True) as log:
        structlog.get_logger("portal.x").warning("event", value=value)
        logging.getLogger("somebody").warning("event %r", value)
        logging.getLogger("somebody").warning("event", extra={"value": value})
    assert len(log.lines) == 3
    assert SECRET not in log.getvalue()
    assert BASIC not in log.getvalue()


VALUE = "dGhpcyBpcyBhIHJhbmRvbSBjb2RlIG9mIDMyIGJ5dGVz"


@BOTH
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        *((f"Authorization: {scheme} {BASIC}", BASIC) for scheme in ("Basic", "basic", "BASIC ")),
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("Authorization: bearer a.b-c_d~e+f/g==", "a.b-c_d~e+f/g=="),
        *((f"GET {name}={VALUE}", VALUE) for name in ("code", "refresh_token", "password", "code_verifier", "?token")),
        (f"GET a=1&client_secret={VALUE}&b=2", VALUE),
    ],
)
def test_credentials_and_secret_parameters_are_redacted(format: str, text: str, secret: str) -> None:
    with listening(format=format, everything=True) as log:
        logging.getLogger("somebody").info("%s", text)
        structlog.get_logger("portal.x").info("event", text=text)
    assert len(log.lines) == 2
    assert secret not in log.getvalue()


@BOTH
def test_traceback_contains_no_secret(format: str) -> None:
    with listening(format=format, everything=True) as log:
        try:
            raise ValueError(f"cannot use {SECRET}")
        except ValueError:
            logging.getLogger("somebody").exception("failed with %s", SECRET)
            structlog.get_logger("portal.x").exception("failed")
    assert log.getvalue().count("ValueError: cannot use") == 2
    assert SECRET not in log.getvalue()


def test_json_line_is_one_object(client: Client) -> None:
    with listening(format="json") as log:
        structlog.get_logger("portal.x").info("something", who="Sanne", count=2)
    (line,) = map(json.loads, log.lines)
    assert (line["event"], line["who"], line["count"], line["level"], line["logger"]) == (
        "something",
        "Sanne",
        2,
        "info",
        "portal.x",
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])


# ---- Forged lines -----------------------------------------------------------------------------------------

FORGED = "2026-01-01T00:00:00.000000Z [info     ] signed_in [portal.security] user=admin"
BREAKS = ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]


@BOTH
@pytest.mark.parametrize("line_break", BREAKS, ids=ascii)
def test_values_cannot_forge_a_line(format: str, line_break: str) -> None:
    text = f"x{line_break}{FORGED}"
    with listening(format=format, everything=True) as log:
        logging.getLogger("somebody").warning("%s", text)
        logging.getLogger("somebody").warning("event %r", text)
        structlog.get_logger("portal.x").warning(text)
        structlog.get_logger("portal.x").warning("event", value=text)
        structlog.get_logger("portal.x").warning("event", value={"a": [text]})
        structlog.get_logger("portal.x").warning("event", value=text.encode())
    assert not [
        line for line in re.split("|".join(BREAKS), log.getvalue()) if line.lstrip("\n").startswith("2026-01-01")
    ]
    assert len(log.lines) == 6
    if format == "json":
        assert all(json.loads(line)["level"] == "warning" for line in log.lines)


@BOTH
@pytest.mark.parametrize("line_break", BREAKS, ids=ascii)
def test_exception_text_cannot_forge_a_line(format: str, line_break: str) -> None:
    with listening(format=format, everything=True) as log:
        try:
            raise ValueError(f"x{line_break}{FORGED}")
        except ValueError:
            logging.getLogger("somebody").exception("failed")
    assert not [line for line in re.split("|".join(BREAKS), log.getvalue()) if line.startswith("2026-01-01")]


@BOTH
def test_terminal_escapes_are_neutralised(format: str) -> None:
    with listening(format=format, everything=True) as log:
        logging.getLogger("somebody").warning("\x1b[2J\x1b]0;title\x07 \x9b31m \u202eback")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", log.getvalue())


# ---- Requests ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_request_is_one_line_with_the_route_and_without_the_query(client: Client) -> None:
    with listening(format="json") as log:
        client.get("/instellingen/api/partijen/11111111-1111-4111-8111-111111111111/verwijderen/?code=geheim")
    (line,) = [json.loads(line) for line in log.lines if '"event": "request"' in line]
    assert line["route"] == "instellingen/api/partijen/<uuid:uid>/verwijderen/"
    assert (line["method"], line["status"], line["address"]) == ("GET", 302, "127.0.0.1")
    assert "geheim" not in log.getvalue()
    assert "11111111" not in log.getvalue()


@pytest.mark.django_db
def test_password_reset_link_is_not_logged_even_on_an_error(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.raise_request_exception = False
    monkeypatch.setattr("allauth.account.views.UserTokenForm.is_valid", lambda form: 1 / 0)
    with listening() as log:
        assert client.get("/wachtwoord/nieuw/1-geheim/").status_code == 500
        assert Client(enforce_csrf_checks=True).post("/wachtwoord/nieuw/1-geheim/").status_code == 403
    assert "ZeroDivisionError" in log.getvalue()
    assert "Forbidden" in log.getvalue()
    assert "geheim" not in log.getvalue()


@pytest.mark.parametrize("host", ["evil.example", "a b", "x" * 300, ""])
def test_request_for_an_unknown_host_is_one_line(client: Client, host: str) -> None:
    """Probing for host names must not fill the disk with tracebacks."""
    with listening() as log:
        assert client.get("/inloggen/", headers={"Host": host}).status_code == 400
    (line,) = log.lines
    assert "status=400" in line


@pytest.mark.django_db
def test_signing_in_logs_no_password_and_no_session(client: Client) -> None:
    user = SellerFactory().members.get()
    with listening(everything=True) as log:
        sign_in(client, user, "een-verkeerd-wachtwoord")
        sign_in(client, user)
        assert is_signed_in(client)
    assert "request" in log.getvalue()
    for secret in ("een-verkeerd-wachtwoord", PASSWORD, user.password, client.cookies["sessionid"].value):
        assert secret not in log.getvalue()


@pytest.mark.django_db
def test_password_is_not_logged_when_signing_in_raises(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.raise_request_exception = False
    monkeypatch.setattr("accounts.security.adapter.AccountAdapter.authenticate", lambda *args, **kwargs: 1 / 0)
    with listening(everything=True) as log:
        assert sign_in(client, UserFactory()).status_code == 500
    assert "ZeroDivisionError" in log.getvalue()
    assert PASSWORD not in log.getvalue()


# ---- A whole journey at DEBUG level -----------------------------------------------------------------------


def test_whole_journey_at_debug_level_logs_no_secret(serve: Callable[..., Served]) -> None:
    portal: Served = serve(LOG_LEVEL="DEBUG", LOG_FORMAT="json")
    made = portal.manage_json(
        "create_seller", "--name", "Appels", "--email", "sanne@winkel.example", "--password-stdin",
        "--contact-name", "Sanne", "--contact-email", "techniek@winkel.example", stdin=PASSWORD,
    )  # fmt: skip
    with httpx.Client(base_url=portal.url, follow_redirects=True) as person:
        page = person.get("/")
        form = Page(page.text, str(page.url)).form("Inloggen")
        person.post(form.address, data=form.fill(**{"E-mailadres": "sanne@winkel.example", "Wachtwoord": PASSWORD}))
        page = person.get("/instellingen/api/credentials/")
        form = Page(page.text, str(page.url)).form("Aanmaken")
        page = person.post(form.address, data=form.fill(Naam="Magazijn"))
        form = Page(page.text, str(page.url)).form("Toon secret")
        shown = person.post(form.address, data=form.fill())
        session = person.cookies["sessionid"]
    secret = re.findall(r"rts_\w{82}", shown.text)[0]
    client_id = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", shown.text)[0]
    with httpx.Client(base_url=portal.url) as machine:
        token = machine.post("/token", params={"grant_type": "client_credentials"}, auth=(client_id, secret)).json()
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        assert machine.get("/verify", headers=bearer).headers["X-Retailer-Id"] == made["retailer_id"]
        assert machine.post("/token", auth=(client_id, secret[:-1])).status_code in {400, 401}
        assert machine.get("/token", params={"client_secret": secret}).status_code == 405
        assert machine.post(
            "/revoke", data=token | {"token": token["access_token"]}, auth=(client_id, secret)
        ).is_success
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    lines = [line for line in portal.log.splitlines() if line.startswith("{")]
    assert len([line for line in lines if json.loads(line)["event"] == "request"]) >= 10
    for hidden in (PASSWORD, session, secret, secret[4:-4], token["access_token"], basic):
        assert hidden not in portal.log

"""The environment: each value works, or is refused with the name of the variable and the reason."""

import json
import ssl
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage

from portal import environment as env
from portal import service_urls
from tests.deploy.programs import fresh_keys, run

NONSENSE = {
    "ENV_FILE": ["/nowhere/geheim"],
    "PORT": ["geheim", "0", "65536", "-1", "80.5", "٨٠"],
    "ISSUER_URL": [
        "geheim", "//geheim.example", "ftp://geheim.example", "https://", "http://[geheim", "http://[::geheim]",
        "http://portal.example:geheim", "http://portal.example:0", "http://portal.example:65536",
        "https://portal.example/geheim", "https://portal.example/?geheim", "https://portal.example?",
        "https://portal.example#geheim", "https://geheim@portal.example", "https://gehe im.example",
        "https://geheim_x.example", "https://-geheim.example", "https://geheim..example", "https://*.geheim.example",
        "https://geheim\u2028.example", "http://127.1", "http://0x7f.0.0.1", "http://2130706433", "http://1.2.3.256",
        "http://[::ffff:127.0.0.1]", "http://[fe80::1%25eth0]", f"https://{'g' * 64}.example",
    ],
    "ALLOWED_HOSTS": ["https://geheim.example", "a.example,geheim.example:80", "a.example geheim.example", "[geheim]"],
    "TRUSTED_PROXIES": ["127.0.0.1,geheim", "127.0.0.1 10.0.0.0/8", "10.0.0.0/33", "geheim.example", "127.0.0.1:80"],
    "PORTAL_NAME": ["geheim\nBcc: x@x.example", "gehe\x07im", "gehe\u2029im", "gehe\udcffim", "=?utf-8?q?geheim?="],
    "DEFAULT_FROM_EMAIL": ["geheim", "Portal <geheim>", "geheim@", "a@x.example, geheim@x.example",
                           "gehe im@x.example"],
    "SUPPORT_EMAIL": ["geheim", "mailto:geheim@x.example", "a@x.example,geheim@x.example", "Geheim <a@x.example>"],
    "HELP_URL": ["geheim", "javascript:geheim()", "/geheim", "https://x.example/gehe im", "https://geheim@x.example"],
    "API_DOCS_URL": ["ftp://geheim.example"],
    "STATUS_URL": ["https://:443"],
    "DATABASE_URL": [
        "//portal:geheim@db/portal", "mysql://geheim@db/portal", "postgres://geheim@db", "sqlite://geheim.sqlite3",
        "postgres://geheim@db/portal?onzin=1", "sqlite:///geheim?onzin=1", "postgres://db:geheim/portal",
    ],
    "CACHE_URL": [
        "//:geheim@cache/0", "memcache://geheim:1", "dummycache://geheim",
        "redis://cache/geheim", "redis://cache:geheim/0",
        "redis://cache/0?onzin=geheim", "redis://cache/0?socket_timeout=geheim", "redis://c/1?db=geheim",
    ],
    "EMAIL_URL": ["smtp://mail:geheim", "geheim://mail", "filemail://", "smtp://mail?onzin=geheim",
                  "smtp://mail?timeout=geheim", "consolemail://?timeout=1"],
    "LOG_LEVEL": ["GEHEIM", "0", "NOTSET"],
    "LOG_FORMAT": ["geheim"],
    "DEBUG": ["geheim", "2"],
    "DATABASE_POOLER": ["geheim"],
    "REQUIRE_MFA": ["geheim", "on"],
    "METRICS_TOKEN": ["geheim woord", "geheim\u00e9", "geheim:geheim"],
}  # fmt: skip
READ_SETTINGS = """
import json, os, runpy, sys
from django.core.exceptions import ImproperlyConfigured
for change in json.load(sys.stdin):
    before = dict(os.environ)
    os.environ.update(change)
    try:
        found = runpy.run_path("portal/settings.py")
        print(json.dumps({name: value for name, value in found.items() if name.isupper()}, default=str))
    except ImproperlyConfigured as error:
        print(json.dumps({"refusal": str(error)}))
    os.environ.clear()
    os.environ.update(before)
"""


def settings_with(*changes: dict[str, str]) -> list[dict[str, Any]]:
    """Return the settings or the refusal for each change of the production environment."""
    done = run("-c", READ_SETTINGS, stdin=json.dumps(changes), **fresh_keys())
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", NONSENSE)
def test_invalid_value_is_refused_with_the_variables_name_but_not_its_value(name: str) -> None:
    for value, found in zip(NONSENSE[name], settings_with(*({name: value} for value in NONSENSE[name])), strict=True):
        assert "refusal" in found, value
        assert found["refusal"].startswith(f"{name} "), value
        assert "geheim" not in found["refusal"].lower()
        assert "\n" not in found["refusal"]


@pytest.mark.parametrize("command", [["check", "--deploy"], ["send_notices"], ["migrate"]], ids=" ".join)
def test_command_prints_the_refusal_in_one_line(command: list[str]) -> None:
    done = run("manage.py", *command, **fresh_keys() | {"TRUSTED_PROXIES": "10.0.0.1,geheim"})
    assert done.returncode == 1
    assert done.stderr == "manage.py: TRUSTED_PROXIES has an entry that is no IP address or network: number 2.\n"


def test_server_prints_the_refusal_in_one_line() -> None:
    done = run("-c", "import portal.wsgi", **fresh_keys() | {"ISSUER_URL": "http://localhost:9403/portaal"})
    assert done.returncode == 1
    assert done.stderr == "portal: ISSUER_URL must not have a path: the portal answers at the root of its host.\n"


@pytest.mark.parametrize(
    ("written", "issuer", "hosts", "sender"),
    [
        ("https://x.example/", "https://x.example", ["x.example"], "noreply@x.example"),
        ("HTTPS://X.Example:443", "https://x.example", ["x.example"], "noreply@x.example"),
        ("http://x.example.:80", "http://x.example", ["x.example"], "noreply@x.example"),
        ("https://x.example:8443", "https://x.example:8443", ["x.example"], "noreply@x.example"),
        ("http://bücher.localhost:9407", "http://xn--bcher-kva.localhost:9407", ["xn--bcher-kva.localhost"], None),
        ("https://faß.example", "https://xn--fa-hia.example", ["xn--fa-hia.example"], "noreply@xn--fa-hia.example"),
        ("http://[::1]:9406", "http://[::1]:9406", ["localhost", "127.0.0.1", "[::1]"], "noreply@localhost"),
        ("http://[2001:DB8:0:0::1]", "http://[2001:db8::1]", ["[2001:db8::1]"], "noreply@localhost"),
        ("http://192.0.2.7:80", "http://192.0.2.7", ["192.0.2.7"], "noreply@localhost"),
    ],
)
def test_issuer_is_normalised_as_browsers_do(written: str, issuer: str, hosts: list[str], sender: str | None) -> None:
    (found,) = settings_with({"ISSUER_URL": written})
    assert found["ISSUER_URL"] == found["RESOURCE_URL"] == issuer
    assert found["CSRF_TRUSTED_ORIGINS"] == [issuer]
    assert found["ALLOWED_HOSTS"] == hosts
    assert found["DEFAULT_FROM_EMAIL"].endswith(f"<{sender or 'noreply@' + hosts[0]}>")


AT_THE_ISSUER = """
import json, re, django
django.setup()
from django.conf import settings
from django.test import Client
from urllib.parse import urlsplit
host = urlsplit(settings.ISSUER_URL).netloc
client = Client(enforce_csrf_checks=True, headers={"Host": host, "Origin": settings.ISSUER_URL})
page = client.get("/wachtwoord/vergeten/verstuurd/")
form = client.get("/inloggen/")
field = re.search(r'name="csrfmiddlewaretoken" value="(\\w+)"', form.content.decode())[1]
answer = client.post("/inloggen/", {"csrfmiddlewaretoken": field})
print(json.dumps([page.status_code, form.status_code, answer.status_code]))
"""


@pytest.mark.parametrize("issuer", ["http://[::1]:9406", "http://bücher.localhost:9407", "http://X.example:80/"])
def test_pages_and_forms_work_at_the_issuer(issuer: str) -> None:
    done = run("-c", AT_THE_ISSUER, **fresh_keys() | {"ISSUER_URL": issuer, "DEBUG": "on", "LOG_LEVEL": "ERROR"})
    assert (done.returncode, json.loads(done.stdout or "[]")) == (0, [200, 200, 200]), done.stderr


def test_white_space_in_a_list_is_ignored() -> None:
    hosts, proxies, blank = settings_with(
        {"ALLOWED_HOSTS": " a.localhost ,\tB.localhost., ,::1 , [::1],.example.nl,bücher.example, *"},
        {"TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8 ,,::ffff:192.0.2.0/120, ::ffff:192.0.2.7, 2001:db8::1/32 "},
        {"ALLOWED_HOSTS": " ", "TRUSTED_PROXIES": ",", "ISSUER_URL": "https://x.example"},
    )
    assert hosts["ALLOWED_HOSTS"] == [
        *("a.localhost", "b.localhost", "[::1]", "[::1]", ".example.nl", "xn--bcher-kva.example", "*")
    ]
    assert proxies["TRUSTED_PROXIES"] == [
        *("127.0.0.1/32", "10.0.0.0/8", "192.0.2.0/24", "192.0.2.7/32", "2001:db8::/32")
    ]
    assert (blank["ALLOWED_HOSTS"], blank["TRUSTED_PROXIES"]) == (["x.example"], [])


# ---- The environment file ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=a b", "a b"),
        ("export NAME=a", "a"),
        ("  NAME = a  ", "a"),
        ("NAME=a   # our address", "a"),
        ("NAME=a#b", "a#b"),
        ("NAME=#a", "#a"),
        ("NAME=  # nothing yet", ""),
        ("NAME=", ""),
        ("NAME='a # b'  # comment", "a # b"),
        ('NAME="a \\"b\\" \\\\ # c" # comment', 'a "b" \\ # c'),
        ("NAME=$OTHER", "$OTHER"),
        ("NAME='$OTHER'", "$OTHER"),
        ("NAME=a=b", "a=b"),
        ("NAME=a\r", "a"),
        ("\ufeffNAME=a", "a"),
    ],
)
def test_line_of_the_file_is_parsed(line: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})
    (tmp_path / "env").write_text(f"{line}\n# NAME=x\n\nOTHER=geheim\n", encoding="utf-8", newline="")
    env.read_file(tmp_path / "env", name="ENV_FILE")
    assert env.text("NAME") == value


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"A=1\ngeheim\n", "has something other than NAME=value on line 2."),
        (b"A=1\n\nB-C=geheim\n", "has something other than NAME=value on line 3."),
        (b"A=gehe\0im", "has something other than NAME=value on line 1."),
        (b"A='geheim\n", "has a quote without its counterpart on line 1 (A)."),
        (b'A="geheim" x\n', "has a quote without its counterpart on line 1 (A)."),
        ("A=geheim".encode("utf-16"), "is not UTF-8 text."),
        (None, "cannot be read: No such file or directory."),
    ],
)
def test_invalid_file_is_refused_with_its_line(content: bytes | None, reason: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "env").write_bytes(content)
    with pytest.raises(ImproperlyConfigured) as refusal:
        env.read_file(tmp_path / "env", name="ENV_FILE")
    assert str(refusal.value) == f"ENV_FILE {reason}"


def test_file_may_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    lines = [f"{name}={value}" for name, value in fresh_keys().items()]
    lines += ["PORTAL_NAME=$MARKT", "ISSUER_URL=https://x.example   # our address"]
    (tmp_path / "env").write_text("\n".join(lines), encoding="utf-8-sig")
    code = "from django.conf import settings as s; print(s.PORTAL_NAME, s.ISSUER_URL)"
    done = run("-c", code, ENV_FILE=str(tmp_path / "env"), MARKT="Bazaar")
    assert (done.stdout, done.stderr) == ("$MARKT https://x.example\n", "")


def test_dollar_in_the_real_environment_is_literal() -> None:
    (found,) = settings_with({"PORTAL_NAME": "$MARKT", "MARKT": "Bazaar", "SECRET_KEY": "$" + "x1y2z3" * 10})
    assert (found["PORTAL_NAME"], found["SECRET_KEY"][0]) == ("$MARKT", "$")


# ---- The sender ---------------------------------------------------------------------------------------------

NAMES = [
    "Verkopersportaal", "Handel, Groot & Zn", 'De "Zwaan"', "De Zwaan (NL)", "a@b.example", "Ça, va & Søn", "O'Neil; x",
    "Back\\slash", "<Markt>", "市场", "Markt 🦢", "=a?", "[Markt]", "a: b", "x" * 70 + ", y",
]  # fmt: skip


def from_header(sender: str) -> tuple[str, str]:
    """Return name and address of the only mailbox in From, as a mail program parses it."""
    mail = EmailMessage("x", "x", sender, ["a@b.example"]).message()
    read: Any = message_from_bytes(mail.as_bytes(), policy=policy.default)["From"]
    (mailbox,) = read.addresses
    return mailbox.display_name, mailbox.addr_spec


@pytest.mark.parametrize("name", NAMES)
def test_name_in_from_is_the_configured_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_header(env.mail_header(name, "noreply@x.example")) == (name, "noreply@x.example")
    monkeypatch.setenv("DEFAULT_FROM_EMAIL", f"{name} <info@bücher.example>")
    assert from_header(env.mailbox("DEFAULT_FROM_EMAIL", named=True)) == (name, "info@xn--bcher-kva.example")


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ('"Handel, Groot & Zn" <a@x.example>', "Handel, Groot & Zn", "a@x.example"),
        ("a@x.example", "", "a@x.example"),
        ("<a@x.example>", "", "a@x.example"),
        ("noreply@localhost", "", "noreply@localhost"),
    ],
)
def test_sender_may_have_any_notation(written: str, name: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_FROM_EMAIL", written)
    assert from_header(env.mailbox("DEFAULT_FROM_EMAIL", named=True)) == (name, address)


# ---- URLs of services ---------------------------------------------------------------------------------------


def test_options_in_cache_url_are_passed_to_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.cache.backends.redis import RedisCache

    monkeypatch.setenv("CACHE_URL", "rediss://a.example:6380/2?ssl_cert_reqs=none&socket_timeout=2&key_prefix=portal")
    settings = service_urls.cache("CACHE_URL", "")
    assert settings["KEY_PREFIX"] == "portal"
    client: Any = RedisCache(settings["LOCATION"], {"OPTIONS": settings["OPTIONS"]})._cache
    connection = client._get_connection_pool(write=True).make_connection()
    assert (connection.host, connection.port, connection.db) == ("a.example", 6380, 2)
    assert connection.cert_reqs == ssl.CERT_NONE
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (2, 0.5)


UNPOOLED = partial(service_urls.database, is_pooled=False)


@pytest.mark.parametrize(
    ("name", "read", "url", "expected"),
    [
        ("DATABASE_URL", UNPOOLED, "postgres://x@h/n?sslmode=require&connect_timeout=1&options=-c%20a.b=c",
         {"sslmode": "require", "connect_timeout": 1, "tcp_user_timeout": 10_000,
          "options": "-c jit=off -c statement_timeout=10s -c lock_timeout=5s -c a.b=c"}),
        ("DATABASE_URL", UNPOOLED, "sqlite:////x?timeout=60",
         {"timeout": 60, "transaction_mode": "IMMEDIATE"}),
        ("CACHE_URL", service_urls.cache, "locmemcache://?max_entries=5", {"MAX_ENTRIES": 5}),
        ("EMAIL_URL", service_urls.mailer, "smtp+tls://u:p%40ss@h:587?timeout=3",
         {"host": "h", "port": 587, "username": "u", "password": "p@ss", "use_tls": True, "timeout": 3}),
        ("EMAIL_URL", service_urls.mailer, "filemail:///a/b", {"file_path": "/a/b"}),
    ],
)  # fmt: skip
def test_options_in_a_url_override_our_defaults(
    name: str, read: Any, url: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, url)
    assert expected.items() <= read(name, "")["OPTIONS"].items()


def test_connection_setting_in_database_url_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://x@h/n?conn_max_age=0")
    assert service_urls.database("DATABASE_URL", "", is_pooled=False)["CONN_MAX_AGE"] == 0

"""README.md and docs/, held to the code: names that exist, numbers that are true, lines that work when pasted."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from textwrap import dedent
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit
from uuid import uuid4

import httpx
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import get_resolver
from oauth2_provider.settings import oauth2_settings

from apicredentials import scopes, secret_format
from apicredentials.models import ClientCredential
from apicredentials.models.authorizations import one_year_after
from apicredentials.oauth import grants, leaks, throttle, tokens
from portal import machine_urls
from tests.factories import PASSWORD
from tests.journeys.pages import Page
from tests.served import COMMAND_SECONDS, ROOT, Served

OURS = ("accounts", "apicredentials", "portal")


# ---- Reading the documents --------------------------------------------------------------------------------

FENCED = re.compile(r"(?ms)^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Document:
    """A Markdown file, or a chapter of one."""

    path: Path
    text: str

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return FENCED.sub("", self.text)

    @property
    def headings(self) -> list[tuple[int, str]]:
        """The headings with their levels, in order."""
        return [(len(marks), title) for marks, title in re.findall(r"(?m)^(#+) (.+)$", self.prose)]

    @property
    def anchors(self) -> set[str]:
        """What `#…` in a link may name."""
        return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for _, title in self.headings}

    @property
    def blocks(self) -> list[Block]:
        """The fenced blocks, in order."""
        return [
            Block(match["language"], dedent(match["text"]), self.text.count("\n", 0, match.start()) + 1)
            for match in FENCED.finditer(self.text)
        ]

    @property
    def code(self) -> str:
        """All that is written as code: fenced blocks, and words between back-ticks."""
        return "\n".join([*(block.text for block in self.blocks), *re.findall(r"`([^`\n]+)`", self.prose)])

    def chapter(self, title: str) -> "Document":
        """Return what stands under a heading, up to the next one of its level."""
        found = re.search(rf"(?m)^(#+) {re.escape(title)}$", self.text)
        assert found, f"{self} has no heading '{title}'"
        rest = self.text[found.end() :]
        end = re.search(rf"(?m)^#{{1,{len(found[1])}}} ", rest)
        return Document(self.path, rest[: end.start()] if end else rest)

    def rows(self) -> list[list[str]]:
        """The rows of the tables in this text, without their heads; cells without back-ticks."""
        table = re.findall(r"(?m)^\|(.*)\|$", self.prose)
        heads = {place for place, row in enumerate(table) if place + 1 < len(table) and is_rule(table[place + 1])}
        return [
            [cell.strip().replace("`", "") for cell in row.split("|")]
            for place, row in enumerate(table)
            if place not in heads and not is_rule(row)
        ]


def is_rule(row: str) -> bool:
    return not row.strip("|-: ")


def read(path: str) -> Document:
    return Document(ROOT / path, (ROOT / path).read_text(encoding="utf-8"))


README, API, ARCHITECTURE, OPERATIONS, DECISIONS = map(
    read, ("README.md", "docs/api.md", "docs/architecture.md", "docs/operations.md", "docs/decisions.md")
)
DOCUMENTS = [README, *(read(str(path.relative_to(ROOT))) for path in sorted(ROOT.glob("docs/*.md")))]
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=str)


# ---- What documents name exists -----------------------------------------------------------------------------


@every_document
def test_every_link_resolves(document: Document) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.prose):
        file, _, anchor = target.partition("#")
        path = document.path.parent / file if file else document.path
        assert path.exists(), target
        assert not anchor or anchor in Document(path, path.read_text(encoding="utf-8")).anchors, target


@every_document
def test_every_path_exists(document: Document) -> None:
    files = re.findall(r"(?<![\w/.-])[\w.-]+(?:/[\w.-]+)*\.(?:py|html|css|js|md|toml|txt)\b", document.text)
    folders = re.findall(r"`([\w.-]+(?:/[\w.-]+)*)/`", document.prose)
    made = {".demo", ".demo/mail", ".static", ".venv"}
    missing = {path for path in files if not (document.path.parent / path).exists() and not (ROOT / path).exists()}
    missing |= {path for path in folders if not (ROOT / path).is_dir() and path not in made}
    assert not missing


@every_document
def test_every_name_stands_in_its_module(document: Document) -> None:
    for path, name in re.findall(r"([\w/]+)\.py: ([A-Za-z_][\w.]*\w)", document.text):
        assert resolve_name(f"{path.replace('/', '.')}:{name}"), name


@every_document
def test_every_make_target_exists(document: Document) -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    named = set(re.findall(r"\bmake ([a-z]+)", document.code))
    assert named <= targets


@every_document
def test_every_command_line_is_one_that_the_command_takes(document: Document) -> None:
    for line in re.findall(r"manage\.py ([a-z_]+[^\n|<>`;&]*)", document.code.replace("\\\n", " ")):
        name, *arguments = shlex.split(line.replace("…", "x"))
        parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
        known = {"--", *parser._option_string_actions}
        assert {argument for argument in arguments if argument.startswith("--")} <= known, line


# ---- What exists is documented --------------------------------------------------------------------------------


def commands() -> dict[str, BaseCommand]:
    """Return the project's own commands."""
    return {name: load_command_class(app, name) for name, app in get_commands().items() if app in OURS}


def test_commands_are_documented_as_they_are() -> None:
    documented = {title.strip("`") for level, title in OPERATIONS.chapter("Commands").headings if level == 3}
    assert documented == set(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_a_command_is_documented_with_its_help_and_its_options(name: str) -> None:
    chapter = OPERATIONS.chapter(f"`{name}`")
    parser = commands()[name].create_parser("manage.py", name)
    django_s = next(kind for kind in type(commands()[name]).__mro__ if kind.__module__.startswith("django."))
    inherited = django_s().create_parser("manage.py", name)._option_string_actions
    options = {option for option in parser._option_string_actions if option not in inherited}
    assert commands()[name].help in " ".join(chapter.prose.replace("\n> ", " ").split())
    assert options <= set(re.findall(r"--[a-z-]+", chapter.code))


def test_settings_are_documented_as_they_are() -> None:
    example = re.findall(r"(?m)^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text())
    read_by_settings = re.findall(r'(?:env\.\w+|read_key)\(\s*"([A-Z_]+)"', (ROOT / "portal/settings.py").read_text())
    documented = [name for row in OPERATIONS.chapter("Settings").rows() for name in row[0].split(", ")]
    assert sorted(documented) == sorted({*example, "ENV_FILE"})
    assert set(read_by_settings) <= set(documented)


def test_addresses_for_machines_are_documented_as_they_are() -> None:
    documented = {row[0] for row in API.chapter("Addresses").rows()}
    assert documented == {f"/{pattern.pattern}" for pattern in machine_urls.urlpatterns} | {"/authorize"}


def test_rights_are_documented_as_they_are() -> None:
    table = [row for row in API.chapter("Rights").rows() if len(row) == 4]
    assert table == [
        [resource.group, resource.name, resource.label, " ".join(resource.scopes)] for resource in scopes.RESOURCES
    ]


def test_log_events_are_documented_as_they_are() -> None:
    sources = "".join(file.read_text() for app in OURS for file in (ROOT / app).rglob("*.py"))
    written = set(re.findall(r'\blog\.(?:info|warning|error|exception)\(\s*"([a-z_]+)"', sources))
    assert {row[0] for row in OPERATIONS.chapter("Logs").rows()} == written


def test_data_model_is_documented_as_it_is() -> None:
    models = {model.__name__ for app in OURS for model in apps.get_app_config(app).get_models()}
    assert {row[0] for row in ARCHITECTURE.chapter("Data model").rows()} == models


def test_middleware_is_documented_as_it_is() -> None:
    documented = [row[0] for row in ARCHITECTURE.chapter("Middleware").rows()]
    own = [name.rpartition(".")[2] for name in settings.MIDDLEWARE if name.split(".")[0] in OURS]
    assert [name for name in documented if name in own] == own


def test_pages_are_documented_as_they_are() -> None:
    for_machines = {str(pattern.pattern).split("/")[0] for pattern in machine_urls.urlpatterns}
    there = {str(pattern.pattern).lstrip("^").split("/")[0] for pattern in get_resolver().url_patterns}
    documented = [row[0].split("/")[1] for row in ARCHITECTURE.chapter("Pages").rows()]
    assert sorted(documented) == sorted(there - for_machines)


def test_each_decision_has_its_five_lines() -> None:
    for level, title in DECISIONS.headings:
        lines = DECISIONS.chapter(title).text.strip().splitlines()
        assert level == 1 or [line.partition(":")[0] for line in lines] == [
            "- **What**",
            "- **Why**",
            "- **Instead of**",
            "- **Price**",
            "- **Look again when**",
        ], title


# ---- Numbers are true -------------------------------------------------------------------------------------------


def minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes"


def hours(seconds: float) -> str:
    return f"{seconds / 3600:g} hours"


def test_lifetimes_and_limits_for_integrators_are_the_ones_in_the_code() -> None:
    code_seconds = oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS
    expected = [
        ("Access token, client credentials", f"{tokens.CLIENT_CREDENTIALS_SECONDS} seconds"),
        ("Access token, third party", f"{tokens.AUTHORIZATION_CODE_SECONDS} seconds, and never past"),
        ("Authorization code", f"{code_seconds} seconds, works once"),
        ("Repeat of a retired refresh token", f"{grants.REPEAT_WINDOW.total_seconds():g} seconds"),
        ("Authorisation", "one calendar year (29 February: 28 February)"),
        ("Metadata and public keys, in caches", "300 seconds"),
        (
            "Failures before 429, per minute",
            f"{throttle.FAILURES_PER_CLIENT} per client at one address, {throttle.FAILURES_PER_ADDRESS} per address",
        ),
        ("Reports of leaked secrets, per minute", f"{throttle.REPORTS_PER_ADDRESS} per address"),
    ]
    assert_rows(API.chapter("Lifetimes and limits"), expected)
    assert throttle.WINDOW_SECONDS == 60
    assert f"up to {leaks.MAXIMUM_REPORTED} secrets" in API.chapter("Secrets").text


def test_limits_for_operators_are_the_ones_in_the_code() -> None:
    failed = settings.ACCOUNT_RATE_LIMITS["login_failed"]
    assert failed == "20/m/ip,5/5m/key"
    expected = [
        ("A sign-in", f"{hours(settings.SESSION_COOKIE_AGE)}, or {hours(settings.SESSION_IDLE_SECONDS)} without use"),
        ("Proof of identity for what is sensitive", minutes(settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)),
        ("Wrong passwords", "5 in 5 minutes for one account from one address, 20 a minute from one address"),
        ("Body of a request", f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024} KiB"),
        ("Client credentials per seller", str(ClientCredential.MAXIMUM_PER_SELLER)),
    ]
    assert_rows(OPERATIONS.chapter("Limits"), expected)


def assert_rows(chapter: Document, expected: list[tuple[str, str]]) -> None:
    """Hold a table to these rows; a documented value may go on after the one that is expected."""
    rows = chapter.rows()
    assert [row[0] for row in rows] == [what for what, _ in expected]
    for row, (_, value) in zip(rows, expected, strict=True):
        assert row[1].startswith(value), row


def test_a_year_is_a_calendar_year() -> None:
    from datetime import UTC, datetime

    assert one_year_after(datetime(2028, 2, 29, 12, tzinfo=UTC)) == datetime(2029, 2, 28, 12, tzinfo=UTC)
    assert one_year_after(datetime(2026, 11, 23, 12, tzinfo=UTC)) == datetime(2027, 11, 23, 12, tzinfo=UTC)


def test_rotation_waits_for_the_longest_token() -> None:
    longest = max(tokens.CLIENT_CREDENTIALS_SECONDS, tokens.AUTHORIZATION_CODE_SECONDS)
    assert f"{longest} seconds" in OPERATIONS.chapter("Rotating keys").text


def test_the_pattern_for_secret_scanners_finds_secrets() -> None:
    (block,) = [block for block in API.chapter("Secrets").blocks if block.language == "regex"]
    pattern = re.compile(block.text.strip())
    for _ in range(50):
        secret = secret_format.generate()
        assert pattern.findall(f'SECRET="{secret}" # {secret}, {secret}') == [secret] * 3
        assert not pattern.search(secret[:-1])
        assert not pattern.search(secret + "x")
        assert len(secret) == 86
    assert block.text.strip() in (secret_format.__doc__ or "").replace("\\\\", "\\")


# ---- Lines that work when pasted ------------------------------------------------------------------------------


@dataclass
class Shell:
    """A terminal into which blocks are pasted one after the other: variables and functions stay.

    The portal is another than the demo's; `given` are the values that a reader fills in, in place of `…`.
    """

    folder: Path
    portal: str
    given: dict[str, str]
    state: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def paste(self, block: Block) -> str:
        """Run a block and return what it printed."""
        text = re.sub(r"(?m)^([A-Z_]+)=…$", self.fill_in, block.text).replace(DEMO, self.portal)
        kept = self.folder / "state"
        return self.run("/bin/bash", "-c", f"set -aeuo pipefail\n{text}\nenv -0 >{shlex.quote(str(kept))}", keep=kept)

    def fill_in(self, line: re.Match[str]) -> str:
        return f"{line[1]}={shlex.quote(self.given[line[1]])}"

    def python(self, block: Block) -> str:
        """Run a block of Python and return what it printed."""
        return self.run(sys.executable, "-c", block.text)

    def run(self, *command: str, keep: Path | None = None) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.state,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
        if keep:
            self.state = dict(entry.split("=", 1) for entry in keep.read_text().split("\0") if entry)
        return done.stdout


def assert_says(block: Block, printed: str) -> None:
    """Hold what was printed to the block that documents it."""
    if not {"text": says_text, "json": says_json, "http": says_http}[block.language](block.text, printed):
        pytest.fail(
            f"The document says, at line {block.line}:\n{block.text}\nThe portal says:\n{printed}", pytrace=False
        )


def says_text(documented: str, printed: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in documented.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def says_json(documented: str, printed: str) -> bool:
    return fits(json.loads(documented), json.loads(printed))


def says_http(documented: str, printed: str) -> bool:
    """Compare the status, each documented header, and the body where one is documented."""
    (wanted, _, wanted_body), (given, _, given_body) = (
        text.replace("\r\n", "\n").strip().partition("\n\n") for text in (documented, printed)
    )
    (status, *headers), (given_status, *given_headers) = wanted.splitlines(), given.splitlines()
    pairs = {name.lower(): value for name, value in (line.split(": ", 1) for line in given_headers)}
    return (
        status == given_status
        and all(says_text(value, pairs.get(name.lower(), "")) for name, value in (h.split(": ", 1) for h in headers))
        and (not wanted_body or says_json(wanted_body, given_body))
    )


def fits(documented: Any, given: Any) -> bool:
    """Compare JSON: "…" stands for any text, at the end of a list for more of it; a moment for any moment."""
    match documented, given:
        case dict(), dict():
            return documented.keys() == given.keys() and all(fits(documented[name], given[name]) for name in given)
        case [*items, "…"], list():
            return given[: len(items)] == items and len(given) > len(items)
        case str(), str():
            return says_text(documented, given)
        case int(), int() if documented > 10**9:
            return given > 10**9
    return bool(documented == given)


class Seller:
    """A seller with a browser, who has one account and one answer: Toestaan."""

    def __init__(self, portal: Served, browser: httpx.Client) -> None:
        email = f"{uuid4().hex}@docs.example"
        arguments = ["--name", "Winkel", "--email", email, "--password-stdin"]
        self.retailer_id = portal.manage_json("create_seller", *arguments, stdin=PASSWORD)["retailer_id"]
        self.browser = browser
        self.send("/inloggen/", "Inloggen", **{"E-mailadres": email, "Wachtwoord": PASSWORD})

    def send(self, address: str, button: str, **fields: str) -> httpx.Response:
        """Fill in a page and press a button."""
        page = self.browser.get(address)
        form = Page(page.text, str(page.url)).form(button)
        answer = self.browser.post(form.address, data=form.fill(**fields), headers={"Origin": origin(form.address)})
        assert answer.status_code == 302, Page(answer.text).words
        return answer

    def allow(self, address: str) -> str:
        """Consent to an authorization request, and return the code."""
        return parse_qs(urlsplit(self.send(address, "Toestaan").headers["Location"]).query)["code"][0]


def origin(address: str) -> str:
    return urljoin(address, "/").rstrip("/")


DEMO = "http://localhost:8000"
REDIRECT_URI = "http://127.0.0.1:9000/terug"


@pytest.fixture
def seller(served: Served) -> Iterator[Seller]:
    with httpx.Client(base_url=served.url) as browser:
        yield Seller(served, browser)


@pytest.fixture
def shell(served: Served, seller: Seller, tmp_path: Path) -> Shell:
    """A terminal whose owner has what the documents ask for."""
    credential = served.manage_json("create_credential", "--seller", seller.retailer_id, "--name", "Documenten")
    party = served.manage_json(
        "register_third_party", "--name", f"Partij {uuid4().hex}", "--redirect-uri", REDIRECT_URI
    )
    server = served.manage_json("register_resource_server", "--name", f"API {uuid4().hex}")
    return Shell(
        tmp_path,
        served.url,
        {
            "REDIRECT_URI": REDIRECT_URI,
            **named("CLIENT", credential),
            **named("PARTY", party),
            **named("SERVER", server),
        },
    )


def named(prefix: str, client: dict[str, str]) -> dict[str, str]:
    return {f"{prefix}_ID": client["client_id"], f"{prefix}_SECRET": client["client_secret"]}


def with_answers(blocks: Iterable[Block]) -> Iterator[tuple[Block, Block | None]]:
    """Return each block that is pasted or run, with the block that says what it prints, where one does."""
    blocks = list(blocks)
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block.language in {"sh", "python"}:
            yield block, following if following and following.language in {"text", "json", "http"} else None


@pytest.mark.parametrize("document", [API, README], ids=str)
def test_lines_work_when_pasted_from_top_to_bottom(document: Document, shell: Shell, seller: Seller) -> None:
    for block, answer in with_answers(document.blocks):
        printed = shell.python(block) if block.language == "python" else shell.paste(block)
        if answer:
            assert_says(answer, printed)
        if "/authorize?" in printed:
            shell.given["CODE"] = seller.allow(printed.strip())
        if '"access_token"' in printed:
            shell.given["TOKEN"] = json.loads(printed)["access_token"]


@cache
def curl_blocks() -> list[Block]:
    return [block for document in DOCUMENTS for block in document.blocks if "curl " in block.text]


def test_every_curl_line_is_one_that_is_tried() -> None:
    tried = [block for document in (API, README) for block, _ in with_answers(document.blocks)]
    assert [block for block in curl_blocks() if block not in tried] == []

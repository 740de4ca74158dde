"""Names in the documents: every name exists, and every command, setting and address is documented."""

import re
import shlex
from pkgutil import resolve_name

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import get_resolver

from apicredentials import scopes
from portal import machine_urls
from tests.docs.documents import API, ARCHITECTURE, DECISIONS, DOCUMENTS, OPERATIONS, Document
from tests.served import ROOT

OURS = ("accounts", "apicredentials", "portal")
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=str)


# ---- Documented names exist -----------------------------------------------------------------------------------


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
def test_every_name_exists_in_its_module(document: Document) -> None:
    for path, name in re.findall(r"([\w/]+)\.py: ([A-Za-z_][\w.]*\w)", document.text):
        assert resolve_name(f"{path.replace('/', '.')}:{name}"), name


@every_document
def test_every_make_target_exists(document: Document) -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    named = set(re.findall(r"\bmake ([a-z]+)", document.code))
    assert named <= targets


@every_document
def test_every_command_line_is_accepted_by_the_command(document: Document) -> None:
    for line in re.findall(r"manage\.py ([a-z_]+[^\n|<>`;&]*)", document.code.replace("\\\n", " ")):
        name, *arguments = shlex.split(line.replace("…", "x"))
        parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
        known = {"--", *parser._option_string_actions}
        assert {argument for argument in arguments if argument.startswith("--")} <= known, line


# ---- Everything is documented ---------------------------------------------------------------------------------


def commands() -> dict[str, BaseCommand]:
    """Return the project's own commands."""
    return {name: load_command_class(app, name) for name, app in get_commands().items() if app in OURS}


def test_every_command_is_documented() -> None:
    documented = {title.strip("`") for level, title in OPERATIONS.chapter("Commands").headings if level == 3}
    assert documented == set(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_command_is_documented_with_its_help_and_options(name: str) -> None:
    chapter = OPERATIONS.chapter(f"`{name}`")
    parser = commands()[name].create_parser("manage.py", name)
    django_s = next(kind for kind in type(commands()[name]).__mro__ if kind.__module__.startswith("django."))
    inherited = django_s().create_parser("manage.py", name)._option_string_actions
    options = {option for option in parser._option_string_actions if option not in inherited}
    assert commands()[name].help in " ".join(chapter.prose.replace("\n> ", " ").split())
    assert options <= set(re.findall(r"--[a-z-]+", chapter.code))


def test_every_setting_is_documented() -> None:
    example = re.findall(r"(?m)^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text())
    read_by_settings = re.findall(
        r'(?:env|service_urls)\.\w+\(\s*"([A-Z_]+)"', (ROOT / "portal/settings.py").read_text()
    )
    documented = [name for row in OPERATIONS.chapter("Settings").rows() for name in row[0].split(", ")]
    assert sorted(documented) == sorted({*example, "ENV_FILE"})
    assert set(read_by_settings) <= set(documented)


def test_every_address_for_machines_is_documented() -> None:
    documented = {row[0] for row in API.chapter("Addresses").rows()}
    assert documented == {f"/{pattern.pattern}" for pattern in machine_urls.urlpatterns} | {"/authorize"}


def test_every_right_is_documented() -> None:
    table = [row for row in API.chapter("Rights").rows() if len(row) == 4]
    assert table == [
        [resource.group, resource.name, resource.label, " ".join(resource.scopes)] for resource in scopes.RESOURCES
    ]


def test_every_log_event_is_documented() -> None:
    sources = "".join(file.read_text() for app in OURS for file in (ROOT / app).rglob("*.py"))
    written = set(re.findall(r'\blog\.(?:info|warning|error|exception)\(\s*"([a-z_]+)"', sources))
    assert {row[0] for row in OPERATIONS.chapter("Logs").rows()} == written


def test_every_model_is_documented() -> None:
    models = {model.__name__ for app in OURS for model in apps.get_app_config(app).get_models()}
    assert {row[0] for row in ARCHITECTURE.chapter("Data model").rows()} == models


def test_middleware_is_documented_in_order() -> None:
    documented = [row[0] for row in ARCHITECTURE.chapter("Middleware").rows()]
    own = [name.rpartition(".")[2] for name in settings.MIDDLEWARE if name.split(".")[0] in OURS]
    assert [name for name in documented if name in own] == own


def test_every_page_is_documented() -> None:
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

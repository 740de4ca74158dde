"""The shape of the code: who may import whom, and how long things may get. `docs/architecture.md` says why."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ("accounts", "apicredentials", "portal")
LONGEST_FUNCTION = 40
LONGEST_FILE = 400

# An entry may import itself and what stands above it, and nothing below. A module belongs to the longest entry
# that its name begins with; a new one needs a place here.
LAYERS = """
    portal.logs portal.caches portal.forms portal.admin portal.context portal.checks portal.deadline portal.apps
    accounts.apps
    portal.example_party

    apicredentials.exceptions apicredentials.names apicredentials.redirect_uris apicredentials.scopes
    apicredentials.keys apicredentials.secret_format apicredentials.logos

    portal.settings

    accounts.models accounts.requests accounts.adapter accounts.middleware accounts.views accounts.admin
    accounts.urls

    apicredentials.keyring apicredentials.models apicredentials.emails apicredentials.apps apicredentials.forms
    apicredentials.oauth apicredentials.templatetags apicredentials.api apicredentials.views
    apicredentials.admin apicredentials.urls

    portal.views portal.health portal.machine_urls portal.urls portal.middleware portal.wsgi

    portal.commands portal.key_rotation apicredentials.purge
    apicredentials.management portal.demo portal.management
"""
ORDER = LAYERS.split()
# What is below all of ours, whoever uses it: a base class, a renderer, a format. It knows nothing of the portal.
KNOWS_NOTHING = set(ORDER[: ORDER.index("portal.settings")])


def sources() -> Iterator[Path]:
    """Return every file of Python that is ours and no test."""
    for app in APPS:
        for file in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in file.parts:
                yield file
    yield ROOT / "manage.py"


def module(file: Path) -> str:
    """Return the name a file is imported by."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(file): file for file in sources()}


def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def imports(name: str, within: ast.AST | None = None, *, when_running: bool = False) -> Iterator[str]:
    """Return the modules of ours that a module imports; `when_running` leaves out what is for types only."""
    for node in ast.iter_child_nodes(within or tree(name)):
        if when_running and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: a relative import"
            origin = node.module or ""
            yield from {found for alias in node.names if (found := ours(f"{origin}.{alias.name}") or ours(origin))}
        elif isinstance(node, ast.Import):
            yield from {found for alias in node.names if (found := ours(alias.name))}
        elif not (when_running and isinstance(node, ast.FunctionDef)):
            yield from imports(name, node, when_running=when_running)


def ours(name: str) -> str:
    return name if name in MODULES and name not in APPS else ""


def place(name: str) -> str:
    """Return the entry of ORDER that a module belongs to."""
    found = [entry for entry in ORDER if name == entry or name.startswith(f"{entry}.")]
    assert found, f"{name} has no place in ORDER"
    return max(found, key=len)


PLACED = sorted(name for name, file in MODULES.items() if name != "manage" and file.read_text(encoding="utf-8"))


def test_the_rule_is_about_something() -> None:
    assert len(PLACED) > 40
    assert "apicredentials.models.clients" in set(imports("apicredentials.models.authorizations"))
    assert "apicredentials.keys" in set(imports("portal.settings"))


@pytest.mark.parametrize("name", PLACED)
def test_imports_only_look_up(name: str) -> None:
    own = ORDER.index(place(name))
    down = {found for found in imports(name) if ORDER.index(place(found)) > own}
    assert not down


def test_every_place_is_taken() -> None:
    assert {place(name) for name in PLACED} == set(ORDER)


def test_the_order_is_the_one_of_the_design() -> None:
    design = "accounts.models apicredentials.models apicredentials.emails apicredentials.forms apicredentials.oauth"
    design += " apicredentials.api apicredentials.views apicredentials.admin apicredentials.urls portal.urls"
    places = [ORDER.index(entry) for entry in design.split()]
    assert places == sorted(places)


@pytest.mark.parametrize("name", [name for name in PLACED if place(name) in KNOWS_NOTHING])
def test_what_is_at_the_bottom_knows_nothing_of_the_portal(name: str) -> None:
    others = {place(found) for found in imports(name)} - {place(name)}
    assert others <= KNOWS_NOTHING
    assert not any(entry.startswith("accounts") for entry in others)


def test_nothing_imports_itself_by_a_detour() -> None:
    graph = {name: set(imports(name, when_running=True)) - {name} for name in PLACED}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_settings_are_read_from_django() -> None:
    assert {name for name in PLACED if "portal.settings" in set(imports(name))} == set()


# The settings read the environment; these set it up before there are settings, for a process that they start.
STARTERS = ("manage", "portal.wsgi", "portal.demo", "portal.management.commands.demo", "portal.example_party")


@pytest.mark.parametrize("name", [name for name in sorted(MODULES) if not name.startswith(STARTERS)])
def test_only_the_settings_read_the_environment(name: str) -> None:
    used = {ast.unparse(node) for node in ast.walk(tree(name)) if isinstance(node, ast.Attribute)}
    assert bool(used & {"os.environ", "os.getenv", "environ.Env"}) == (name == "portal.settings")


@pytest.mark.parametrize("file", [*MODULES.values()], ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_is_named_after_what_is_in_it(file: Path) -> None:
    parts = {part.removesuffix(".py") for part in file.relative_to(ROOT).parts}
    assert not parts & {"utils", "helpers", "services", "mixins", "signals", "common", "misc"}


@pytest.mark.parametrize("file", [*MODULES.values()], ids=lambda file: str(file.relative_to(ROOT)))
def test_a_reader_sees_a_function_whole(file: Path) -> None:
    code = file.read_text(encoding="utf-8")
    assert code.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, node.name

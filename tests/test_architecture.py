"""The structure of the code (docs/architecture.md): import order, names and sizes."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
APPS = ("accounts", "apicredentials", "portal")
LONGEST_FUNCTION = 40
LONGEST_FILE = 400

# A package or module may import those to its left. A module belongs to the longest entry that its name starts with.
ORDER = [
    "apicredentials.exceptions",
    "apicredentials.names",
    "apicredentials.moments",
    "apicredentials.redirect_uris",
    "apicredentials.scopes",
    "accounts",
    "apicredentials.keys",
    "apicredentials.models",
    "apicredentials.mail",
    "apicredentials.widgets",
    "apicredentials.charts",
    "apicredentials.forms",
    "apicredentials.oauth",
    "apicredentials.api",
    "apicredentials.lookups",
    "apicredentials.templatetags",
    "apicredentials.views",
    "accounts.security",
    "accounts.members",
    "accounts.urls",
    "apicredentials.admin",
    "accounts.admin",
    "apicredentials.management",
    "apicredentials.urls",
    "apicredentials.apps",
    "portal",
]
# Only portal.environment reads the environment. These modules prepare it for a process that they start.
STARTERS = (
    "manage",
    "portal.wsgi",
    "portal.metrics_folder",
    "portal.demo",
    "portal.management.commands.demo",
    "portal.example_party",
)
VAGUE_NAMES = {"utils", "helpers", "services", "mixins", "signals", "common", "misc"}
LIBRARY_NAMES = {"requests", "secrets", "logging", "json", "email", "signal", "time", "types"}


def sources() -> Iterator[Path]:
    """Yield each Python file of the product; migrations and tests excluded."""
    for app in APPS:
        yield from (file for file in sorted((ROOT / app).rglob("*.py")) if "migrations" not in file.parts)
    yield ROOT / "manage.py"


def module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(file): file for file in sources()}
TREES = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in MODULES.items()}


def imports(name: str) -> set[str]:
    """Return the product's modules that a module imports, inside functions and under TYPE_CHECKING too."""
    found = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: a relative import"
            found |= {ours(f"{node.module}.{alias.name}") or ours(node.module or "") for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {ours(alias.name) for alias in node.names}
    return found - {"", name}


def ours(name: str) -> str:
    return name if name in MODULES and name not in APPS else ""


def position(name: str) -> int:
    """Return the index in ORDER of the entry that a module belongs to."""
    entries = [entry for entry in ORDER if name == entry or name.startswith(f"{entry}.")]
    assert entries, f"{name} has no place in ORDER"
    return ORDER.index(max(entries, key=len))


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


PLACED = [name for name in MODULES if name not in {"manage", *APPS}]


def test_imports_go_one_way() -> None:
    assert len(PLACED) > 40
    assert "apicredentials.models.clients" in imports("apicredentials.models.third_parties")
    wrong = [(name, found) for name in PLACED for found in imports(name) if position(found) > position(name)]
    assert not wrong


def test_every_entry_of_the_order_has_modules() -> None:
    assert {position(name) for name in PLACED} == set(range(len(ORDER)))


def test_no_import_cycles() -> None:
    TopologicalSorter({name: imports(name) for name in MODULES}).prepare()  # raises CycleError


def test_settings_are_read_from_django() -> None:
    assert not [name for name in MODULES if "portal.settings" in imports(name)]


def test_only_the_settings_read_the_environment() -> None:
    for name in MODULES:
        if not name.startswith(STARTERS):
            used = {ast.unparse(node) for node in ast.walk(TREES[name]) if isinstance(node, ast.Attribute)}
            assert bool(used & {"os.environ", "os.getenv", "environ.Env"}) == (name == "portal.environment"), name


def test_files_are_named_after_their_content() -> None:
    stems = [part for file in MODULES.values() for part in file.relative_to(ROOT).with_suffix("").parts]
    assert not VAGUE_NAMES & set(stems)
    assert not LIBRARY_NAMES & set(stems)


def test_functions_and_files_are_short() -> None:
    long = {file.name for file in MODULES.values() if file.read_text(encoding="utf-8").count("\n") > LONGEST_FILE}
    assert not long
    assert not [
        (name, node.name) for name, node in functions() if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]

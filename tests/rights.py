"""Rights as the portal's forms post them: one field per resource."""

from collections.abc import Iterable

from apicredentials import scopes


def posted(chosen: Iterable[str]) -> dict[str, str]:
    """Return the fields that a browser posts for these scopes: `{"right-orders": "manage"}`.

    Scopes without a known level are posted unchanged, for tests of invalid input.
    """
    lowest_first = sorted(chosen, key=lambda scope: scope.endswith(":manage"))
    levels = [scope.partition(":") for scope in lowest_first]
    return {f"right-{name}" if level else "right-orders": level or name or "?" for name, _, level in levels}


def only(chosen: Iterable[str]) -> dict[str, str]:
    """Return the fields that choose these scopes and no others, in a form that starts from other rights."""
    return {f"right-{resource.name}": "" for resource in scopes.RESOURCES} | posted(chosen)


def chosen(fields: dict[str, list[str]]) -> list[str]:
    """Return the closed set of scopes that these posted fields choose."""
    levels = {name.removeprefix("right-"): level for name, (level, *_) in fields.items() if name.startswith("right-")}
    return scopes.close(f"{name}:{level}" for name, level in levels.items() if level)

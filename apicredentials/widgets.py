"""Widgets for choices. `templates/forms/` has their HTML."""

from typing import Any

from django import forms

from apicredentials import scopes

PREFIX = "right-"
LEVELS = {"": "Geen"} | scopes.LEVEL_LABELS


class Options(forms.RadioSelect):
    """A few radio buttons in a list."""

    template_name = "forms/options.html"


class RightsChoice(forms.Widget):
    """One radio group per resource: Geen, Lezen, Lezen en beheren. The value is a list of scopes.

    `among` are the scopes that can be chosen. `present` are those that a consent in force gives: resources of which
    more is asked are marked. Posted as `right-<resource>`: '', 'read' or 'manage'.
    """

    template_name = "forms/rights.html"
    use_fieldset = True

    def __init__(self, *, among: list[str], present: list[str] | None = None) -> None:
        super().__init__()
        self.among = among
        self.present = present

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        # Of all resources, so that one that cannot be chosen here is refused instead of ignored.
        chosen = [(key.removeprefix(PREFIX), data.get(key)) for key in data if key.startswith(PREFIX)]
        return [f"{resource}:{level}" for resource, level in chosen if level]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    @property
    def resources(self) -> list[scopes.Resource]:
        """The resources of `among`."""
        names = {scope.partition(":")[0] for scope in self.among}
        return [resource for resource in scopes.RESOURCES if resource.name in names]

    @property
    def newly_asked(self) -> int:
        """How many resources the request asks more of than the consent in force gives."""
        return sum(bool(self.mark(resource)) for resource in self.resources)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        groups: dict[str, list[dict[str, Any]]] = {}
        for resource in self.resources:
            groups.setdefault(resource.group, []).append(self.row(resource, value or []))
        context["widget"]["groups"] = groups
        return context

    def row(self, resource: scopes.Resource, value: list[str]) -> dict[str, Any]:
        """Return what the template draws for one resource."""
        chosen = level_of(resource, value)
        levels = [
            {"value": level, "label": label, "exists": self.exists(resource, level), "is_chosen": level == chosen}
            for level, label in LEVELS.items()
        ]
        now = "" if self.present is None else LEVELS[level_of(resource, self.present)]
        return {"resource": resource, "levels": levels, "mark": self.mark(resource), "now": now}

    def exists(self, resource: scopes.Resource, level: str) -> bool:
        """Return whether this level can be chosen."""
        return not level or f"{resource.name}:{level}" in self.among

    def mark(self, resource: scopes.Resource) -> str:
        """Return how the resource is marked when more is asked than the consent in force gives, else ''."""
        if self.present is None:
            return ""
        asked, present = level_of(resource, self.among), level_of(resource, self.present)
        if present in {asked, "manage"}:
            return ""
        return "Vraagt nu meer" if present else "Nieuw gevraagd"


def level_of(resource: scopes.Resource, given: list[str]) -> str:
    """Return the highest level of `resource` among these scopes, or ''."""
    return next((level for level in reversed(LEVELS) if f"{resource.name}:{level}" in given), "")

"""Widgets for choices, drawn with `templates/forms/checkboxes.html`."""

from django import forms


class Checkboxes(forms.CheckboxSelectMultiple):
    """Checkboxes under their groups' headings; those whose labels share a `resource` stand in one row, named by it."""

    template_name = "forms/checkboxes.html"


class Radios(forms.RadioSelect):
    """Radio buttons, drawn like the checkboxes."""

    template_name = "forms/checkboxes.html"

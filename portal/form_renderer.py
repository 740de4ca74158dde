"""Form renderer; the HTML is in `templates/forms/`."""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting


class LabelledField(BoundField):
    """Bound field without a placeholder: the label above the field says the same."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        attrs = super().build_widget_attrs(attrs, widget)
        if "placeholder" in (widget or self.field.widget).attrs:
            attrs["placeholder"] = False
        return attrs


class PortalRenderer(TemplatesSetting):
    """Renders `{{ form }}` with `forms/form.html` and each field with `forms/field.html`."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
    bound_field_class = LabelledField

"""Links from the page of one object to the lists of what belongs to it."""

from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst


def links_to(*models: type[Model], **lookup: Any) -> str:
    """Return links to the lists of these models, filtered by `lookup`; see `ModelAdmin.lookup_allowed`."""
    lists = (
        (
            reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist", query=lookup),
            capfirst(str(model._meta.verbose_name_plural)),
        )
        for model in models
    )
    return format_html('<ul class="links">{}</ul>', format_html_join("", '<li><a href="{}">{}</a></li>', lists))

"""An operator's own words, drawn for a mail."""

import re

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# An address as people read it: https, a plain host without a user before it, and no sign that ends its sentence.
ADDRESS = re.compile(
    r"""(https://[A-Za-z0-9.-]*[A-Za-z0-9](?::[0-9]{1,5})?(?:[/?#][^\s<>"']*[^\s<>"'.,;:!?)])?/?)(?!\S*@)"""
)


@register.filter
def with_links(text: str) -> SafeString:
    """Return `text` escaped, with its https addresses as links; whatever else looks like one stays text."""
    parts = ADDRESS.split(text)
    drawn = [
        format_html('<a href="{0}">{0}</a>', part) if place % 2 else escape(part) for place, part in enumerate(parts)
    ]
    return mark_safe("".join(drawn))  # noqa: S308 - each part is escaped

"""An operator's own words, drawn for a mail."""

import re

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# An address as people read it: https, a plain host, and no quotes. Tried on one word at a time, without a way back.
ADDRESS = re.compile(r"""https://[A-Za-z0-9.-]++(?::[0-9]{1,5})?+(?:[/?#][^\s<>"']*+)?+""")
# What ends a sentence is no part of an address.
ENDS_SENTENCE = ".,;:!?)"


@register.filter
def with_links(text: str) -> SafeString:
    """Return `text` escaped, with its https addresses as links; whatever else looks like one stays text."""
    return mark_safe("".join(map(drawn, re.split(r"(\s+)", text))))  # noqa: S308 - each word is escaped


def drawn(word: str) -> str:
    """Return one word, as a link when it is an address; one with a user in it leads elsewhere than it seems to."""
    start = word.find("https://")
    found = ADDRESS.match(word, start) if start >= 0 and "@" not in word else None
    address = found[0].rstrip(ENDS_SENTENCE) if found else ""
    if address in {"", "https:/", "https:"}:
        return escape(word)
    before, after = word[:start], word[start + len(address) :]
    return format_html('{0}<a href="{1}">{1}</a>{2}', before, address, after)

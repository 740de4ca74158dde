"""The operator's own words in the HTML of a mail."""

import re

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# An https address with a plain host and without quotes. Possessive quantifiers: no backtracking.
ADDRESS = re.compile(r"""https://[A-Za-z0-9.-]++(?::[0-9]{1,5})?+(?:[/?#][^\s<>"']*+)?+""")
# Punctuation that is not part of an address when it ends a word.
ENDS_SENTENCE = ".,;:!?)"


@register.filter
def with_links(text: str) -> SafeString:
    """Escape `text` and turn its https addresses into links."""
    return mark_safe("".join(map(linked, re.split(r"(\s+)", text))))  # noqa: S308 - each word is escaped


def linked(word: str) -> str:
    """Escape one word, as a link if it is an address. An address with a user name stays text, because it misleads."""
    start = word.find("https://")
    found = ADDRESS.match(word, start) if start >= 0 and "@" not in word else None
    address = found[0].rstrip(ENDS_SENTENCE) if found else ""
    if address in {"", "https:/", "https:"}:
        return escape(word)
    before, after = word[:start], word[start + len(address) :]
    return format_html('{0}<a href="{1}">{1}</a>{2}', before, address, after)

"""What API Instellingen shows several times over; in its rows, drawn at a fraction of what an include costs."""

import datetime as dt
from functools import lru_cache
from typing import Any

from django import template
from django.core.paginator import Page
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apicredentials import scopes

register = template.Library()


# Stands for an id in an address.
AN_ID = "00000000-0000-4000-8000-000000000000"


@register.simple_tag
def act_address(act: str, client_id: str) -> str:
    """Return the address of one of the acts of `apicredentials.urls` on a credential."""
    return _address(act).replace(AN_ID, client_id)


@lru_cache(maxsize=100)
def _address(act: str) -> str:
    return reverse(f"apicredentials:{act}", args=[AN_ID])


@register.simple_tag
def moment(at: dt.datetime) -> SafeString:
    """Return a moment as people read it, to the minute, in the portal's time zone."""
    return _moment(at, get_language())


@lru_cache(maxsize=2000)
def _moment(at: dt.datetime, language: str | None) -> SafeString:
    local = timezone.localtime(at)
    day = format_date(local, "j F Y")
    return mark_safe(f'<time datetime="{local.isoformat()}">{day} om {local:%H:%M}</time>')  # noqa: S308 - of a date alone


@register.simple_tag
def rights(scope: str) -> SafeString:
    """Return a set of rights, as it is stored, drawn by `_rights.html`: most rows have the same."""
    return _rights(scope, get_language())


@lru_cache(maxsize=500)
def _rights(scope: str, language: str | None) -> SafeString:
    labels = [scopes.label(each) for each in scopes.highest(scope.split())]
    return render_to_string("apicredentials/_rights.html", {"rights": labels})


@register.inclusion_tag("apicredentials/_pages.html", takes_context=True)
def pages(context: dict[str, Any], page: Page, *, parameter: str, anchor: str, label: str) -> dict[str, Any]:
    """Draw the way to the pages before and after, by a parameter in the query and with all others kept."""

    def address(number: int) -> str:
        query = context["request"].GET.copy()
        query[parameter] = str(number)
        return f"{reverse('apicredentials:settings')}?{query.urlencode()}#{anchor}"

    return {"page": page, "label": label, "earlier": address(page.number - 1), "later": address(page.number + 1)}

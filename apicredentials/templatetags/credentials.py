"""What a row of API Instellingen shows several times over, drawn at a fraction of what an include costs."""

import datetime as dt
from functools import lru_cache

from django import template
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apicredentials import scopes

register = template.Library()


@register.simple_tag
def moment(at: dt.datetime) -> SafeString:
    """Return a moment as people read it, to the minute, in the portal's time zone."""
    local = timezone.localtime(at)
    day = _day(local.date(), get_language())
    return mark_safe(f'<time datetime="{local.isoformat()}">{day} om {local:%H:%M}</time>')  # noqa: S308 - of a date alone


@lru_cache(maxsize=1000)
def _day(day: dt.date, language: str | None) -> str:
    return format_date(day, "j F Y")


@register.simple_tag
def rights(scope: str) -> SafeString:
    """Return a set of rights, as it is stored, drawn by `_rights.html`: most rows have the same."""
    return _rights(scope, get_language())


@lru_cache(maxsize=500)
def _rights(scope: str, language: str | None) -> SafeString:
    labels = [scopes.label(each) for each in scopes.highest(scope.split())]
    return render_to_string("apicredentials/_rights.html", {"rights": labels})

"""Tags for what API Instellingen repeats in its rows. A tag costs a fraction of an include."""

import datetime as dt
from functools import lru_cache
from typing import Any

from django import template
from django.core.paginator import Page
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apicredentials import moments, scopes
from apicredentials.charts import number
from apicredentials.models.kinds import Group, Kind

register = template.Library()
register.filter("thousands", number)

# Stands for an id in an address.
AN_ID = "00000000-0000-4000-8000-000000000000"


@register.simple_tag
def act_address(act: str, client_id: str) -> str:
    """Return the address of a page of `apicredentials.urls` about one credential."""
    return _address(act).replace(AN_ID, client_id)


@register.simple_tag
def party_address(uid: str) -> str:
    """Return the address of the page of an authorisation."""
    return _address("authorization").replace(AN_ID, uid)


@lru_cache(maxsize=100)
def _address(act: str) -> str:
    return reverse(f"apicredentials:{act}", args=[AN_ID])


# ---- Moments ------------------------------------------------------------------------------------------------


@register.simple_tag
def moment(at: dt.datetime) -> SafeString:
    """Return a moment in full, to the minute: "8 januari 2026 om 14:20"."""
    return _moment(at, get_language())


@lru_cache(maxsize=2000)
def _moment(at: dt.datetime, language: str | None) -> SafeString:
    local = timezone.localtime(at)
    return mark_safe(f'<time datetime="{local.isoformat()}">{moments.moment(at)}</time>')  # noqa: S308 - of a date alone


@register.simple_tag
def short_moment(at: dt.datetime | None) -> SafeString:
    """Return a moment for a column: "Vandaag, 11:42", or "Nog niet" for None."""
    if at is None:
        return mark_safe("Nog niet")
    return _short_moment(at, timezone.localdate(), get_language())


@lru_cache(maxsize=2000)
def _short_moment(at: dt.datetime, today: dt.date, language: str | None) -> SafeString:
    local = timezone.localtime(at)
    text = f"{_day(local.date(), today)}, {local:%H:%M}"
    return mark_safe(f'<time datetime="{local.isoformat(timespec="minutes")}">{text}</time>')  # noqa: S308 - of a date alone


@register.filter
def full_day(at: dt.datetime) -> str:
    """Return the day of a moment: "24 november 2026"."""
    return _full_day(timezone.localdate(at), get_language())


@lru_cache(maxsize=2000)
def _full_day(of: dt.date, language: str | None) -> str:
    return format_date(of, "j F Y")


@register.filter
def day(at: dt.datetime) -> str:
    """Return the day of a moment: "Vandaag", "24 november", or with the year when it is another one."""
    return _day(timezone.localdate(at), timezone.localdate())


def _day(of: dt.date, today: dt.date) -> str:
    if of == today:
        return "Vandaag"
    return format_date(of, "j F" if of.year == today.year else "j F Y")


@register.filter
def day_heading(of: dt.date) -> str:
    """Return a day with its weekday: "Gisteren, woensdag 25 november 2026"."""
    text = format_date(of, "l j F Y")
    near = {0: "Vandaag", 1: "Gisteren"}.get((timezone.localdate() - of).days)
    return f"{near}, {text}" if near else text.capitalize()


@register.simple_tag
def in_days(days: int) -> str:
    """Return how soon something ends: "over 42 dagen"."""
    if days < 1:
        return "vandaag"
    return f"over {days} {'dag' if days == 1 else 'dagen'}"


# ---- Rights --------------------------------------------------------------------------------------


@register.simple_tag
def other_rights(rights: list[scopes.Label]) -> SafeString:
    """Return a line about the resources that are not among `rights`, if there are any."""
    others = len(scopes.RESOURCES) - len(rights)
    if not others:
        return SafeString()
    return format_html(
        '<p class="small muted">{}</p>',
        "Het andere recht: Geen." if others == 1 else f"De andere {others} rechten: Geen.",
    )


ICONS = {
    Group.SELLER: "shield",
    Group.MEMBERS: "people",
    Group.SECURITY: "shield",
    Group.CONTACT: "mail",
    Group.CREDENTIALS: "key",
    Group.SECRETS: "key",
    Group.PARTIES: "plug",
}


@register.filter
def act_icon(kind: str) -> str:
    """Return the drawing beside a row of the log, by the group of its kind."""
    return ICONS.get(Kind(kind).group, "list")


@register.inclusion_tag("apicredentials/_pages.html", takes_context=True)
def pages(context: dict[str, Any], page: Page, *, parameter: str, anchor: str, label: str) -> dict[str, Any]:
    """Draw links to the previous and next page, by a parameter of the query; the other parameters are kept."""

    def address(number: int) -> str:
        query = context["request"].GET.copy()
        query[parameter] = str(number)
        return f"{reverse('apicredentials:settings')}?{query.urlencode()}#{anchor}"

    return {"page": page, "label": label, "earlier": address(page.number - 1), "later": address(page.number + 1)}

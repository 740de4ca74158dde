"""Hulp: getting started, the integrator's guide, openapi.yaml and the list of partners. Open without signing in."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from accounts.models import Seller
from apicredentials.models import ThirdParty, ThirdPartyAuthorization

DOCUMENTS = Path(__file__).parents[2] / "docs"


@login_not_required
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Show the steps to a first call, and answers to frequent questions."""
    return render(request, "help/start.html", {"issuer": settings.ISSUER_URL})


@login_not_required
@require_safe
def api(request: HttpRequest) -> HttpResponse:
    """Show docs/api.md."""
    return render(request, "help/api.html", {"document": api_document()})


@cache
def api_document() -> SafeString:
    """Return docs/api.md as HTML. Its headings have the anchors that its own links use."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse((DOCUMENTS / "api.md").read_text(encoding="utf-8"))
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", re.sub(r"[^\w -]", "", content.content.lower()).replace(" ", "-"))
        if opening.children:
            opening.children = [*with_own_links(opening.children)]
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return mark_safe(html)  # noqa: S308 - our own file


def with_own_links(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield the tokens with links to the portal's pages. Links to documents that it does not show become text."""
    is_shown = True
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrGet("href"))
            is_shown = address.startswith(("#", "http", "openapi.yaml"))
            if address == "openapi.yaml":
                token.attrSet("href", reverse("help-openapi"))
        if is_shown or not token.type.startswith("link_"):
            yield token


@login_not_required
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """Send openapi.yaml (OpenAPI Initiative: application/openapi+yaml)."""
    return HttpResponse((DOCUMENTS / "openapi.yaml").read_bytes(), content_type="application/openapi+yaml")


@login_not_required
@require_safe
def partners(request: Any) -> HttpResponse:
    """Show the third parties that the operator listed, and which of them this seller has connected."""
    listed = list(ThirdParty.objects.get_queryset().listed().with_logo())
    connected = latest_authorizations(request.seller) if request.seller else {}
    rows = [(party, connected.get(party.pk)) for party in sorted(listed, key=by_level)]
    return render(request, "help/partners.html", {"partners": rows})


def by_level(party: ThirdParty) -> tuple[int, str]:
    """Sort by level, those without one last, and then by name."""
    levels = [*ThirdParty.Level.values, ""]
    return levels.index(party.level), party.folded_name


def latest_authorizations(seller: Seller) -> dict[int, ThirdPartyAuthorization]:
    """Return the seller's authorisation of each third party: the present one, else the one that ended last."""
    latest: dict[int, ThirdPartyAuthorization] = {}
    for authorization in ThirdPartyAuthorization.objects.for_seller(seller).present_first():
        latest.setdefault(authorization.third_party_id, authorization)
    return latest

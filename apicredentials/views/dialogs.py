"""Acts of a seller. Each is asked for at an address of its own, done by POST there, and followed by one message."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse

from accounts.access import SellerRequest, actor, seller_required
from accounts.models import Actor, Capability
from apicredentials.exceptions import Refusal

LONGEST_QUERY = 1000
# The pages that acts are opened on.
PLACES = {"apicredentials:settings", "apicredentials:credential", "apicredentials:authorization"}

# For GET too: a page that asks has a button, which would be refused.
writer_required = seller_required(to=Capability.API, reading=False)


def may_change(request: SellerRequest) -> bool:
    """Return whether this user can change anything for this seller. Pages show no buttons that would be refused."""
    return request.membership.can_write and request.seller.is_open


def act(request: SellerRequest, verb: Callable[[Actor], object], done: str, *, ends: str = "") -> HttpResponse:
    """Call `verb`, queue a message, and return to where the act was opened.

    `ends` is the address of a page that does not exist any more afterwards.
    """
    try:
        verb(actor(request))
    except Refusal as error:
        return refuse(request, error)
    messages.success(request, done)
    return back(request, ends=ends)


def refuse(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Queue a message about the refusal, and return to where the act was opened."""
    messages.warning(request, str(refusal))
    return back(request)


def back(request: HttpRequest, *, ends: str = "") -> HttpResponse:
    """Redirect to the page that the act was opened on, with its query; to API Instellingen when `ends` is that page."""
    address = return_address(request)
    return redirect("apicredentials:settings" if ends and address.startswith(ends) else address)


def return_address(request: HttpRequest) -> str:
    """Return the address of the page that the act was opened on, with its query. API Instellingen is the default.

    A dialog is sent from that page, so that its Referer is the address. A form on a page of its own carries the
    Referer of that page in a field.
    """
    settings = reverse("apicredentials:settings")
    try:
        left = urlsplit(request.POST.get("terug") or request.META.get("HTTP_REFERER", ""))
        place = resolve(left.path).view_name
    except (ValueError, Resolver404):  # "http://[": not an address at all
        return settings
    if left.netloc not in {"", request.get_host()} or place not in PLACES:
        return settings
    # Django redirects to no address of over 2048 characters.
    query = QueryDict(left.query if len(left.query) <= LONGEST_QUERY else "", mutable=True)
    query.pop("nieuw", None)  # which row is new is said once
    return f"{left.path}?{query.urlencode()}" if query else left.path


def return_link(request: HttpRequest) -> dict[str, Any]:
    """Context processor: add `return_address` to every template."""
    return {"return_address": partial(return_address, request)}

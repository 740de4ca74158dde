"""How every act of a seller is asked for and done: at an address of its own, by POST, with one message after."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.access import SellerRequest, actor
from accounts.models import Actor
from apicredentials.exceptions import NotAllowedNow

LONGEST_QUERY = 1000

ask_or_act = require_http_methods(["GET", "HEAD", "POST"])


def act(request: SellerRequest, verb: Callable[[Actor], object], done: str) -> HttpResponse:
    """Do `verb`, say what came of it, and lead back to the settings."""
    try:
        verb(actor(request))
    except NotAllowedNow as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, done)
    return back_to_settings(request)


def back_to_settings(request: HttpRequest) -> HttpResponse:
    """Lead to the settings, on the page and with the search that they were left with."""
    return redirect(settings_address(request))


def settings_address(request: HttpRequest) -> str:
    """Return the address of the settings, on the page and with the search that they were left with.

    A dialog is opened from there and sent from there, and its Referer says so. A form on a page of its own is
    opened from there only, and says itself what it then knew.
    """
    address = reverse("apicredentials:settings")
    try:
        left = urlsplit(request.POST.get("terug") or request.META.get("HTTP_REFERER", ""))
    except ValueError:  # "http://[": not an address at all
        return address
    is_there = left.netloc in {"", request.get_host()} and left.path == address
    # Django redirects to no address of over 2048 characters.
    return f"{address}?{left.query}" if is_there and 0 < len(left.query) <= LONGEST_QUERY else address


def settings_link(request: HttpRequest) -> dict[str, Any]:
    """Let every template know that address."""
    return {"settings_address": partial(settings_address, request)}

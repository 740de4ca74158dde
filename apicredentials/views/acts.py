"""How every act of a seller is asked for and done: at an address of its own, by POST, with one message after."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import Actor
from accounts.requests import SellerRequest, actor
from apicredentials.exceptions import NotAllowedNow

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


def back_to_settings(request: SellerRequest) -> HttpResponse:
    """Lead to the settings, on the page and with the search that they were left with.

    A dialog is sent from there, and its Referer says so; a form on a page of its own leads to the first page.
    """
    address = reverse("apicredentials:settings")
    try:
        left = urlsplit(request.META.get("HTTP_REFERER", ""))
    except ValueError:  # "http://[": not an address at all
        return redirect(address)
    is_there = (left.netloc, left.path) == (request.get_host(), address)
    return redirect(f"{address}?{left.query}" if is_there and left.query else address)

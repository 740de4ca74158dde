"""How every act of a seller is asked for and done: at an address of its own, by POST, with one message after."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
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
    return redirect("apicredentials:settings")

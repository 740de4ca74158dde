"""Cross-Origin-Opener-Policy of the pages that an authorization request leads through."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse

from accounts.required_factor import remembered

# The pages that lead on to `next`, and those below them. Elsewhere anybody could lift the policy by adding `next`.
FOLLOW_NEXT = ("account_login", "account_reset_password", "accounts:switch-seller")


class OpenerPolicyMiddleware:
    """Lets a client that opened `/authorize` in a pop-up keep its window.opener until the callback.

    `same-origin`, which every other page has, cuts the pop-up off as soon as one response of ours carries it, even
    a redirect. So it is lifted for all of them: sign-in, proof of identity, choice of account, consent and errors.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        authorize = reverse("authorize")
        if request.path == authorize or any(each.partition("?")[0] == authorize for each in destinations(request)):
            response["Cross-Origin-Opener-Policy"] = "unsafe-none"
        return response


def destinations(request: HttpRequest) -> Iterator[str]:
    """Yield the addresses that the browser may go to after this page, from `next` and from the session."""
    if request.path.startswith(tuple(map(reverse, FOLLOW_NEXT))):
        yield from next_of(request)
    if request.path.startswith(reverse("account_login")) and hasattr(request, "session"):
        yield request.session.get(LOGIN_SESSION_KEY, {}).get("redirect_url") or ""
    if request.path.startswith(reverse("accounts:security")) and hasattr(request, "session"):
        yield remembered(request, "authorize")


def next_of(request: HttpRequest) -> Iterator[str]:
    yield request.GET.get("next", "")
    # The view has already refused a form that cannot be read.
    with suppress(BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        yield request.POST.get("next", "")

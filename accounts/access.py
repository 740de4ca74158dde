"""A request as our views see it: signed in, and working for one seller."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, cast
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import Actor, Membership, Seller, User


class SellerRequest(HttpRequest):
    """What `SellerMiddleware` and `seller_required` guarantee a view."""

    user: User
    seller: Seller
    membership: Membership
    memberships: list[Membership]


READING = {"GET", "HEAD", "OPTIONS"}

# Where a session keeps what a form was sent with while its user proves who they are, and for which address.
_FILLED_IN = "filled_in"

type SellerView[**P] = Callable[Concatenate[SellerRequest, P], HttpResponseBase]
type View[**P] = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def actor(request: HttpRequest) -> Actor:
    """Return who stands behind `request`, for the activity log."""
    user = request.user
    return Actor(user=user if isinstance(user, User) else None, address=request.META.get("REMOTE_ADDR") or None)


def is_local(address: str, request: HttpRequest) -> bool:
    """Whether `address`, from wherever it came, stays on the site that `request` was sent to.

    A query cannot lead elsewhere, and may be longer than Django lets an address be: it may hold a party's `state`.
    """
    path, _, _ = address.partition("?")
    return url_has_allowed_host_and_scheme(path, allowed_hosts={request.get_host()}, require_https=request.is_secure())


def seller_required[**P](view: SellerView[P]) -> View[P]:
    """Let a view be reached only by somebody who works for a seller, and changed only by one who may."""

    @wraps(view)
    def wrapper(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.membership is None:
            return render(request, "accounts/no_seller.html", status=403)
        if request.method not in READING and not request.membership.can_write:
            raise PermissionDenied(
                "Met de rol 'Alleen lezen' kun je niets wijzigen. Vraag een eigenaar of beheerder om een andere rol."
            )
        if request.method not in READING and not request.seller.is_open:
            raise PermissionDenied("Dit verkopersaccount is gesloten. Neem contact op met de marktplaats.")
        return view(request, *args, **kwargs)

    return wrapper


def is_recently_proven(request: HttpRequest) -> bool:
    """Whether the user has shown a password or second factor within ACCOUNT_REAUTHENTICATION_TIMEOUT seconds.

    allauth's own decorator does not count the sign-in itself as proof, and resumes a suspended POST past our
    middleware.
    """
    proofs = [record["at"] for record in get_authentication_records(request, cast("User", request.user))]
    return bool(proofs) and time.time() - max(proofs) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def ask_for_proof(request: HttpRequest, following: str | None = None) -> HttpResponse:
    """Send the user to confirm who they are, and then to `following` (default: this same address)."""
    query = urlencode({"next": following or request.get_full_path()})
    return redirect(f"{reverse('account_reauthenticate')}?{query}")


def recent_proof_required[**P](view: SellerView[P]) -> SellerView[P]:
    """Let a view be reached only with a recent proof of identity; afterwards the user is asked again there."""

    @wraps(view)
    def wrapper(request: SellerRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if is_recently_proven(request):
            return view(request, *args, **kwargs)
        if request.method == "POST":
            request.session[_FILLED_IN] = {"address": request.path, "fields": request.POST.urlencode()}
        return ask_for_proof(request)

    return wrapper


def filled_in(request: SellerRequest) -> QueryDict | None:
    """Return what a form was sent with: now, or here before its user had to prove who they are; None when nothing."""
    if request.method == "POST":
        return request.POST
    if request.session.get(_FILLED_IN, {}).get("address") != request.path:
        return None
    return QueryDict(request.session.pop(_FILLED_IN)["fields"])

"""Access to pages: the seller in use, roles, and recent proof of identity (step-up)."""

import time
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Concatenate, cast, overload
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from accounts.models import Actor, Capability, Membership, Seller, User


class SellerRequest(HttpRequest):
    """A request after SellerMiddleware and seller_required."""

    user: User
    seller: Seller
    membership: Membership
    memberships: list[Membership]


READING = {"GET", "HEAD", "OPTIONS"}

# For a view that asks on GET and acts on POST.
ask_or_act = require_http_methods(["GET", "HEAD", "POST"])

# Session key: the fields of a form that was posted without a recent proof, and the address it was posted to.
_FILLED_IN = "filled_in"

type SellerView[**P] = Callable[Concatenate[SellerRequest, P], HttpResponseBase]
type View[**P] = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def actor(request: HttpRequest) -> Actor:
    """Return the actor of `request`, for the activity log."""
    user = request.user
    return Actor(user=user if isinstance(user, User) else None, address=request.META.get("REMOTE_ADDR") or None)


def is_local(address: str, request: HttpRequest) -> bool:
    """Return whether `address` stays on the site that `request` was sent to.

    Checks the path only: Django's check limits the length, and the query may contain a party's long `state`.
    """
    path, _, _ = address.partition("?")
    return url_has_allowed_host_and_scheme(path, allowed_hosts={request.get_host()}, require_https=request.is_secure())


REFUSALS = {
    Capability.API: (
        "Met de rol 'Alleen lezen' kun je niets wijzigen. Vraag een eigenaar of beheerder om een andere rol."
    ),
    Capability.CONTACT: "Met jouw rol kun je het technisch contact niet wijzigen. Vraag een eigenaar of beheerder.",
    Capability.MEMBERS: "Alleen een eigenaar kan medewerkers wijzigen. Vraag een eigenaar.",
}


@overload
def seller_required[**P](view: SellerView[P]) -> View[P]: ...
@overload
def seller_required[**P](
    view: None = None, *, to: Capability, reading: bool = True
) -> Callable[[SellerView[P]], View[P]]: ...
def seller_required(view: Any = None, *, to: Capability = Capability.API, reading: bool = True) -> Any:
    """Require a membership; for methods that change something also the capability `to` and an open seller.

    This is the only place that enforces roles. With reading=False the capability is required for every method.
    """
    if view is None:
        return partial(seller_required, to=to, reading=reading)

    @wraps(view)
    def wrapper(request: Any, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.membership is None:
            return render(request, "accounts/no_seller.html", status=403)
        changes = request.method not in READING
        if (changes or not reading) and not request.membership.can(to):
            raise PermissionDenied(REFUSALS[to if request.membership.can_write else Capability.API])
        if changes and not request.seller.is_open:
            raise PermissionDenied("Dit verkopersaccount is gesloten. Neem contact op met de marktplaats.")
        return cast("HttpResponseBase", view(request, *args, **kwargs))

    return wrapper


def show_form(request: HttpRequest, template: str, form: BaseForm, **context: Any) -> HttpResponse:
    """Render a page with a form; 422 when it was just posted, and refused."""
    status = 422 if request.method == "POST" else 200
    return render(request, template, {"form": form, **context}, status=status)


def is_recently_proven(request: HttpRequest) -> bool:
    """Return whether the user has shown a password or second factor within ACCOUNT_REAUTHENTICATION_TIMEOUT seconds.

    allauth's own decorator does not count the sign-in itself as proof, and replays a suspended POST without running
    our middleware.
    """
    proofs = [record["at"] for record in get_authentication_records(request, cast("User", request.user))]
    return bool(proofs) and time.time() - max(proofs) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def ask_for_proof(request: HttpRequest, following: str | None = None) -> HttpResponse:
    """Redirect to the page that asks for proof, and from there to `following` (default: this address)."""
    query = urlencode({"next": following or request.get_full_path()})
    return redirect(f"{reverse('account_reauthenticate')}?{query}")


def recent_proof_required[**P](view: SellerView[P]) -> SellerView[P]:
    """Require a recent proof of identity."""

    @wraps(view)
    def wrapper(request: SellerRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if is_recently_proven(request):
            return view(request, *args, **kwargs)
        if request.method == "POST" and not is_form_kept(request):
            messages.warning(request, "Dit is nog niet gedaan. Bevestig dat jij het bent, en doe het daarna opnieuw.")
        return ask_for_proof(request)

    return wrapper


def keep_form_for_proof(request: HttpRequest) -> None:
    """Keep a form that is posted without a recent proof, for filled_in().

    Not for a form with a password or code: the session's row holds the fields in clear text.
    """
    if request.method == "POST" and not is_recently_proven(request):
        request.session[_FILLED_IN] = {"address": request.get_full_path(), "fields": request.POST.urlencode()}


def form_proof_required[**P](view: SellerView[P]) -> SellerView[P]:
    """Require a recent proof of identity, and keep a posted form meanwhile; see keep_form_for_proof()."""
    proven = recent_proof_required(view)

    @wraps(view)
    def wrapper(request: SellerRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        keep_form_for_proof(request)
        return proven(request, *args, **kwargs)

    return wrapper


def is_form_kept(request: HttpRequest) -> bool:
    return bool(request.session.get(_FILLED_IN, {}).get("address") == request.get_full_path())


def filled_in(request: HttpRequest) -> QueryDict | None:
    """Return the fields of a form: posted now, or kept while its user gave proof; None if there are none."""
    if request.method == "POST":
        return request.POST
    if not is_form_kept(request):
        return None
    return QueryDict(request.session.pop(_FILLED_IN)["fields"])

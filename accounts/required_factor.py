"""REQUIRE_MFA: who must have a second factor, and the middleware that leads them to set one up."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import Membership

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)

# Pages that a user without the required factor can still open; others redirect to Beveiliging.
OPEN_PAGES = frozenset(
    {
        "account_logout",
        "account_reauthenticate",
        "account_inactive",
        "accounts:security",
        "accounts:totp-add",
        "accounts:passkey-add",
        "accounts:recovery-codes",
        "undo-address-change",
        "logo",  # of the party that waits, shown on these pages
    }
)
# Session key: the addresses to return to after signing in, setting up a factor or resetting the password. One for each
# of these pages, in the order in which the user returns to them, and one for all others.
_WAITING = "waiting"
_KEPT_APART = ("invitation", "authorize")


def remember(request: HttpRequest, address: str) -> None:
    """Return to this address later; another page does not displace an invitation or a third party's request."""
    path = address.partition("?")[0]
    page = next((name for name in _KEPT_APART if path == reverse(name)), "")
    request.session[_WAITING] = request.session.get(_WAITING, {}) | {page: address}


def remembered(request: HttpRequest, *pages: str) -> str:
    """Return the address to return to first, of `pages` or of all pages; '' if there is none."""
    waiting = request.session.get(_WAITING, {})
    return next((waiting[page] for page in pages or (*_KEPT_APART, "") if page in waiting), "")


def arrive(request: HttpRequest) -> None:
    """Forget the address of this request."""
    waiting = request.session.get(_WAITING, {})
    if request.get_full_path() in waiting.values():
        here = request.get_full_path()
        request.session[_WAITING] = {page: address for page, address in waiting.items() if address != here}


def has_factor(user: Any) -> bool:
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists())


def is_covered(request: Any) -> bool:
    """Return whether REQUIRE_MFA covers this user: each level includes the ones before it."""
    match settings.REQUIRE_MFA:
        case "all":
            return True
        case "owners":
            return request.user.is_staff or any(m.role == Membership.Role.OWNER for m in request.memberships)
        case "staff":
            return bool(request.user.is_staff)
    return False


def lacks_required_factor(request: Any) -> bool:
    return request.user.is_authenticated and is_covered(request) and not has_factor(request.user)


class RequiredFactorMiddleware:
    """Redirects users without the factor that REQUIRE_MFA demands; runs after SellerMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        """Remember where the user was going, and redirect to Beveiliging. Forget it when they arrive there."""
        match = request.resolver_match
        name = match.view_name if match else ""
        if name in OPEN_PAGES or not request.user.is_authenticated:
            return None
        if not lacks_required_factor(request):
            arrive(request)
            return None
        if request.method in {"GET", "HEAD"}:
            remember(request, request.get_full_path())
        return redirect("accounts:security")

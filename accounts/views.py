"""Choosing the seller in use, resetting a password, and stale sign-in forms."""

from typing import Any
from urllib.parse import urlencode

from allauth.account import views as account
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.access import SellerRequest, is_local
from accounts.middleware import SESSION_KEY


@require_http_methods(["GET", "HEAD", "POST"])
def switch_seller(request: SellerRequest) -> HttpResponse:
    """Show the user's sellers, or store the chosen one as the seller in use."""
    following = local_address(request)
    if request.method != "POST":
        return render(request, "accounts/switch_account.html", {"next": following})
    retailer_id = request.POST.get("seller", "")
    if retailer_id not in {membership.seller.retailer_id for membership in request.memberships}:
        raise Http404
    request.session[SESSION_KEY] = retailer_id
    return HttpResponseRedirect(following or reverse("apicredentials:settings"))


def local_address(request: HttpRequest) -> str:
    """Return the `next` parameter when it stays on this site, else ''."""
    following = request.POST.get("next") or request.GET.get("next") or ""
    return following if is_local(following, request) else ""


# Forms of signed-out pages that lead on to `next`.
SIGN_IN_FORMS = {"account_login", "account_reset_password"}


def resume_stale_form(request: HttpRequest) -> HttpResponse | None:
    """Redirect to where a sign-in form leads if its visitor has signed in since it was shown; else return None.

    Signing in replaces the CSRF token, so a form that is posted twice or from another tab is refused.
    """
    if is_form_of(request, SIGN_IN_FORMS) and request.user.is_authenticated:
        return redirect(local_address(request) or settings.LOGIN_REDIRECT_URL)
    return None


def stale_form_address(request: HttpRequest) -> str:
    """Return the address of a fresh copy of a refused sign-in or step-up form, or '' for other forms."""
    if not is_form_of(request, {*SIGN_IN_FORMS, "account_reauthenticate"}):
        return ""
    following = local_address(request)
    return f"{request.path}?{urlencode({'next': following})}" if following else request.path


def is_form_of(request: HttpRequest, pages: set[str]) -> bool:
    return request.resolver_match is not None and request.resolver_match.url_name in pages


# Session key: the address to go to after the password has been reset.
RESET_FOLLOWING = "reset_following"


class PasswordResetView(account.PasswordResetView):
    """Asks for the reset mail. `next` is kept in the session, because a mail must not carry a stranger's choice."""

    def get_success_url(self) -> str:
        if following := local_address(self.request):
            self.request.session[RESET_FOLLOWING] = following
        return str(self.success_url)


class PasswordResetDoneView(account.PasswordResetDoneView):
    """Says that a mail is on its way."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"following": self.request.session.get(RESET_FOLLOWING, "")}


class PasswordResetFromKeyDoneView(account.PasswordResetFromKeyDoneView):
    """Says that the new password works."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"following": self.request.session.pop(RESET_FOLLOWING, "")}

"""Choosing the seller in use, and stale sign-in forms."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.access import SellerRequest, ask_or_act, is_local
from accounts.middleware import SESSION_KEY


@ask_or_act
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
SIGN_IN_FORMS = {"account_login", "account_reset_password", "mfa_authenticate", "mfa_login_webauthn"}


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
    path = reverse("account_login") if is_form_of(request, {"mfa_login_webauthn"}) else request.path
    return f"{path}?{urlencode({'next': following})}" if following else path


def is_form_of(request: HttpRequest, pages: set[str]) -> bool:
    return request.resolver_match is not None and request.resolver_match.url_name in pages

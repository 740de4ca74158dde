"""Which seller you work for, and the way back from a forgotten password."""

from typing import Any

from allauth.account import views as account
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.access import SellerRequest, is_local
from accounts.middleware import SESSION_KEY


@require_http_methods(["GET", "HEAD", "POST"])
def switch_seller(request: SellerRequest) -> HttpResponse:
    """Ask which of the user's sellers to work for, or work for the chosen one from now on."""
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


# Where a session keeps where its visitor was going before the password turned out to be forgotten.
RESET_FOLLOWING = "reset_following"


class PasswordResetView(account.PasswordResetView):
    """Asks for a mail. Where its visitor was going waits in the session: a stranger's choice is not to be mailed."""

    def get_success_url(self) -> str:
        """Lead to the page that says what comes, with the address kept for when it is done."""
        if following := local_address(self.request):
            self.request.session[RESET_FOLLOWING] = following
        return str(self.success_url)


class PasswordResetDoneView(account.PasswordResetDoneView):
    """Says that a mail is on its way."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add where the visitor was going."""
        return super().get_context_data(**kwargs) | {"following": self.request.session.get(RESET_FOLLOWING, "")}


class PasswordResetFromKeyDoneView(account.PasswordResetFromKeyDoneView):
    """Says that the new password works."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add where the visitor was going."""
        return super().get_context_data(**kwargs) | {"following": self.request.session.pop(RESET_FOLLOWING, "")}

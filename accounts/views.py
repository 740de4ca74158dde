"""Which seller you work for."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.middleware import SESSION_KEY
from accounts.requests import SellerRequest, is_local


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

"""The authorised parties of a seller: renew, and remove."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from accounts.access import SellerRequest, recent_proof_required, seller_required
from apicredentials.models import ThirdPartyAuthorization
from apicredentials.moments import one_year_after
from apicredentials.views.dialogs import act, ask_or_act


def find(request: SellerRequest, uid: UUID) -> ThirdPartyAuthorization:
    """Return this seller's authorisation; anybody else's is a 404."""
    return get_object_or_404(ThirdPartyAuthorization.objects.for_seller(request.seller).with_details(), uid=uid)


@ask_or_act
@seller_required
@recent_proof_required
def authorization_renew(request: SellerRequest, uid: UUID) -> HttpResponse:
    """Ask, then start a new year of access."""
    authorization = find(request, uid)
    if request.method != "POST":
        context = {"authorization": authorization, "ends_at": one_year_after(timezone.now())}
        return render(request, "apicredentials/authorization_confirm_renew.html", context)
    done = f"De toegang van {authorization.third_party.name} is met een jaar verlengd."
    return act(request, lambda by: authorization.renew(by=by), done)


@ask_or_act
@seller_required
def authorization_revoke(request: SellerRequest, uid: UUID) -> HttpResponse:
    """Ask, then end a party's access for this seller."""
    authorization = find(request, uid)
    if request.method != "POST":
        return render(request, "apicredentials/authorization_confirm_revoke.html", {"authorization": authorization})
    done = f"{authorization.third_party.name} heeft geen toegang meer."
    return act(request, lambda by: authorization.revoke(by=by), done)

"""The authorised parties of a seller: their pages, and the acts on them."""

import datetime as dt
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import (
    SellerRequest,
    ask_or_act,
    filled_in,
    form_proof_required,
    recent_proof_required,
    seller_required,
    show_form,
)
from accounts.models import Seller
from apicredentials.exceptions import CannotRenew, CannotTakeOver
from apicredentials.forms import NarrowForm
from apicredentials.models import ThirdPartyAuthorization
from apicredentials.models.states import State
from apicredentials.moments import one_year_after
from apicredentials.views.dialogs import act, refuse, writer_required
from apicredentials.views.usage_sections import context_of

# A stopped party is listed among the present ones for this long, so that the seller sees its cause.
STOPPED_STAYS = dt.timedelta(days=60)


def find(request: SellerRequest, uid: UUID) -> ThirdPartyAuthorization:
    """Return this seller's authorisation; anybody else's is a 404."""
    return get_object_or_404(ThirdPartyAuthorization.objects.for_seller(request.seller).with_details(), uid=uid)


def present_and_past(seller: Seller) -> tuple[list[ThirdPartyAuthorization], list[ThirdPartyAuthorization]]:
    """Return the seller's authorisations in one query: present ones, first those that need attention, and history."""
    present: list[ThirdPartyAuthorization] = []
    past: list[ThirdPartyAuthorization] = []
    seen = set()
    for authorization in ThirdPartyAuthorization.objects.for_seller(seller).present_first():
        is_newest = authorization.third_party_id not in seen
        (present if is_newest and is_present(authorization) else past).append(authorization)
        seen.add(authorization.third_party_id)
    present.sort(key=lambda each: (each.is_active and not each.is_ending_soon, each.third_party.folded_name))
    return present, past


def is_present(authorization: ThirdPartyAuthorization) -> bool:
    """Return whether it works, can be renewed, or stopped recently."""
    since = authorization.state_since
    if authorization.state == State.STOPPED and since:
        return timezone.now() - since <= STOPPED_STAYS
    return authorization.is_current


@require_safe
@seller_required
def authorization(request: SellerRequest, uid: UUID) -> HttpResponse:
    """Show a party: its consent, use, problems, rights and log."""
    found = find(request, uid)
    context = {"authorization": found, "party": found.third_party} | context_of(request, found, found.uid)
    return render(request, "apicredentials/authorization.html", context)


@ask_or_act
@writer_required
@recent_proof_required
def authorization_renew(request: SellerRequest, uid: UUID) -> HttpResponse:
    """Ask, then start a new year of access."""
    authorization = find(request, uid)
    if not authorization.is_renewable:
        return refuse(request, CannotRenew())
    if request.method != "POST":
        context = {"authorization": authorization, "ends_at": one_year_after(timezone.now())}
        return render(request, "apicredentials/authorization_confirm_renew.html", context)
    done = f"De toegang van {authorization.third_party.name} is met een jaar verlengd."
    return act(request, lambda by: authorization.renew(by=by), done)


@ask_or_act
@writer_required
@recent_proof_required
def authorization_take_over(request: SellerRequest, uid: UUID) -> HttpResponse:
    """Ask, then take over the consent of a colleague who left."""
    authorization = find(request, uid)
    if not authorization.can_be_taken_over:
        return refuse(request, CannotTakeOver())
    if request.method != "POST":
        return render(request, "apicredentials/authorization_confirm_take_over.html", {"authorization": authorization})
    done = f"Je hebt de toestemming voor {authorization.third_party.name} overgenomen."
    return act(request, lambda by: authorization.take_over(by=by), done)


@ask_or_act
@writer_required
@form_proof_required
def authorization_rights(request: SellerRequest, uid: UUID) -> HttpResponse:
    """Leave a party fewer rights."""
    authorization = find(request, uid)
    form = NarrowForm(filled_in(request), authorization=authorization)
    if request.method == "POST" and form.is_valid():
        done = f"De rechten van {authorization.third_party.name} zijn opgeslagen."
        return act(request, lambda by: authorization.narrow(form.cleaned_data["scopes"], by=by), done)
    return show_form(request, "apicredentials/authorization_rights.html", form, authorization=authorization)


@ask_or_act
@writer_required
@recent_proof_required
def authorization_revoke(request: SellerRequest, uid: UUID) -> HttpResponse:
    """Ask, then end a party's access for this seller."""
    authorization = find(request, uid)
    if request.method != "POST":
        return render(request, "apicredentials/authorization_confirm_revoke.html", {"authorization": authorization})
    done = f"{authorization.third_party.name} heeft geen toegang meer."
    return act(request, lambda by: authorization.revoke(by=by), done)

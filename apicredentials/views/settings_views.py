"""API Instellingen: the page with everything, and the technical contact."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import (
    SellerRequest,
    actor,
    ask_for_proof,
    ask_or_act,
    filled_in,
    is_recently_proven,
    keep_form_for_proof,
    seller_required,
)
from accounts.models import Capability
from apicredentials.forms import CredentialSearchForm, TechnicalContactForm
from apicredentials.models import TechnicalContact
from apicredentials.views.attention import of_authorization, of_credential
from apicredentials.views.authorization_views import present_and_past
from apicredentials.views.credential_list import CredentialList
from apicredentials.views.dialogs import may_change

# How many credentials are drawn at once.
PAGE_SIZE = 20
# With more credentials than this there is a search form.
SEARCHABLE_FROM = 10


@require_safe
@seller_required
def settings(request: SellerRequest) -> HttpResponse:
    """Show the whole page: contact, credentials, authorised parties."""
    contact = TechnicalContact.objects.filter(seller=request.seller).first()
    if contact is None:
        return first_visit(request, TechnicalContactForm(seller=request.seller))
    search = CredentialSearchForm(request.GET)
    credentials = CredentialList(request.seller, search, request.GET.get("nieuw", ""), PAGE_SIZE)
    loaded = credentials.load(request.GET.get("page"), request.GET.get("verwijderd"))
    present, past = present_and_past(request.seller)
    lines = [*map(of_credential, loaded.pop("attention")), *filter(None, map(of_authorization, present))]
    context = loaded | {
        "contact": contact,
        "can_change": may_change(request),
        "can_change_contact": may_change_contact(request),
        "search": search,
        "is_searchable": len(credentials.present) > SEARCHABLE_FROM or search.is_used,
        "authorizations": present,
        "past_authorizations": past,
        # A stable sort: within each level the order of the page.
        "attention": sorted(lines, key=lambda line: line.level != "danger"),
    }
    return render(request, "apicredentials/settings.html", context)


def first_visit(request: SellerRequest, form: TechnicalContactForm, status: int = 200) -> HttpResponse:
    """Render the page of a seller without a contact: only the form for one."""
    context = {"contact_form": form, "can_change_contact": may_change_contact(request)}
    return render(request, "apicredentials/settings.html", context, status=status)


def may_change_contact(request: SellerRequest) -> bool:
    return request.membership.can_change_contact and request.seller.is_open


@ask_or_act
@seller_required(to=Capability.CONTACT, reading=False)
def contact(request: SellerRequest) -> HttpResponse:
    """Change the technical contact. On the first visit its form is on API Instellingen itself."""
    is_sent = request.method == "POST"
    form = TechnicalContactForm(filled_in(request), seller=request.seller)
    if is_sent and form.is_valid():
        return save_contact(request, form)
    status = 422 if is_sent else 200
    if form.saved is None:
        return first_visit(request, form, status) if is_sent else redirect("apicredentials:settings")
    return render(request, "apicredentials/contact_form.html", {"form": form}, status=status)


def save_contact(request: SellerRequest, form: TechnicalContactForm) -> HttpResponse:
    """Save a valid form. A new address needs a recent proof of identity; afterwards the form is filled in again."""
    if form.changes_address and not is_recently_proven(request):
        keep_form_for_proof(request)
        return ask_for_proof(request)
    form.instance.record(by=actor(request))
    messages.success(request, "Het technisch contact is opgeslagen.")
    return redirect("apicredentials:settings")

"""API Instellingen: the page with everything, and the technical contact."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import SellerRequest, actor, ask_for_proof, is_recently_proven, seller_required
from accounts.models import Capability
from apicredentials.forms import CredentialSearchForm, TechnicalContactForm
from apicredentials.views.attention import of_authorization, of_credential
from apicredentials.views.authorization_views import present_and_past
from apicredentials.views.credential_list import CredentialList
from apicredentials.views.dialogs import may_change

# How many credentials are drawn at once.
PAGE_SIZE = 20
# With more credentials than this there is a search form.
SEARCHABLE_FROM = 10

# Where a session keeps what was typed while its user proves who they are.
CONTACT_DRAFT = "contact_draft"


@require_safe
@seller_required
def settings(request: SellerRequest) -> HttpResponse:
    """Show the whole page: contact, credentials, authorised parties."""
    return settings_page(request, TechnicalContactForm(seller=request.seller))


def settings_page(request: SellerRequest, contact_form: TechnicalContactForm, status: int = 200) -> HttpResponse:
    """Draw the page. Without a saved contact it has only the form for one."""
    context: dict[str, Any] = {
        "contact_form": contact_form,
        "contact": contact_form.saved,
        "can_change": may_change(request),
        "can_change_contact": request.membership.can_change_contact and request.seller.is_open,
    }
    if contact_form.saved:
        search = CredentialSearchForm(request.GET)
        credentials = CredentialList(request.seller, search, request.GET.get("nieuw", ""), PAGE_SIZE)
        present, past = present_and_past(request.seller)
        context |= credentials.load(request.GET.get("page"), request.GET.get("verwijderd"))
        context |= {
            "search": search,
            "is_searchable": len(credentials.present) > SEARCHABLE_FROM or search.is_used,
            "authorizations": present,
            "past_authorizations": past,
            "attention": [
                *map(of_credential, context["attention_credentials"]),
                *filter(None, map(of_authorization, present)),
            ],
        }
    return render(request, "apicredentials/settings.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@seller_required(to=Capability.CONTACT, reading=False)
def contact(request: SellerRequest) -> HttpResponse:
    """Change the technical contact. On the first visit its form is on API Instellingen itself."""
    is_sent = request.method == "POST"
    data = request.POST if is_sent else request.session.pop(CONTACT_DRAFT, None)
    form = TechnicalContactForm(data, seller=request.seller)
    if is_sent and form.is_valid():
        return save_contact(request, form)
    status = 422 if is_sent else 200
    if form.saved is None:
        return settings_page(request, form, status) if is_sent else redirect("apicredentials:settings")
    return render(request, "apicredentials/contact_form.html", {"form": form}, status=status)


def save_contact(request: SellerRequest, form: TechnicalContactForm) -> HttpResponse:
    """Save a valid form. A new address needs a recent proof of identity; afterwards the form is filled in again."""
    if form.changes_address and not is_recently_proven(request):
        request.session[CONTACT_DRAFT] = {name: request.POST.get(name, "") for name in form.fields}
        return ask_for_proof(request, reverse("apicredentials:contact"))
    form.save_for(by=actor(request))
    messages.success(request, "Het technisch contact is opgeslagen.")
    return redirect("apicredentials:settings")

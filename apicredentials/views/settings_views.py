"""API Instellingen: the page with everything, and the technical contact."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import BooleanField, Case, Q, When
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import SellerRequest, actor, ask_for_proof, is_recently_proven, seller_required
from accounts.models import Capability
from apicredentials.forms import CredentialSearchForm, TechnicalContactForm
from apicredentials.models import ClientCredential
from apicredentials.models.credential_filters import current_state, needs_attention
from apicredentials.views.attention import MOST, of_authorization, of_credential
from apicredentials.views.authorization_views import present_and_past
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
    }
    if contact_form.saved:
        search = CredentialSearchForm(request.GET)
        found = find_credentials(request, search)
        present, past = present_and_past(request.seller)
        context |= {
            "search": search,
            "is_searchable": found.total > SEARCHABLE_FROM or search.is_used,
            "new": request.GET.get("nieuw", ""),
            "credentials": found.page,
            "deleted_credentials": found.deleted,
            "authorizations": present,
            "past_authorizations": past,
            "attention": [*map(of_credential, found.attention), *filter(None, map(of_authorization, present))],
            "more_attention": found.attention_total - len(found.attention),
        }
    return render(request, "apicredentials/settings.html", context, status=status)


@dataclass
class Found:
    """The credentials of a seller as the page shows them."""

    total: int
    page: Page
    deleted: Page
    attention: list[ClientCredential]
    attention_total: int


def find_credentials(request: SellerRequest, search: CredentialSearchForm) -> Found:
    """Return a page of those that match, a page of the deleted ones, and those that need attention.

    Three queries, however many there are: the keys of all (at most a thousand beside the deleted ones), and the
    rows that are shown with their secrets.
    """
    everyone = ClientCredential.objects.filter(seller=request.seller)
    keys = list(
        (everyone.present() | everyone.restorable())
        .annotate(state_now=current_state())
        .annotate(needs_attention_now=holds(needs_attention()))
        .annotate(is_found=holds(search.condition))
        .order_by("-deleted_at", "-needs_attention_now", "folded_name", "pk")
        .values_list("pk", "client_id", "deleted_at", "state_now", "needs_attention_now", "is_found")
    )
    present = [key for key in keys if key[2] is None]
    attention = [pk for pk, *_, needs_attention, _ in present if needs_attention]
    counts = Counter(state for _, _, _, state, _, _ in present)
    search.show_counts(counts | {"": len(present), search.ATTENTION: len(attention)})
    # The one that was just made comes first, whatever its name.
    found = sorted((key for key in present if key[-1]), key=lambda key: key[1] != request.GET.get("nieuw"))
    page = paged([key[0] for key in found], request.GET.get("page"))
    deleted = paged([key[0] for key in keys if key[2] and key[-1]], request.GET.get("verwijderd"))
    shown = attention[:MOST]
    rows = everyone.with_details().in_bulk({*page.object_list, *deleted.object_list, *shown})
    for part in (page, deleted):
        part.object_list = [rows[pk] for pk in part.object_list]
    return Found(len(present), page, deleted, [rows[pk] for pk in shown], len(attention))


def holds(condition: Q) -> Case:
    """Return a condition as a column."""
    return Case(When(condition, then=True), default=False, output_field=BooleanField())


def paged(keys: list[int], number: str | None) -> Page:
    """Return the page of that number, or the nearest one."""
    return Paginator(keys, PAGE_SIZE).get_page(number)


@require_http_methods(["GET", "HEAD", "POST"])
@seller_required(to=Capability.CONTACT)
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

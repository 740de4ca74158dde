"""API Instellingen: each view is a look-up, a form, one act of the model and one answer."""

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import SellerRequest, actor, ask_for_proof, is_recently_proven, seller_required
from accounts.models import Capability
from apicredentials.forms import CredentialSearchForm, TechnicalContactForm
from apicredentials.models import ClientCredential, ThirdPartyAuthorization

# How many credentials are drawn at once; with more there is a search field too.
PAGE_SIZE = 20

# Where a session keeps what was typed while its user proves who they are.
CONTACT_DRAFT = "contact_draft"


@require_safe
@seller_required
def settings(request: SellerRequest) -> HttpResponse:
    """Show the whole page: contact, credentials, authorised parties."""
    draft = request.session.pop(CONTACT_DRAFT, None)
    if draft:
        messages.warning(request, "Het technisch contact is nog niet opgeslagen: kies nog een keer Opslaan.")
    return settings_page(request, TechnicalContactForm(draft, seller=request.seller))


def settings_page(request: SellerRequest, contact_form: TechnicalContactForm, status: int = 200) -> HttpResponse:
    """Draw the page; without a saved contact its other sections are absent."""
    search = CredentialSearchForm(request.GET)
    credentials, deleted = find_credentials(request, search)
    return render(
        request,
        "apicredentials/settings.html",
        {
            "contact_form": contact_form,
            "contact": contact_form.saved,
            "search": search,
            "is_searchable": bool(search["q"].value()) or credentials.has_other_pages(),
            "credentials": credentials,
            "deleted_credentials": deleted,
            "authorizations": ThirdPartyAuthorization.objects.for_seller(request.seller).with_details(),
        },
        status=status,
    )


def find_credentials(request: SellerRequest, search: CredentialSearchForm) -> tuple[Page, Page]:
    """Return a page of those found, and one of those that can be put back: three queries, however many there are.

    The keys of all, a thousand at most beside the deleted, tell how many there are and which are on the page.
    """
    everyone = ClientCredential.objects.filter(seller=request.seller)
    found = search.rows(everyone.present()) | everyone.restorable()
    keys = list(found.order_by("-deleted_at", "-created", "-pk").values_list("pk", "deleted_at"))
    present = paged([pk for pk, deleted_at in keys if deleted_at is None], request.GET.get("page"))
    deleted = paged([pk for pk, deleted_at in keys if deleted_at is not None], request.GET.get("verwijderd"))
    rows = everyone.with_details().in_bulk([*present.object_list, *deleted.object_list])
    for page in (present, deleted):
        page.object_list = [rows[pk] for pk in page.object_list]
    return present, deleted


def paged(keys: list[int], number: str | None) -> Page:
    """Return the page of that number, or the nearest that there is."""
    return Paginator(keys, PAGE_SIZE).get_page(number)


@require_http_methods(["GET", "HEAD", "POST"])
@seller_required(to=Capability.CONTACT)
def contact(request: SellerRequest) -> HttpResponse:
    """Save the technical contact. The form stands on the settings page, to which a reload leads back."""
    if request.method != "POST":
        return redirect("apicredentials:settings")
    form = TechnicalContactForm(request.POST, seller=request.seller)
    if not form.is_valid():
        return settings_page(request, form, status=422)
    if form.changes_address and not is_recently_proven(request):
        # What was typed is there again after the password.
        request.session[CONTACT_DRAFT] = {name: request.POST.get(name, "") for name in form.fields}
        return ask_for_proof(request, reverse("apicredentials:settings"))
    form.save_for(by=actor(request))
    messages.success(request, "Het technisch contact is opgeslagen.")
    return redirect("apicredentials:settings")

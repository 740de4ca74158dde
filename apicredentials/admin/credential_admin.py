"""Client credentials in the admin: search by a pasted secret, filters, and actions with a reason."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.admin_pages import MOST_FOUND, as_keys, contains
from apicredentials import names
from apicredentials.admin.links import links_to
from apicredentials.admin.list_filters import CredentialStateFilter, CredentialUseFilter, SecretAgeFilter
from apicredentials.admin.problem_lists import HEADING, problem_list, with_refusals
from apicredentials.admin.read_only import ReadOnlyAdmin
from apicredentials.admin.reason_actions import Act, ActingAdmin
from apicredentials.admin.secret_admin import describe_secrets
from apicredentials.keys import secret_format
from apicredentials.keys.hash_keys import digest
from apicredentials.models import Activity, ClientCredential, ClientSecret
from apicredentials.models.leak_reports import find_secrets, owner_of, report_leak_of
from apicredentials.moments import moment

PAUSE = Act(
    "pause",
    "Pauzeren",
    "Vanaf nu krijgen deze client credentials geen tokens meer, en werkt geen enkel token dat er al mee is "
    "gemaakt. De verkoper kan ze zelf hervatten.",
    ClientCredential.pause,
    Q(paused_at=None, deleted_at=None),
)
RESUME = Act(
    "resume",
    "Hervatten",
    "Deze client credentials werken weer. Na een lek moet de verkoper eerst een nieuw secret maken.",
    ClientCredential.resume,
    Q(paused_at__isnull=False, deleted_at=None),
)
REVOKE = Act(
    "revoke",
    "Intrekken",
    "Vanaf nu krijgen deze client credentials geen tokens meer, en werkt geen enkel token dat er al mee is "
    "gemaakt. De verkoper kan ze 30 dagen lang terugzetten, behalve na een lek.",
    ClientCredential.delete_softly,
    Q(deleted_at=None),
)
RESTORE = Act(
    "restore",
    "Terugzetten",
    "Deze client credentials werken weer, met dezelfde secrets. Dat kan tot 30 dagen na het verwijderen, en niet na "
    "een lek.",
    ClientCredential.restore,
    Q(deleted_at__isnull=False),
)
REPORT_LEAK = Act(
    "report_leak",
    "Lek melden",
    "De secrets van deze client credentials worden beëindigd en de client credentials gepauzeerd. De verkoper krijgt "
    "een mail, en moet een nieuw secret maken. Dit kan niet ongedaan worden gemaakt.",
    report_leak_of,
    Q(deleted_at=None),
)


@admin.register(ClientCredential)
class ClientCredentialAdmin(ActingAdmin, ReadOnlyAdmin):
    list_display = ("name", "seller", "client_id", "state", "created", "last_used_at", "refusals")
    list_filter = (CredentialStateFilter, SecretAgeFilter, CredentialUseFilter)
    list_select_related = ("seller",)
    ordering = ("-pk",)  # has an index
    search_fields = ("name",)  # shows the search field; see get_search_results
    search_help_text = (
        "Naam, Client ID, laatste vier tekens van een secret, nummer of naam van de verkoper. Of plak een heel secret: "
        "we zoeken op de hash."
    )
    fields = (
        "name",
        "seller",
        "client_id",
        "state",
        "scope",
        "secret_lines",
        "last_used_at",
        "problems",
        "created",
        "created_by",
        "paused_at",
        "deleted_at",
        "links",
    )
    readonly_fields = ("state", "secret_lines", "last_used_at", "problems", "links")
    actions = (PAUSE.action, RESUME.action, REVOKE.action, RESTORE.action, REPORT_LEAK.action)

    @admin.display(description="toestand")
    def state(self, credential: ClientCredential) -> str:
        return credential.state.label

    @admin.display(description="laatst gebruikt")
    def last_used_at(self, credential: ClientCredential) -> str:
        return moment(credential.last_used_at) if credential.last_used_at else "nooit"

    @admin.display(description="client secrets")
    def secret_lines(self, credential: ClientCredential) -> str:
        return describe_secrets(credential)

    @admin.display(description=HEADING)
    def problems(self, credential: ClientCredential) -> str:
        return problem_list(credential)

    @admin.display(description=HEADING)
    def refusals(self, credential: Any) -> int:
        return int(credential.refusals)

    @admin.display(description="zie ook")
    def links(self, credential: ClientCredential) -> str:
        return links_to(Activity, target__exact=credential.client_id)

    def describe(self, row: ClientCredential) -> str:
        """Add the seller: a name is unique for one seller only."""
        return f"{row} – {row.seller}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ClientCredential]:
        return with_refusals(super().get_queryset(request), "client_id").prefetch_related("secrets")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by the start of the Client ID, the hint of a secret, names, and the seller's number."""
        term = search_term.strip()
        if not term:
            return queryset, False
        hint = ClientSecret.objects.filter(hint=term.removeprefix("rts_").removeprefix("…")).order_by()
        matching = (
            Q(folded_name__contains=names.fold(term))
            | Q(client_id__startswith=term.lower())
            | Q(pk__in=list(hint.values_list("client", flat=True)[:MOST_FOUND]))
            | contains(ClientCredential, "seller__retailer_id", term, "exact")
            | contains(ClientCredential, "seller__display_name", term)
        )
        return queryset.filter(as_keys(ClientCredential, matching)), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Turn a search for a secret into one for its client.

        The search form is sent as POST and redirected, so that no secret gets into an address, which servers log and
        browsers remember.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = request.POST.get("q", request.GET.get("q", ""))
        if secret := secret_format.PATTERN.search(query):
            return self.redirect_to_owner(request, secret[0])
        if "q" in request.POST:
            parameters = {name: value for name, value in request.POST.items() if name != "csrfmiddlewaretoken"}
            return redirect(reverse("admin:apicredentials_clientcredential_changelist", query=parameters))
        return super().changelist_view(request, extra_context)

    def redirect_to_owner(self, request: HttpRequest, secret: str) -> HttpResponse:
        found = next(iter(find_secrets([digest(secret)])), None)
        if found is None:
            self.message_user(request, "Niemand heeft dit secret. Controleer of het compleet is.", messages.WARNING)
            return redirect("admin:apicredentials_clientcredential_changelist")
        owner = owner_of(found)
        self.message_user(request, f"Dit secret (…{found.hint}) is van {owner.name}.")
        changelist = f"admin:apicredentials_{owner._meta.model_name}_changelist"
        return redirect(reverse(changelist, query={"q": owner.client_id}))

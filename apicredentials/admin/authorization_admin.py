"""Authorisations of third parties in the admin: read, and revoke with a reason."""

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from apicredentials.admin.links import links_to
from apicredentials.admin.list_filters import ChoiceFilter
from apicredentials.admin.problem_lists import HEADING, problem_list, with_refusals
from apicredentials.admin.read_only import ReadOnlyAdmin
from apicredentials.admin.reason_actions import Act, ActingAdmin
from apicredentials.models import Activity, ThirdPartyAuthorization
from apicredentials.models.authorization_filters import in_state
from apicredentials.models.states import GIVER_GONE, State

REVOKE = Act(
    "revoke",
    "Intrekken",
    "Vanaf nu werkt geen enkel token van deze partij voor deze verkoper. Alleen de verkoper kan opnieuw toegang "
    "geven, bij de partij zelf.",
    ThirdPartyAuthorization.revoke,
    Q(ended_at=None) | Q(end_cause__in=GIVER_GONE),
)


class AuthorizationStateFilter(ChoiceFilter):
    title = "toestand"
    parameter_name = "state"
    conditions: ClassVar = {state.value: (state.label, partial(in_state, state)) for state in State}


@admin.register(ThirdPartyAuthorization)
class ThirdPartyAuthorizationAdmin(ActingAdmin, ReadOnlyAdmin):
    list_display = (
        "third_party",
        "seller",
        "state",
        "granted_at",
        "granted_by",
        "expires_at",
        "last_used_at",
        "refusals",
    )
    list_filter = (AuthorizationStateFilter,)
    ordering = ("-pk",)  # has an index
    search_fields = ("third_party__name", "seller__display_name", "seller__retailer_id")
    fields = (
        "third_party",
        "seller",
        "state",
        "cause",
        "scope",
        "granted_by",
        "granted_at",
        "expires_at",
        "ended_at",
        "ended_by",
        "last_used_at",
        "problems",
        "links",
    )
    readonly_fields = ("state", "cause", "problems", "links")
    actions = (REVOKE.action,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_refusals(ThirdPartyAuthorization.objects.with_parties(), "uid")

    @admin.display(description="toestand")
    def state(self, authorization: ThirdPartyAuthorization) -> str:
        return authorization.state_label

    @admin.display(description="oorzaak", empty_value="-")
    def cause(self, authorization: ThirdPartyAuthorization) -> str | None:
        return " ".join(filter(None, [authorization.cause_sentence, authorization.remedy])) or None

    @admin.display(description=HEADING)
    def problems(self, authorization: ThirdPartyAuthorization) -> str:
        return problem_list(authorization)

    @admin.display(description=HEADING)
    def refusals(self, authorization: Any) -> int:
        return int(authorization.refusals)

    @admin.display(description="zie ook")
    def links(self, authorization: ThirdPartyAuthorization) -> str:
        return links_to(Activity, target__exact=authorization.uid)

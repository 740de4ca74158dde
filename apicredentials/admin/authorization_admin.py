"""Authorisations of third parties in the admin: read, and revoke with a reason."""

from django.contrib import admin
from django.db.models import Q

from apicredentials.admin.read_only import ReadOnlyAdmin
from apicredentials.admin.reason_actions import Act, ActingAdmin
from apicredentials.models import ThirdPartyAuthorization

REVOKE = Act(
    "revoke",
    "Intrekken",
    "Vanaf nu werkt geen enkel token van deze partij voor deze verkoper. Alleen de verkoper kan opnieuw toegang "
    "geven, bij de partij zelf.",
    ThirdPartyAuthorization.revoke,
    Q(ended_at=None),
)


@admin.register(ThirdPartyAuthorization)
class ThirdPartyAuthorizationAdmin(ActingAdmin, ReadOnlyAdmin):
    list_display = ("third_party", "seller", "granted_at", "granted_by", "expires_at", "ended_at", "last_used_at")
    search_fields = ("third_party__name", "seller__display_name", "seller__retailer_id")
    list_select_related = ("third_party", "seller", "granted_by")
    fields = ("third_party", "seller", "scope", "granted_by", "granted_at", "expires_at", "ended_at", "last_used_at")
    actions = (REVOKE.action,)

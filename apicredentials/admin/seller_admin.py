"""Sellers, who works for them, whom to call, and what was done.

Closing a seller is written in the activity log, which the accounts know nothing of: hence here.
"""

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from accounts.models import Membership, Seller
from apicredentials.admin.read_only import ReadOnlyAdmin
from apicredentials.admin.reason_actions import Act, ActingAdmin
from apicredentials.models import Activity, TechnicalContact, sellers

CLOSE = Act(
    "close",
    "Sluiten",
    "Vanaf nu krijgt niemand meer toegang tot de Retailer API namens deze verkoper: client credentials, derde "
    "partijen en tokens die er al zijn, doen niets meer. Na heropenen werkt alles weer zoals het was.",
    sellers.close,
    Q(closed_at=None),
)
REOPEN = Act(
    "reopen",
    "Heropenen",
    "Alles wat bij het sluiten werkte en intussen niet is beëindigd, werkt weer.",
    sellers.reopen,
    Q(closed_at__isnull=False),
)


class MembershipInline(admin.StackedInline):  # a table would leave its fields without labels
    """Who works for a seller."""

    model = Membership
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(Seller)
class SellerAdmin(ActingAdmin):
    """Sellers: open, change and close. Never deleted: their history must stay."""

    list_display = ("display_name", "retailer_id", "company_name", "registration_date", "closed_at")
    search_fields = ("display_name", "retailer_id", "company_name", "kvk_number")
    list_filter = (("closed_at", admin.EmptyFieldListFilter),)
    readonly_fields = ("retailer_id", "closed_at")
    actions = (CLOSE.action, REOPEN.action)
    inlines = (MembershipInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Seller | None = None) -> bool:
        return False


@admin.register(TechnicalContact)
class TechnicalContactAdmin(ReadOnlyAdmin):
    """Whom to call about a seller's connection."""

    list_display = ("name", "email", "phone_number", "seller", "confirmed_at")
    search_fields = ("name", "email", "seller__display_name", "seller__retailer_id")
    list_select_related = ("seller",)


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    """The log, for reading."""

    list_display = ("at", "kind", "subject", "seller", "actor_name", "reason", "address")
    fields = ("at", "kind", "subject", "details_in_words", "seller", "user", "actor_name", "address", "reason")
    readonly_fields = ("details_in_words",)
    search_fields = ("subject", "seller__retailer_id", "actor_name")
    list_filter = ("kind",)
    list_select_related = ("seller",)
    date_hierarchy = "at"

    @admin.display(description="bijzonderheden", empty_value="-")
    def details_in_words(self, activity: Activity) -> str | None:
        """Return what the seller reads."""
        return activity.explanation or None

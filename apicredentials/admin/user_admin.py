"""Users in the admin, with links to what is theirs, and switched off and on with a reason.

Here and not in `accounts`, which may not import the activity log.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from accounts.admin import UserAdmin, is_superuser
from accounts.models import Seller, User
from apicredentials.admin.links import links_to
from apicredentials.admin.reason_actions import Act, ActingAdmin
from apicredentials.models import (
    Activity,
    ClientCredential,
    OutgoingMail,
    TechnicalContact,
    ThirdPartyAuthorization,
    sellers,
)

SWITCH_OFF = Act(
    "switch_off",
    "Uitschakelen",
    "Deze persoon kan niet meer inloggen. Partijen die deze persoon toegang gaf, hebben geen toegang meer tot een "
    "collega ze overneemt. De eigenaren krijgen een mail.",
    sellers.switch_off,
    Q(is_active=True),
)
SWITCH_ON = Act(
    "switch_on",
    "Inschakelen",
    "Deze persoon kan weer inloggen. Partijen die hierdoor stopten en die niemand overnam, hebben weer toegang.",
    sellers.switch_on,
    Q(is_active=False),
)

admin.site.unregister(User)


@admin.register(User)
class ActingUserAdmin(ActingAdmin, UserAdmin):
    actions = (SWITCH_OFF.action, SWITCH_ON.action)
    fields = (*UserAdmin.fields, "links")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Switching off and on are actions, because they need a reason and stop what the user consented to."""
        return (*super().get_readonly_fields(request, obj), "is_active", "links")

    @admin.display(description="hoort bij deze gebruiker")
    def links(self, user: User) -> str:
        if not user.pk:
            return "-"
        return format_html(
            "{}" * 5,
            links_to(Seller, members__id__exact=user.pk),
            links_to(ThirdPartyAuthorization, granted_by__id__exact=user.pk),
            links_to(ClientCredential, created_by__id__exact=user.pk),
            links_to(Activity, user__id__exact=user.pk),
            links_to(TechnicalContact, OutgoingMail, q=user.email),
        )

    def ask_or_act(self, request: HttpRequest, queryset: QuerySet, act: Act) -> HttpResponse | None:
        """Let only superusers switch superusers."""
        allowed = queryset if is_superuser(request) else queryset.filter(is_superuser=False)
        return super().ask_or_act(request, allowed, act)

    def describe(self, row: Any) -> str:
        """Add what stops when the user is switched off."""
        count = ThirdPartyAuthorization.objects.active().filter(granted_by=row).count()
        return f"{row} ({row.email}): {count} {'partij' if count == 1 else 'partijen'} met toegang"

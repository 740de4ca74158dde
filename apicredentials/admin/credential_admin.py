"""Sellers' own credentials: for reading, and for stopping when something is wrong."""

from django.contrib import admin
from django.db.models import Q

from apicredentials.admin.read_only import ReadOnlyAdmin
from apicredentials.admin.reason_actions import Act, ActingAdmin
from apicredentials.models import ClientCredential
from apicredentials.models.leak_reports import report_leak_of

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
    "Deze client credentials werken weer.",
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
    """Sellers' own credentials."""

    list_display = ("name", "seller", "client_id", "created", "paused_at", "deleted_at")
    search_fields = ("name", "client_id", "seller__display_name", "seller__retailer_id")
    list_select_related = ("seller",)
    fields = ("name", "seller", "client_id", "scope", "created", "created_by", "paused_at", "deleted_at")
    actions = (PAUSE.action, RESUME.action, REVOKE.action, REPORT_LEAK.action)

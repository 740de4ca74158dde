"""The outbox for operators: sent and stuck mail, and previews of every kind."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.timesince import timeuntil

from apicredentials.admin.read_only import ReadOnlyAdmin
from apicredentials.mail import MESSAGES
from apicredentials.mail.previews import sample
from apicredentials.mail.rendering import compose, render
from apicredentials.models import Activity, OutgoingMail

LABELS: dict[str, str] = dict(Activity.Kind.choices) | dict(OutgoingMail.Kind.choices)


class MailStateFilter(admin.SimpleListFilter):
    title = "toestand"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("stuck", "Zit vast"),
            ("given_up", "Opgegeven"),
            ("waiting", "Nog te versturen"),
            ("sent", "Verstuurd"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        states = {
            "stuck": OutgoingMail.objects.stuck(),
            "given_up": queryset.filter(given_up_at__isnull=False),
            "waiting": OutgoingMail.objects.waiting(),
            "sent": queryset.filter(sent_at__isnull=False),
        }
        chosen = states.get(self.value() or "")
        return queryset if chosen is None else queryset & chosen


class KindFilter(admin.SimpleListFilter):
    title = "soort"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(kind, LABELS[kind]) for kind in MESSAGES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "label", "recipient", "seller", "attempts", "next_attempt", "sent_at", "last_error")
    list_filter = (MailStateFilter, KindFilter)
    list_select_related = ("seller",)
    search_fields = ("^recipient", "seller__display_name", "seller__retailer_id")
    date_hierarchy = "created_at"
    actions = ("try_again",)
    fields = (
        "label",
        "recipient",
        "seller",
        "announcement",
        "created_at",
        "attempts",
        "due_at",
        "sent_at",
        "given_up_at",
        "last_error",
        "message_id",
    )
    readonly_fields = ("label",)

    @admin.display(description="soort", ordering="kind")
    def label(self, mail: OutgoingMail) -> str:
        return LABELS.get(mail.kind, mail.kind)

    @admin.display(description="volgende poging", ordering="due_at")
    def next_attempt(self, mail: OutgoingMail) -> str:
        if mail.sent_at:
            return "–"
        return "opgegeven" if mail.given_up_at else f"over {timeuntil(mail.due_at)}"

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("apicredentials.change_outgoingmail")

    @admin.action(description="Vastzittende mail nu opnieuw proberen", permissions=["try_again"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[OutgoingMail]) -> None:
        """Make the stuck mails among the chosen ones due now."""
        count = OutgoingMail.objects.filter(pk__in=queryset).try_again()
        self.message_user(request, f"{count} mails gaan mee met de volgende ronde van send_notices.")

    def get_urls(self) -> list[URLPattern]:
        """Add the previews."""
        preview = self.admin_site.admin_view(self.preview)
        return [
            path("voorbeelden/", preview, name="apicredentials_outgoingmail_previews"),
            path("voorbeelden/<str:kind>/", preview, name="apicredentials_outgoingmail_preview"),
            *super().get_urls(),
        ]

    def preview(self, request: HttpRequest, kind: str = "") -> HttpResponse:
        """Show one kind of mail as text and as HTML; without a kind, the list of kinds."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if kind and kind not in MESSAGES:
            raise Http404
        context = self.admin_site.each_context(request) | {
            "title": LABELS[kind] if kind else "Voorbeelden van mails",
            "opts": self.opts,
            "kinds": [(each, LABELS[each]) for each in MESSAGES],
        }
        if kind:
            context |= {"message": compose(sample(kind)), "email": render(sample(kind))}
        return TemplateResponse(request, "admin/mail_preview.html", context)

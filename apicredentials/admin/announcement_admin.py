"""Announcements for operators: write, preview, send with a reason, and follow their progress."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Field, QuerySet
from django.forms import CharField, HiddenInput
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html

from accounts.access import actor, ask_for_proof, ask_or_act, filled_in, is_recently_proven, keep_form_for_proof
from accounts.admin_pages import MOST_COUNTED, AtLeast, PortalAdmin
from apicredentials.admin.reason_actions import ReasonForm
from apicredentials.exceptions import AlreadySent, Refusal, WordsChanged
from apicredentials.mail.previews import sample_of
from apicredentials.mail.rendering import compose, render
from apicredentials.models import Announcement
from apicredentials.models.announcements import AnnouncementQuerySet

OUTBOX = "admin:apicredentials_outgoingmail_changelist"


class SendForm(ReasonForm):
    """The reason for sending an announcement, and when the words that the operator read were saved."""

    seen = CharField(max_length=40, widget=HiddenInput)

    def __init__(self, data: Any, announcement: Announcement) -> None:
        super().__init__(data, initial={"seen": announcement.updated_at.isoformat()})
        self.fields[
            "reason"
        ].help_text = "Alleen operators lezen deze reden, bij Activiteiten. Verkopers lezen de mail."

    def clean_seen(self) -> dt.datetime:
        try:
            return dt.datetime.fromisoformat(self.cleaned_data["seen"])
        except ValueError as error:
            raise ValidationError(str(WordsChanged()), code=WordsChanged.code) from error


def count_addresses(announcement: Announcement) -> int:
    """Count at most MOST_COUNTED addresses, those of the first recipients: counting all takes a second for 200,000."""
    rows = 2 * MOST_COUNTED
    first = [
        *announcement.contacts().values_list("email", flat=True)[:rows],
        *announcement.owners().values_list("user__email", flat=True)[:rows],
    ]
    found = len({address.lower() for address in first})
    if found > MOST_COUNTED:
        return AtLeast(MOST_COUNTED)
    return found if len(first) < rows else announcement.count_addresses()


class SentFilter(admin.SimpleListFilter):
    title = "toestand"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("draft", "Concept"), ("sent", "Verstuurd")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in {"draft", "sent"}:
            return queryset.filter(sent_at__isnull=self.value() == "draft")
        return queryset


@admin.register(Announcement)
class AnnouncementAdmin(PortalAdmin):
    """Announcements: a draft may be changed and deleted; a sent one is read-only."""

    list_display = ("subject", "state", "created_at", "sent_at")
    list_filter = (SentFilter,)
    search_fields = ("subject", "text", "third_party__name")
    date_hierarchy = "created_at"
    actions = None  # no bulk actions
    fields = ("subject", "text", "third_party")
    formfield_overrides: ClassVar[dict[type[Field], dict[str, Any]]] = {
        models.CharField: {"widget": AdminTextInputWidget(attrs={"class": "vLargeTextField"})}
    }
    change_form_template = "admin/announcement_form.html"

    # ---- Permissions ----------------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Announcement | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.is_draft)

    def has_delete_permission(self, request: HttpRequest, obj: Announcement | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.is_draft)

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Return whether this operator may send announcements."""
        return self.has_view_permission(request) and request.user.has_perm("apicredentials.send_announcement")

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save, or report what a colleague did at the same moment."""
        return self.or_report_conflict(request, super().changeform_view, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Delete, or report what a colleague did at the same moment."""
        return self.or_report_conflict(request, super().delete_view, *args, **kwargs)

    def or_report_conflict(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Return the response of `view`, or a message about a conflict that its own checks were too early to see."""
        try:
            return view(request, *args, **kwargs)
        except IntegrityError:
            self.message_user(request, "Er is al een mededeling met precies deze woorden.", messages.WARNING)
        except Refusal as error:
            self.message_user(request, str(error), messages.WARNING)
        return redirect("admin:apicredentials_announcement_changelist")

    def response_post_save_add(self, request: HttpRequest, obj: Announcement) -> HttpResponseRedirect:
        """Redirect to the preview."""
        return redirect("admin:apicredentials_announcement_preview", obj.pk)

    def response_post_save_change(self, request: HttpRequest, obj: Announcement) -> HttpResponseRedirect:
        """Redirect to the preview."""
        return redirect("admin:apicredentials_announcement_preview", obj.pk)

    # ---- List and form --------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Announcement]:
        """Annotate whether mails are still waiting, in the same query."""
        announcements = super().get_queryset(request)
        assert isinstance(announcements, AnnouncementQuerySet)
        return announcements.with_waiting()

    def get_fields(self, request: HttpRequest, obj: Announcement | None = None) -> list[Any]:
        """Show the progress of a sent announcement."""
        sent = [] if obj is None or obj.is_draft else ["state", "progress", "created_at", "sent_at"]
        return [*sent, *self.fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Announcement | None = None) -> list[str]:
        return [name for name in self.get_fields(request, obj) if name not in self.fields]

    @admin.display(description="toestand")
    def state(self, announcement: Announcement) -> str:
        if announcement.is_draft:
            return "Concept"
        return "Wordt verstuurd" if getattr(announcement, "has_waiting", False) else "Verstuurd"

    @admin.display(description="voortgang")
    def progress(self, announcement: Announcement) -> str:
        """Return the counts of its mails, with a link to them."""
        is_total_known = announcement.queued_at or not isinstance(count_addresses(announcement), AtLeast)
        progress = announcement.progress() if is_total_known else announcement.count_mails()
        total = f" van {progress.total}" if is_total_known else ""
        parts = [f"{progress.sent}{total} verstuurd", f"{progress.waiting} nog te gaan"]
        if progress.stuck:
            parts.append(f"waarvan {progress.stuck} na een mislukte poging")
        if progress.given_up:
            parts.append(f"{progress.given_up} opgegeven")
        if not is_total_known:
            parts.append("de rest wordt nog klaargezet")
        address = reverse(OUTBOX, query={"announcement__id__exact": announcement.pk})
        return format_html('{}. <a href="{}">Wie de mail kreeg</a>', ", ".join(parts), address)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the links to the preview and to sending."""
        announcement: Announcement | None = kwargs.get("obj")
        if announcement:
            context["may_send"] = announcement.is_draft and self.has_send_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    # ---- Preview and send -----------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        """Add the preview and send pages."""
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/voorbeeld/", view(self.preview), name="apicredentials_announcement_preview"),
            path("<int:pk>/versturen/", view(self.send), name="apicredentials_announcement_send"),
            *super().get_urls(),
        ]

    @method_decorator(ask_or_act)
    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the mail as contacts get it. Never sends anything, whatever the method."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.draw(request, get_object_or_404(Announcement, pk=pk), "Voorbeeld")

    @method_decorator(ask_or_act)
    def send(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the mail and the number of addresses; send it on a POST with a reason, unless it changed meanwhile."""
        if not self.has_send_permission(request):
            raise PermissionDenied
        announcement = get_object_or_404(Announcement, pk=pk)
        keep_form_for_proof(request)
        if not is_recently_proven(request):
            return ask_for_proof(request)
        form = SendForm(filled_in(request), announcement)
        if request.method == "POST" and form.is_valid():
            return self.carry_out(request, announcement, form)
        if not announcement.is_draft:
            return self.already_sent(request, announcement)
        return self.draw(request, announcement, "Versturen", form=form, status=422 if request.method == "POST" else 200)

    def carry_out(self, request: HttpRequest, announcement: Announcement, form: SendForm) -> HttpResponse:
        """Send it, or show the words again if they changed after the operator read them."""
        by = replace(actor(request), reason=form.cleaned_data["reason"])
        try:
            with transaction.atomic():
                announcement.send(by=by, seen=form.cleaned_data["seen"])
                self.log_change(request, announcement, f"Verstuurd: {by.reason}")
        except AlreadySent:
            return self.already_sent(request, announcement)
        except WordsChanged as error:
            self.message_user(request, str(error), messages.WARNING)
            changed = get_object_or_404(Announcement, pk=announcement.pk)
            again = SendForm({"reason": by.reason, "seen": changed.updated_at.isoformat()}, changed)
            return self.draw(request, changed, "Versturen", form=again, status=409)
        self.message_user(request, "De mededeling wordt verstuurd.", messages.SUCCESS)
        return redirect("admin:apicredentials_announcement_change", announcement.pk)

    def already_sent(self, request: HttpRequest, announcement: Announcement) -> HttpResponse:
        """Redirect to its page, which shows the progress."""
        self.message_user(request, str(AlreadySent()), messages.WARNING)
        return redirect("admin:apicredentials_announcement_change", announcement.pk)

    def draw(
        self,
        request: HttpRequest,
        announcement: Announcement,
        title: str,
        *,
        form: SendForm | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """Render the mail, with the form that sends it."""
        mail = sample_of(announcement)
        context = self.admin_site.each_context(request) | {
            "title": title,
            "opts": self.opts,
            "announcement": announcement,
            "addresses": count_addresses(announcement) if announcement.is_draft else None,
            "message": compose(mail),
            "email": render(mail),
            "form": form,
            "may_send": form is None and announcement.is_draft and self.has_send_permission(request),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/announcement.html", context, status=status)

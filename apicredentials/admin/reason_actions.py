"""Actions of the admin that require a reason, which the seller reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import ActionLocation
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth import get_permission_codename
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts.access import actor
from accounts.admin_pages import PortalAdmin
from apicredentials.exceptions import Refusal
from apicredentials.keys import secret_format
from apicredentials.models import Activity

# As many as a person can check on the confirmation page.
MOST_AT_ONCE = 100

type Action = Callable[[Any, HttpRequest, QuerySet], HttpResponse | None]


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Reden",
        max_length=Activity._meta.get_field("reason").max_length,
        widget=AdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="De verkoper leest deze reden bij Activiteit, en in de mail als we er een sturen.",
        error_messages={"required": "Vul een reden in."},
    )

    def clean_reason(self) -> str:
        """Require one line without a secret."""
        reason: str = self.cleaned_data["reason"]
        if not reason.isprintable():
            raise ValidationError("Deze reden bevat een onzichtbaar teken. Typ hem opnieuw.", code="invisible")
        if secret_format.PATTERN.search(reason):
            raise ValidationError("Deze reden bevat een client secret. Haal het weg.", code="secret")
        return reason


@dataclass(frozen=True)
class Act:
    """An action; `among` selects the rows that it applies to."""

    name: str
    label: str
    warning: str
    verb: Callable[..., object]
    among: Q

    @property
    def action(self) -> Action:
        """The function that ModelAdmin.actions takes."""

        def action(model_admin: ActingAdmin, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
            return model_admin.ask_or_act(request, queryset, self)

        action.__name__ = self.name
        decorate = admin.action(
            description=self.label,
            permissions=["act"],
            location=[ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM],
        )
        return decorate(action)


class ActingAdmin(PortalAdmin):
    """Rows with actions, for operators who have the permission to change them."""

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Check the change permission, also of models whose form is read-only."""
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")

    def ask_or_act(self, request: HttpRequest, queryset: QuerySet, act: Act) -> HttpResponse | None:
        """Ask for a reason, then act. None returns to the list or form that the operator came from."""
        rows = list(queryset.filter(act.among)[: MOST_AT_ONCE + 1])
        if not rows:
            self.message_user(request, f"{act.label}: dat kan hier niet, of is al gedaan.", messages.WARNING)
            return None
        if len(rows) > MOST_AT_ONCE:
            self.message_user(request, f"Kies er hoogstens {MOST_AT_ONCE} tegelijk.", messages.WARNING)
            return None
        form = ReasonForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            return self.ask(request, rows, act, form)
        self.carry_out(request, rows, act, form.cleaned_data["reason"])
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def ask(self, request: HttpRequest, rows: Sequence[Any], act: Act, form: ReasonForm) -> HttpResponse:
        """Show the confirmation page. Its form is always sent to the list."""
        context = self.admin_site.each_context(request) | {
            "title": act.label,
            "opts": self.opts,
            "act": act,
            "rows": [(row, self.describe(row)) for row in rows],
            "form": form,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/reason.html", context, status=422 if form.is_bound else 200)

    def describe(self, row: Any) -> str:
        """Return what the confirmation page says of a row."""
        return str(row)

    def carry_out(self, request: HttpRequest, rows: Sequence[Any], act: Act, reason: str) -> None:
        """Act on each row in a transaction of its own; report the rows that refuse."""
        by = replace(actor(request), reason=reason)
        done = 0
        for row in rows:
            try:
                with transaction.atomic():
                    # Before the act, because a row that the act deletes has no key afterwards.
                    self.log_change(request, row, f"{act.label}: {reason}")
                    act.verb(row, by=by)
            except Refusal as error:
                self.message_user(request, f"{row}: {error}", messages.WARNING)
            else:
                done += 1
        if done:
            self.message_user(request, f"{act.label}: gedaan voor {done}.", messages.SUCCESS)

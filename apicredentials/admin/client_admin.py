"""Third parties and resource servers in the admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminFileWidget, AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html

from accounts.access import actor
from apicredentials import names, redirect_uris, scopes
from apicredentials.admin.links import links_to
from apicredentials.admin.problem_lists import HEADING, problem_list
from apicredentials.admin.reason_actions import Act
from apicredentials.admin.secret_admin import SecretAdmin
from apicredentials.exceptions import PartyNameTaken
from apicredentials.forms import NameField, RightsField
from apicredentials.models import (
    Activity,
    OAuthClient,
    ResourceServer,
    ThirdParty,
    ThirdPartyAuthorization,
    ThirdPartyLogo,
    logos,
)
from apicredentials.moments import moment

SUSPEND = Act(
    "suspend",
    "Stilzetten",
    "Vanaf nu krijgt deze partij geen tokens meer, en werkt geen enkel token dat ze al heeft. De verkopers die haar "
    "toegang gaven, krijgen een mail. De autorisaties blijven bestaan: na hervatten werkt alles weer zoals het was.",
    ThirdParty.pause,
    Q(paused_at=None, deleted_at=None),
)
RESUME = Act(
    "resume",
    "Hervatten",
    "Alle autorisaties die nog lopen, geven weer toegang. De verkopers die haar toegang gaven, krijgen een mail. Na "
    "een lek moet de partij eerst een nieuw secret hebben.",
    ThirdParty.resume,
    Q(paused_at__isnull=False, deleted_at=None),
)


class ClientForm(forms.ModelForm):
    """A client that belongs to no seller; the names of all these clients are unique."""

    name = NameField()

    def clean_name(self) -> str:
        """Refuse a name in use, ignoring case."""
        name: str = self.cleaned_data["name"]
        others = OAuthClient.objects.filter(seller=None, deleted_at=None).exclude(pk=self.instance.pk)
        if others.filter(folded_name=names.fold(name)).exists():
            raise ValidationError(str(PartyNameTaken()), code=PartyNameTaken.code)
        return name


class ThirdPartyForm(ClientForm):
    redirect_uris = forms.CharField(
        label="Redirect URI's",
        widget=AdminTextareaWidget(attrs={"rows": 4}),
        help_text="Eén per regel, precies zoals de partij ze stuurt. Met https; http mag alleen op localhost.",
        error_messages={"required": "Vul ten minste één redirect URI in."},
    )
    scope = RightsField(among=list(scopes.ALL))
    logo = forms.FileField(
        label="Logo",
        required=False,
        # Our field template renders a legend instead of a label.
        widget=AdminFileWidget(attrs={"aria-label": "Logo"}),
        help_text=f"PNG, JPEG of WebP, hoogstens {logos.MAXIMUM_BYTES // 1024} kB en {logos.MAXIMUM_PIXELS} bij "
        f"{logos.MAXIMUM_PIXELS} pixels. We verkleinen het tot {logos.SIDE} bij {logos.SIDE}.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["redirect_uris"] = "\r\n".join(self.instance.redirect_uris.split())
            self.initial["scope"] = self.instance.rights
            self.initial["logo"] = getattr(self.instance, "logo", None)

    def clean_redirect_uris(self) -> str:
        """Check each, and report all that are wrong."""
        uris = self.cleaned_data["redirect_uris"].split()
        errors = []
        for uri in uris:
            try:
                redirect_uris.clean(uri)
            except ValidationError as error:
                errors.append(error)
        if errors:
            raise ValidationError(errors)
        return redirect_uris.join(uris)

    def clean_scope(self) -> str:
        return scopes.join(self.cleaned_data["scope"])

    def clean_logo(self) -> Any:
        """Return the bytes of a valid new logo, False to remove the present one, or anything else to keep it."""
        logo = self.cleaned_data["logo"]
        if not isinstance(logo, UploadedFile):
            return logo
        content: bytes = logo.read(logos.MAXIMUM_BYTES + 1)
        logos.to_png(content)
        return content


class RegisteredAdmin(SecretAdmin):
    """Clients that belong to no seller. They are never deleted."""

    form = ClientForm
    search_fields = ("name", "client_id")

    def has_delete_permission(self, request: HttpRequest, obj: OAuthClient | None = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Report that somebody else took the name after the form was validated."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except PartyNameTaken as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: OAuthClient, form: Any, change: bool) -> None:
        obj.register(by=actor(request))


@admin.register(ThirdParty)
class ThirdPartyAdmin(RegisteredAdmin):
    """Third parties. They are suspended, never deleted, because sellers must be able to read their history."""

    form = ThirdPartyForm
    list_display = ("name", "client_id", "state", "level", "is_listed", "created", "last_used_at")
    list_filter = (("paused_at", admin.EmptyFieldListFilter), "client_type", "level", "is_listed")
    actions = (SUSPEND.action, RESUME.action)
    radio_fields = {"client_type": admin.VERTICAL, "refresh_tokens": admin.VERTICAL}  # noqa: RUF012

    fields = (
        "name",
        "contact_email",
        "client_type",
        "redirect_uris",
        "scope",
        "refresh_tokens",
        "pkce_required",
        "logo",
        "level",
        "description",
        "start_url",
        "is_listed",
    )
    about = (
        "client_id",
        "state",
        "secret_lines",
        "sellers_allowing",
        "last_used_at",
        "problems",
        "links",
        "created",
        "paused_at",
    )

    def get_fields(self, request: HttpRequest, obj: ThirdParty | None = None) -> tuple[str, ...]:
        return self.fields if obj is None else (*self.fields, *self.about)

    def get_readonly_fields(self, request: HttpRequest, obj: ThirdParty | None = None) -> tuple[str, ...]:
        """Do not allow the type of a registered client to change: its software depends on it."""
        return () if obj is None else ("client_type", *self.about)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ThirdParty]:
        return super().get_queryset(request).prefetch_related("secrets")

    @admin.display(description="toestand")
    def state(self, party: ThirdParty) -> str:
        if party.paused_at is None:
            return "Actief"
        return "Stilgezet: het secret is gelekt" if party.is_stopped_by_leak else "Stilgezet"

    @admin.display(description="laatst gebruikt")
    def last_used_at(self, party: ThirdParty) -> str:
        used_at = party.last_used_at
        return moment(used_at) if used_at else "nooit"

    @admin.display(description=HEADING)
    def problems(self, party: ThirdParty) -> str:
        return problem_list(party)

    @admin.display(description="verkopers die nu toegang geven")
    def sellers_allowing(self, party: ThirdParty) -> int:
        return int(party.authorizations.active().count())

    def describe(self, row: ThirdParty) -> str:
        """Add how many sellers a suspension concerns."""
        count = row.concerned_authorizations().count()
        return f"{row}: {count} {'verkoper' if count == 1 else 'verkopers'} met toegang"

    @admin.display(description="zie ook")
    def links(self, party: ThirdParty) -> str:
        own = links_to(ThirdPartyAuthorization, third_party__id__exact=party.pk)
        return format_html("{}{}", own, links_to(Activity, target__exact=party.client_id))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Register or change the party, with its logo."""
        by = actor(request)
        values = {name: form.cleaned_data[name] for name in form.changed_data if name != "logo"}
        if not change:
            super().save_model(request, obj, form, change)
        elif values:
            obj.change(by=by, **values)
        logo = form.cleaned_data["logo"]
        if isinstance(logo, bytes):
            ThirdPartyLogo.set_for(obj, logo, by=by)
        elif logo is False and (present := form.initial.get("logo")):
            present.remove(by=by)


@admin.register(ResourceServer)
class ResourceServerAdmin(RegisteredAdmin):
    list_display = ("name", "client_id", "created")

    def get_fields(self, request: HttpRequest, obj: ResourceServer | None = None) -> tuple[str, ...]:
        return ("name",) if obj is None else ("name", "client_id", "secret_lines", "created")

    def get_readonly_fields(self, request: HttpRequest, obj: ResourceServer | None = None) -> tuple[str, ...]:
        return ("client_id", "secret_lines", "created")

    def has_change_permission(self, request: HttpRequest, obj: ResourceServer | None = None) -> bool:
        """Nothing can change but the secret, which has its own pages."""
        return False

"""Third parties and resource servers: whom the marketplace lets in."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminFileWidget, AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.access import actor
from apicredentials import names, redirect_uris, scopes
from apicredentials.admin.reason_actions import Act
from apicredentials.admin.secret_admin import SecretAdmin
from apicredentials.exceptions import PartyNameTaken
from apicredentials.forms import NameField, RightsField
from apicredentials.models import OAuthClient, ResourceServer, ThirdParty, ThirdPartyLogo, logo_files

DEACTIVATE = Act(
    "deactivate",
    "Deactiveren",
    "Vanaf nu krijgt deze partij geen tokens meer, en werkt geen enkel token dat ze al heeft. De autorisaties "
    "blijven bestaan: na heractiveren werkt alles weer zoals het was.",
    OAuthClient.pause,
    Q(paused_at=None, deleted_at=None),
)
REACTIVATE = Act(
    "reactivate",
    "Heractiveren",
    "Alle autorisaties die nog lopen, geven weer toegang.",
    OAuthClient.resume,
    Q(paused_at__isnull=False, deleted_at=None),
)


class ClientForm(forms.ModelForm):
    """A client that belongs to no seller; all of them have different names."""

    name = NameField()

    def clean_name(self) -> str:
        """Refuse a name that another party has, without regard to case."""
        name: str = self.cleaned_data["name"]
        others = OAuthClient.objects.filter(seller=None, deleted_at=None).exclude(pk=self.instance.pk)
        if others.filter(folded_name=names.fold(name)).exists():
            raise ValidationError(str(PartyNameTaken()), code=PartyNameTaken.code)
        return name


class ThirdPartyForm(ClientForm):
    """What a third party is registered with."""

    redirect_uris = forms.CharField(
        label="Redirect URI’s",
        widget=AdminTextareaWidget(attrs={"rows": 4}),
        help_text="Eén per regel, precies zoals de partij ze stuurt. Met https; http mag alleen op localhost.",
        error_messages={"required": "Vul ten minste één redirect URI in."},
    )
    scope = RightsField(among=list(scopes.ALL))
    logo = forms.FileField(
        label="Logo",
        required=False,
        # Drawn in a fieldset, where a legend stands for the label.
        widget=AdminFileWidget(attrs={"aria-label": "Logo"}),
        help_text=f"PNG of SVG, hoogstens {logo_files.MAXIMUM_BYTES // 1024} kB en {logo_files.MAXIMUM_PIXELS} bij "
        f"{logo_files.MAXIMUM_PIXELS} pixels.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["redirect_uris"] = "\r\n".join(self.instance.redirect_uris.split())
            self.initial["scope"] = self.instance.rights
            self.initial["logo"] = getattr(self.instance, "logo", None)

    def clean_redirect_uris(self) -> str:
        """Check each, and tell of all that are wrong."""
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
        """Return the rights as they are stored."""
        return scopes.join(self.cleaned_data["scope"])

    def clean_logo(self) -> Any:
        """Return a new logo as bytes, False to remove the present one, and whatever it is to leave it."""
        logo = self.cleaned_data["logo"]
        if not isinstance(logo, UploadedFile):
            return logo
        content, _ = logo_files.clean(logo.read(logo_files.MAXIMUM_BYTES + 1))
        return content


class RegisteredAdmin(SecretAdmin):
    """Clients that belong to no seller: registered here as by the commands, and never deleted."""

    form = ClientForm
    search_fields = ("name", "client_id")

    def has_delete_permission(self, request: HttpRequest, obj: OAuthClient | None = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say so when somebody took the name while this form was on its way."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except PartyNameTaken as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: OAuthClient, form: Any, change: bool) -> None:
        """Register it."""
        obj.register(by=actor(request))


@admin.register(ThirdParty)
class ThirdPartyAdmin(RegisteredAdmin):
    """Third parties. Deactivated at worst: what sellers allowed them must stay to be read."""

    form = ThirdPartyForm
    list_display = ("name", "client_id", "created", "paused_at")
    list_filter = (("paused_at", admin.EmptyFieldListFilter), "client_type")
    actions = (DEACTIVATE.action, REACTIVATE.action)
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
    )
    about = ("client_id", "secret_lines", "sellers_allowing", "created", "paused_at")

    def get_fields(self, request: HttpRequest, obj: ThirdParty | None = None) -> tuple[str, ...]:
        """Add what became of one that exists."""
        return self.fields if obj is None else (*self.fields, *self.about)

    def get_readonly_fields(self, request: HttpRequest, obj: ThirdParty | None = None) -> tuple[str, ...]:
        """Fix what the party's software was made for."""
        return () if obj is None else ("client_type", *self.about)

    @admin.display(description="verkopers die nu toegang geven")
    def sellers_allowing(self, party: ThirdParty) -> int:
        """Count whom a change or a pause concerns."""
        return int(party.authorizations.active().count())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Register or change it, with its logo."""
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
    """APIs that ask about tokens."""

    list_display = ("name", "client_id", "created")

    def get_fields(self, request: HttpRequest, obj: ResourceServer | None = None) -> tuple[str, ...]:
        """Add what became of one that exists."""
        return ("name",) if obj is None else ("name", "client_id", "secret_lines", "created")

    def get_readonly_fields(self, request: HttpRequest, obj: ResourceServer | None = None) -> tuple[str, ...]:
        return ("client_id", "secret_lines", "created")

    def has_change_permission(self, request: HttpRequest, obj: ResourceServer | None = None) -> bool:
        """Nobody: its name is for operators, and the rest is its secret's."""
        return False

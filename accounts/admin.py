"""Users and groups in the admin; memberships are part of the sellers, in `apicredentials.admin`."""

from dataclasses import replace
from functools import partial
from typing import Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Exists, ManyToManyField, OuterRef, Q, QuerySet
from django.forms import CheckboxSelectMultiple, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.text import capfirst

from accounts.access import actor
from accounts.admin_pages import PortalAdmin
from accounts.members import memberships
from accounts.models import ROLE_DESCRIPTIONS, Actor, Membership, Seller, User
from accounts.security import address_changes
from accounts.security.factor_reset import reset_factors
from apicredentials.admin.links import links_to
from apicredentials.admin.reason_actions import Act, ActingAdmin, ReasonForm
from apicredentials.admin.seller_admin import NewMembershipForm
from apicredentials.models import (
    Activity,
    ClientCredential,
    OutgoingMail,
    TechnicalContact,
    ThirdPartyAuthorization,
    sellers,
)

# The address is User.email, and nobody may see the secret of a second factor.
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)
admin.site.unregister(UserSession)
admin.site.unregister(Group)

# Django stores the names of permissions in English.
VERBS = {"add": "toevoegen", "change": "wijzigen", "delete": "verwijderen", "view": "bekijken"}


def is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


def has_more_rights(user: User, request: HttpRequest) -> bool:
    """Return whether the user has, or when switched on would have, rights that the operator of `request` lacks."""
    if is_superuser(request) or not (user.is_staff or user.is_superuser):
        return False
    own = cast("User", request.user).get_all_permissions()
    held = Permission.objects.filter(Q(user=user) | Q(group__user=user)).select_related("content_type")
    return user.is_superuser or any(f"{each.content_type.app_label}.{each.codename}" not in own for each in held)


class PermissionsField(ModelMultipleChoiceField):
    """Permissions for the models that have an admin page or inline."""

    widget = CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        pages = admin.site._registry
        parts = [inline.model for page in pages.values() for inline in page.inlines]
        types = ContentType.objects.get_for_models(*pages, *parts, for_concrete_models=False)
        permissions = Permission.objects.filter(content_type__in=types.values()).select_related("content_type")
        super().__init__(permissions, required=False, **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        """Return the model and the verb in Dutch."""
        verb = VERBS.get(obj.codename.partition("_")[0])
        model = obj.content_type.model_class()
        return f"{capfirst(model._meta.verbose_name_plural)}: {verb}" if verb and model else str(obj.name)


class PermittingAdmin(PortalAdmin):
    """Draws permissions as checkboxes, which have labels and work with a keyboard."""

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.related_model is Permission:
            return PermissionsField(label=capfirst(db_field.verbose_name))
        return super().formfield_for_manytomany(db_field, request, **kwargs | {"widget": CheckboxSelectMultiple})


@admin.register(Group)
class GroupAdmin(PermittingAdmin):
    search_fields = ("name",)
    ordering = ("name",)


class UserForm(forms.ModelForm, ReasonForm):
    """A user; another address needs a reason, which the seller reads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "reason" in self.fields:
            self.fields["reason"].required = False
            self.fields["reason"].help_text = "Nodig voor een ander e-mailadres. De verkoper leest deze reden."

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if self.instance.pk and "email" in self.changed_data and not values.get("reason"):
            self.add_error("reason", forms.ValidationError("Vul in waarom het adres wijzigt.", code="required"))
        return values


SWITCH_OFF = Act(
    "switch_off",
    "Uitschakelen",
    "Deze gebruikers kunnen meteen niet meer inloggen. Partijen waaraan ze toestemming gaven, stoppen; een collega kan "
    "ze overnemen.",
    sellers.switch_off,
    Q(is_active=True),
)
SWITCH_ON = Act(
    "switch_on",
    "Inschakelen",
    "Deze gebruikers kunnen weer inloggen. Partijen die daardoor waren gestopt, hebben weer toegang.",
    sellers.switch_on,
    Q(is_active=False),
)
RESET_FACTORS = Act(
    "reset_factors",
    "Tweede stap verwijderen",
    "Stel eerst vast dat het echt om deze persoon gaat. Daarna is alleen het wachtwoord nodig om in te loggen, en is "
    "er overal uitgelogd.",
    reset_factors,
    Q(Exists(Authenticator.objects.filter(user=OuterRef("pk")))),
)


@admin.register(User)
class UserAdmin(PermittingAdmin, ActingAdmin):
    """Users. A new one chooses a password with 'Wachtwoord vergeten?'. They are switched off, never deleted."""

    form = UserForm
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    search_fields = ("email", "name")
    list_filter = ("is_active", "is_staff")
    actions = (SWITCH_OFF.action, SWITCH_ON.action, RESET_FACTORS.action)

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        rights = ("is_staff", "is_superuser", "groups", "user_permissions")
        known = ("reason", "name", "is_active") if obj else ("name",)
        return ("email", *known, *rights, "last_login", *(["links"] if obj else []))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Let only superusers change rights, so that operators cannot give themselves more."""
        rights = ("is_staff", "is_superuser", "groups", "user_permissions")
        known = ("is_active", "last_login", "links")
        return known if is_superuser(request) else (*known, *rights)

    @admin.display(description="hoort bij deze gebruiker")
    def links(self, user: User) -> str:
        return format_html(
            "{}" * 5,
            links_to(Membership, Activity, user__id__exact=user.pk),
            links_to(Seller, members__id__exact=user.pk),
            links_to(ThirdPartyAuthorization, granted_by__id__exact=user.pk),
            links_to(ClientCredential, created_by__id__exact=user.pk),
            links_to(TechnicalContact, OutgoingMail, q=user.email),
        )

    def describe(self, row: Any) -> str:
        """Add what stops when the user is switched off."""
        count = ThirdPartyAuthorization.objects.active().filter(granted_by=row).count()
        return f"{row} ({row.email}): {count} {'partij' if count == 1 else 'partijen'} met toegang"

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Refuse a change of an operator with more rights: a new e-mail address is enough to get a new password."""
        return not (obj and has_more_rights(obj, request)) and super().has_change_permission(request, obj)

    def ask_or_act(self, request: HttpRequest, queryset: QuerySet[User], act: Act) -> HttpResponse | None:
        """Leave out operators with more rights."""
        operators = queryset.filter(Q(is_staff=True) | Q(is_superuser=True))
        above = [each.pk for each in operators if has_more_rights(each, request)]
        return super().ask_or_act(request, queryset.exclude(pk__in=above), act)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Log another address for the sellers, and mail the old and the new one."""
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            by = replace(actor(request), reason=form.cleaned_data["reason"])
            address_changes.note_replaced(obj, form.initial["email"], by=by)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Refuse filters on the password hash, which could reveal it character by character."""
        return lookup.partition("__")[0] != "password" and super().lookup_allowed(lookup, value, request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


# ---- Members ------------------------------------------------------------------------------------------------

REMOVE = Act(
    "remove",
    "Verwijderen als medewerker",
    "Deze personen kunnen meteen niet meer bij de verkoper. Partijen waaraan ze toestemming gaven, stoppen; een "
    "collega kan ze overnemen.",
    partial(memberships.remove, take_over=False),
    Q(),
)


def act_of_role(role: Membership.Role) -> Act:
    def change(membership: Membership, *, by: Actor) -> None:
        memberships.change_role(membership, role, by=by)

    warning = f"De rol wordt {role.label}: {ROLE_DESCRIPTIONS[role]}"
    return Act(f"make_{role.value}", f"Rol: {role.label}", warning, change, ~Q(role=role))


@admin.register(Membership)
class MembershipAdmin(ActingAdmin):
    """The members of all sellers. Adding has a form and changing has actions, which require a reason and log it."""

    list_display = ("user", "seller", "role")
    list_filter = ("role",)
    list_select_related = ("user", "seller")
    search_fields = ("user__email", "user__name", "seller__retailer_id", "seller__display_name")
    actions = (REMOVE.action, *[act_of_role(role).action for role in Membership.Role])

    def get_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return ("seller", "user", "role") if obj else ("seller", "user", "role", "reason")

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return ("seller", "user", "role") if obj else ()

    def get_form(
        self, request: HttpRequest, obj: Membership | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        return super().get_form(request, obj, change, **kwargs if obj else kwargs | {"form": NewMembershipForm})

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Add the member; the form of one that exists has nothing to save."""
        if not change:
            memberships.add(obj, by=replace(actor(request), reason=form.cleaned_data["reason"]))

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return False

"""Users. What they may do for sellers stands with the sellers, in `apicredentials.admin`."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import ManyToManyField
from django.forms import CheckboxSelectMultiple, ModelMultipleChoiceField
from django.http import HttpRequest
from django.utils.text import capfirst

from accounts.admin_pages import PortalAdmin
from accounts.models import User

# Addresses are the user's e-mail field; a second factor's secret is nobody's to see.
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)
admin.site.unregister(Group)

# Django keeps the names of permissions in English, in the database.
VERBS = {"add": "toevoegen", "change": "wijzigen", "delete": "verwijderen", "view": "bekijken"}


def is_superuser(request: HttpRequest) -> bool:
    """Whether the operator may do everything."""
    return isinstance(request.user, User) and request.user.is_superuser


class PermissionsField(ModelMultipleChoiceField):
    """Which of the things that there are pages for, or parts of pages, somebody may do."""

    widget = CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        pages = admin.site._registry
        parts = [inline.model for page in pages.values() for inline in page.inlines]
        types = ContentType.objects.get_for_models(*pages, *parts, for_concrete_models=False)
        permissions = Permission.objects.filter(content_type__in=types.values()).select_related("content_type")
        super().__init__(permissions, required=False, **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        """Return what it is about, and what may be done to that."""
        verb = VERBS.get(obj.codename.partition("_")[0])
        model = obj.content_type.model_class()
        return f"{capfirst(model._meta.verbose_name_plural)}: {verb}" if verb and model else str(obj.name)


class PermittingAdmin(PortalAdmin):
    """Rows that hold permissions, which are boxes to tick: each has a label, and a keyboard can reach it."""

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any) -> Any:
        """Draw boxes."""
        if db_field.related_model is Permission:
            return PermissionsField(label=capfirst(db_field.verbose_name))
        return super().formfield_for_manytomany(db_field, request, **kwargs | {"widget": CheckboxSelectMultiple})


@admin.register(Group)
class GroupAdmin(PermittingAdmin):
    """Operators who may do the same."""

    search_fields = ("name",)
    ordering = ("name",)


@admin.register(User)
class UserAdmin(PermittingAdmin):
    """Users: a new one chooses a password with 'Wachtwoord vergeten?'. Switched off, never deleted."""

    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    search_fields = ("email", "name")
    list_filter = ("is_active", "is_staff")
    fields = ("email", "name", "is_active", "is_staff", "is_superuser", "groups", "user_permissions", "last_login")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Leave rights to superusers: who may change users could give themselves all of them."""
        rights = ("is_staff", "is_superuser", "groups", "user_permissions")
        return ("last_login",) if is_superuser(request) else ("last_login", *rights)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Leave superusers to each other: with another e-mail address comes another password."""
        is_above = obj is not None and obj.is_superuser and not is_superuser(request)
        return not is_above and super().has_change_permission(request, obj)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Refuse a filter by password hash, which would give it away character by character."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

"""Users and groups in the admin; memberships are part of the sellers, in `apicredentials.admin`."""

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

# The address is User.email, and nobody may see the secret of a second factor.
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)
admin.site.unregister(Group)

# Django stores the names of permissions in English.
VERBS = {"add": "toevoegen", "change": "wijzigen", "delete": "verwijderen", "view": "bekijken"}


def is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


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


@admin.register(User)
class UserAdmin(PermittingAdmin):
    """Users. A new one chooses a password with 'Wachtwoord vergeten?'. They are switched off, never deleted."""

    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    search_fields = ("email", "name")
    list_filter = ("is_active", "is_staff")
    fields = ("email", "name", "is_active", "is_staff", "is_superuser", "groups", "user_permissions", "last_login")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Let only superusers change rights, so that operators cannot give themselves more."""
        rights = ("is_staff", "is_superuser", "groups", "user_permissions")
        return ("last_login",) if is_superuser(request) else ("last_login", *rights)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Let only superusers change superusers: a new e-mail address is enough to get a new password."""
        is_above = obj is not None and obj.is_superuser and not is_superuser(request)
        return not is_above and super().has_change_permission(request, obj)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Refuse filters on the password hash, which could reveal it character by character."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

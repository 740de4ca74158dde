"""Users. What they may do for sellers stands with the sellers, in `apicredentials.admin`."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.http import HttpRequest

from accounts.models import User

# Addresses are the user's e-mail field; a second factor's secret is nobody's to see.
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)


def is_superuser(request: HttpRequest) -> bool:
    """Whether the operator may do everything."""
    return isinstance(request.user, User) and request.user.is_superuser


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """Users: a new one chooses a password with 'Wachtwoord vergeten?'. Switched off, never deleted."""

    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    search_fields = ("email", "name")
    list_filter = ("is_active", "is_staff")
    fields = ("email", "name", "is_active", "is_staff", "is_superuser", "groups", "user_permissions", "last_login")
    filter_horizontal = ("groups", "user_permissions")

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

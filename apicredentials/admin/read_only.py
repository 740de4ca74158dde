"""Base class of admin pages that show rows and change none."""

from typing import Any

from django.http import HttpRequest

from accounts.admin_pages import PortalAdmin


class ReadOnlyAdmin(PortalAdmin):
    """Rows that operators may look at; what changes them are acts, not fields."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

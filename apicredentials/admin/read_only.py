"""Base class of admin pages that show rows and change none."""

from typing import Any

from django.http import HttpRequest

from accounts.admin_pages import PortalAdmin


class ReadOnlyAdmin(PortalAdmin):
    """Rows without a form. What changes them are actions."""

    sortable_by = ()  # these tables are large, and sorting by a column without an index reads all rows

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

"""The operator's side: Django's admin, in Dutch, behind the portal's own sign-in and its throttling."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse


class PortalAdminSite(AdminSite):
    """The admin without a sign-in form of its own: one place checks passwords, and counts wrong ones."""

    site_header = f"{settings.PORTAL_NAME} – beheer"
    site_title = "Beheer"
    index_title = "Beheer"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send people to the portal's sign-in, and back here afterwards."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied("Het beheer is alleen voor operators.")
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def password_change(  # type: ignore[override]  # the stubs know but one kind of answer
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send people to the portal's own page, which counts wrong attempts."""
        return redirect("account_change_password")


class PortalModelAdmin(ModelAdmin):
    """Rows of the portal, with our own style sheet beside Django's."""

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["portal/admin.css"]}


class ReadOnlyAdmin(PortalModelAdmin):
    """Rows that operators may look at; what changes them are acts, not fields."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

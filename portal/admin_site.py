"""The admin site: Django's, in Dutch, behind the portal's sign-in page and its throttling."""

from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.i18n import JavaScriptCatalog


class PortalAdminSite(AdminSite):
    """The admin without a sign-in form, so that one place checks passwords and counts failures."""

    site_header = f"{settings.PORTAL_NAME} – beheer"
    site_title = "Beheer"
    index_title = "Beheer"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the portal's sign-in page and back."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied("Het beheer is alleen voor operators.")
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Refuse NUL bytes, which PostgreSQL rejects, in values that Django puts into queries unchecked."""

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if any("\x00" in value for values in looked_up_by(request) for value in values):
                raise BadRequest("A NUL byte.")
            return view(request, *args, **kwargs)

        return super().admin_view(checked, cacheable)

    def i18n_javascript(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Serve the texts of the scripts: Django's, and what its translation lacks."""
        view = JavaScriptCatalog.as_view(packages=["django.contrib.admin", "portal"])
        return cast("HttpResponse", view(request))

    def password_change(  # type: ignore[override]  # the stubs allow only TemplateResponse
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the portal's page, which counts failures."""
        return redirect("account_change_password")


def looked_up_by(request: HttpRequest) -> list[list[str]]:
    """Return the values of filters, searches and chosen rows. Form fields do their own validation."""
    chosen = request.POST.getlist(ACTION_CHECKBOX_NAME) if request.method == "POST" else []
    return [chosen, *(values for _, values in request.GET.lists())]

"""Django's admin site for operators, behind the portal's own sign-in and its throttling."""

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
    """The admin without its own sign-in form: passwords are checked and throttled in one place."""

    site_header = f"{settings.PORTAL_NAME} – beheer"
    site_title = "Beheer"
    index_title = "Beheer"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the portal's sign-in page, which redirects back."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied("Het beheer is alleen voor operators.")
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Reject NUL bytes in lookups: Django does not validate these, and PostgreSQL raises an error on them."""

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if any("\x00" in value for values in lookup_values(request) for value in values):
                raise BadRequest("A NUL byte.")
            return view(request, *args, **kwargs)

        return super().admin_view(checked, cacheable)

    def i18n_javascript(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Return Django's translations for scripts and the ones it lacks, from portal/locale."""
        view = JavaScriptCatalog.as_view(packages=["django.contrib.admin", "portal"])
        return cast("HttpResponse", view(request))

    def password_change(  # type: ignore[override]  # the stubs allow one response class only
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the portal's own page, which throttles wrong attempts."""
        return redirect("account_change_password")


def lookup_values(request: HttpRequest) -> list[list[str]]:
    """Return the values of filters, searches and selected rows. Form fields validate themselves."""
    chosen = request.POST.getlist(ACTION_CHECKBOX_NAME) if request.method == "POST" else []
    return [chosen, *(values for _, values in request.GET.lists())]

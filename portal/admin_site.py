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
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.i18n import JavaScriptCatalog

from portal import admin_search, attention


class PortalAdminSite(AdminSite):
    """The admin without its own sign-in form: passwords are checked and throttled in one place."""

    site_header = f"{settings.PORTAL_NAME} – beheer"
    site_title = "Beheer"
    index_title = "Beheer"
    index_template = "admin/start.html"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the portal's sign-in page, which redirects back."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied("Het beheer is alleen voor operators.")
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def get_urls(self) -> list[Any]:
        """Add the search of the start page."""
        return [path("zoeken/", self.admin_view(self.search), name="search"), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Add the search field and what needs attention."""
        context = {"search_form": admin_search.SearchForm(), "notices": attention.notices(self, request)}
        return super().index(request, context | (extra_context or {}))

    @method_decorator(sensitive_post_parameters("what"))
    def search(self, request: HttpRequest) -> HttpResponse:
        """Show the matches. Do not redirect to a URL with the term, because it may contain a pasted secret."""
        form = admin_search.SearchForm(request.POST if request.method == "POST" else None)
        context = self.each_context(request) | {"title": "Zoeken", "search_form": form}
        if form.is_valid():
            context["results"] = admin_search.search(self, request, form.cleaned_data["what"])
            if form.is_secret:
                context["search_form"] = admin_search.SearchForm()
        return TemplateResponse(request, "admin/search.html", context, status=422 if form.errors else 200)

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

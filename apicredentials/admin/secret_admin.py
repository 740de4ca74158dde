"""Pages in the admin that create a client secret and show it once, as the seller's pages do."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from accounts.access import actor, ask_for_proof, ask_or_act, filled_in, is_recently_proven, keep_form_for_proof
from apicredentials.admin.reason_actions import ActingAdmin
from apicredentials.exceptions import AlreadyRevealed, Refusal, RotatedMeanwhile
from apicredentials.forms import RotateForm
from apicredentials.models import ClientSecret, OAuthClient
from apicredentials.moments import moment


def _end(secret: ClientSecret) -> str:
    if secret.ends_at is None:
        return "zonder einde"
    return f"{'werkt nog tot' if secret.is_live else 'werkte tot'} {moment(secret.ends_at)}"


def describe_secrets(client: OAuthClient) -> str:
    """Return the hint, creation and end of each secret, one per line."""
    lines = [(f"…{secret.hint}", moment(secret.created_at), _end(secret)) for secret in client.secrets.all()]
    return format_html_join(mark_safe("<br>"), "{}, getoond op {}, {}", lines) or "nog niet getoond"


class SecretAdmin(ActingAdmin):
    """Clients whose secret an operator passes on to their owner."""

    change_form_template = "admin/client_form.html"

    @admin.display(description="client secrets")
    def secret_lines(self, client: OAuthClient) -> str:
        return describe_secrets(client)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/secret/", view(self.reveal), name=self.page("secret")),
            path("<int:pk>/nieuw-secret/", view(self.rotate), name=self.page("rotate")),
            *super().get_urls(),
        ]

    def page(self, name: str) -> str:
        """Return the name of a URL of this model."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{name}"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the button for the secret."""
        client: OAuthClient | None = kwargs.get("obj")
        if client and not client.is_public and client.deleted_at is None and self.has_act_permission(request):
            name, label = ("rotate", "Nieuw secret") if client.is_revealed else ("secret", "Toon secret")
            context |= {"secret_url": reverse(f"admin:{self.page(name)}", args=[client.pk]), "secret_label": label}
        return super().render_change_form(request, context, *args, **kwargs)

    def response_post_save_add(self, request: HttpRequest, obj: OAuthClient) -> HttpResponseRedirect:
        """Redirect to the new client, whose page has the button for its secret."""
        if self.has_view_or_change_permission(request, obj):
            return redirect(f"admin:{self.page('change')}", obj.pk)
        return super().response_post_save_add(request, obj)

    @method_decorator(ask_or_act)
    def reveal(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Create the first secret and show it."""
        client = self.find(request, pk)
        if not is_recently_proven(request):
            return ask_for_proof(request)
        if request.method != "POST":
            return self.draw(request, client, "admin/secret_reveal.html", "Client secret tonen?")
        try:
            with transaction.atomic():
                secret = client.reveal(by=actor(request))
                self.log_change(request, client, "Client secret getoond.")
        except AlreadyRevealed:
            return self.draw(request, client, "admin/secret_already_revealed.html", "Al getoond", status=409)
        return self.show(request, client, secret)

    @method_decorator(ask_or_act)
    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Create a new secret beside the present one and show it."""
        client = self.find(request, pk)
        keep_form_for_proof(request)
        if not is_recently_proven(request):
            return ask_for_proof(request)
        form = RotateForm(filled_in(request), credential=client)
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    secret = form.rotate(by=actor(request))
                    self.log_change(request, client, "Nieuw client secret gemaakt.")
                return self.show(request, client, secret)
            except RotatedMeanwhile as error:
                messages.warning(request, str(error))
                return redirect(f"admin:{self.page('change')}", client.pk)
            except Refusal as error:
                form.add_error(None, ValidationError(str(error), code=error.code))
        status = 422 if request.method == "POST" else 200
        return self.draw(request, client, "admin/secret_rotate.html", "Nieuw secret", status=status, form=form)

    def find(self, request: HttpRequest, pk: int) -> OAuthClient:
        """Return the client; 404 if it is public and so has no secret."""
        if not self.has_act_permission(request):
            raise PermissionDenied
        client: OAuthClient = get_object_or_404(self.get_queryset(request), pk=pk, deleted_at=None)
        if client.is_public:
            raise Http404
        return client

    def show(self, request: HttpRequest, client: OAuthClient, secret: str) -> HttpResponse:
        """Render the one response that contains the secret. No redirect: to survive one, it would have to be stored."""
        return self.draw(request, client, "admin/secret_shown.html", "Client secret", secret=secret)

    def draw(
        self, request: HttpRequest, client: OAuthClient, template: str, title: str, *, status: int = 200, **more: Any
    ) -> HttpResponse:
        """Render a page about the secret of a client."""
        context = self.admin_site.each_context(request) | {
            "title": title,
            "opts": self.opts,
            "client": client,
            "client_url": reverse(f"admin:{self.page('change')}", args=[client.pk]),
        }
        return TemplateResponse(request, template, context | more, status=status)

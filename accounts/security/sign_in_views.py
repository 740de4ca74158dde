"""Signing in, the second step, proof of identity (step-up) and a forgotten password."""

from functools import partial
from typing import Any, cast

from allauth.account import views as account
from allauth.account.internal.stagekit import clear_login
from allauth.core import context
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.generic.base import ContextMixin

from accounts.models import User
from accounts.required_factor import FACTORS, remember
from accounts.security.security_forms import CodeProofForm, PasskeyProofForm
from accounts.security.waiting import waiting_context, waiting_party
from accounts.views import local_address


@method_decorator(login_not_required, name="dispatch")
class SignInView(account.LoginView):
    """The sign-in page, which names the third party that waits behind it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Remember a waiting party's request, so that resetting a password or an invitation leads back to it."""
        if "annuleren" in request.GET:
            clear_login(request)
        if request.method == "GET":
            following = local_address(request)
            if waiting_party(following):
                remember(request, following)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | waiting_context(self.request, local_address(self.request))


class PasskeySignInView(LoginWebAuthnView):
    """Sign-in with a passkey alone: GET gives the challenge as JSON, POST takes the answer."""

    def form_invalid(self, form: Any) -> HttpResponse:
        messages.error(self.request, "Inloggen met deze passkey lukt niet. Log in met je wachtwoord.")
        return redirect(reverse("account_login", query={"next": local_address(self.request)}))


class SecondStepView(AuthenticateView):
    """The second factor, after the password."""

    template_name = "account/second_step.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        login = self.stage.login
        waiting = waiting_context(self.request, login.redirect_url or "")
        cancel = reverse("account_login", query={"annuleren": "1", "next": waiting["following"]})
        return (
            super().get_context_data(**kwargs)
            | factors_of(login.user)
            | waiting
            | {"person": login.user, "cancel": cancel, "used_recovery": "recovery" in self.request.POST}
        )


class StepUpView(account.ReauthenticateView):
    """Asks for proof of identity: the second factor of users who have one, else the password."""

    def get_form_class(self) -> type:
        if not self.factors["has_factor"]:
            return cast("type", super().get_form_class())
        return PasskeyProofForm if "credential" in self.request.POST else CodeProofForm

    @property
    def factors(self) -> dict[str, bool]:
        return factors_of(cast("User", self.request.user))

    def form_valid(self, form: Any) -> HttpResponse:
        if not self.factors["has_factor"]:
            return super().form_valid(form)
        form.save()
        return account.BaseReauthenticateView.form_valid(self, form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        values = super().get_context_data(**kwargs) | self.factors
        if values["has_passkey"]:
            values["js_data"] = {"request_options": webauthn.begin_authentication(cast("User", self.request.user))}
        following = local_address(self.request)
        return values | waiting_context(self.request, following) | {"used_recovery": "recovery" in self.request.POST}


def factors_of(user: User) -> dict[str, bool]:
    """Return which factors the user has, for templates."""
    types = set(Authenticator.objects.filter(user=user, type__in=FACTORS).values_list("type", flat=True))
    return {
        "has_factor": bool(types),
        "has_totp": Authenticator.Type.TOTP in types,
        "has_passkey": Authenticator.Type.WEBAUTHN in types,
    }


class PasswordResetView(account.PasswordResetView):
    """Asks for the reset mail. `next` is kept in the session, because a mail must not carry a stranger's choice."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Look up the tokens and send the mail after the response, so that its duration reveals no account."""
        save, form.save = form.save, lambda request: None
        response = super().form_valid(form)
        if response.status_code == 302:
            response._resource_closers.append(partial(save_in_context, save, self.request))  # type: ignore[attr-defined]
        return response

    def get_success_url(self) -> str:
        if following := local_address(self.request):
            remember(self.request, following)
        return str(self.success_url)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | waiting_context(self.request, local_address(self.request) or None)


def save_in_context(save: Any, request: HttpRequest) -> None:
    with context.request_context(request):
        save(request)


class WaitingContext(ContextMixin):
    """The context of a page that names the third party in the session."""

    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | waiting_context(self.request)


class PasswordResetDoneView(WaitingContext, account.PasswordResetDoneView):
    """Says that a mail is on its way."""


@method_decorator(transaction.atomic, name="form_valid")
class PasswordResetFromKeyView(WaitingContext, account.PasswordResetFromKeyView):
    """Asks for the new password."""


class PasswordResetFromKeyDoneView(WaitingContext, account.PasswordResetFromKeyDoneView):
    """Says that the new password works."""

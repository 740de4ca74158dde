"""The page Beveiliging: password, second factors, passkeys, recovery codes and sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account import views as account
from allauth.mfa.base.internal.flows import delete_and_cleanup
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from accounts.access import (
    SellerRequest,
    actor,
    ask_or_act,
    filled_in,
    form_proof_required,
    recent_proof_required,
    show_form,
)
from accounts.models import AddressChange
from accounts.required_factor import lacks_required_factor, remembered
from accounts.security.events import mail_own
from accounts.security.factors import FactorAdapter, add_totp, first_recovery_codes, new_recovery_codes, qr_code
from accounts.security.security_forms import PasskeyForm, PasskeyRenameForm, TotpSetupForm
from accounts.security.sessions import end_sessions, sessions_of
from accounts.security.sign_in_views import factors_of
from accounts.security.waiting import waiting_context
from apicredentials.models import Activity, OutgoingMail
from apicredentials.models.sellers import record_for_sellers

Type = Authenticator.Type
APP = "Authenticator-app"
ADDED = Activity.Kind.FACTOR_ADDED, OutgoingMail.Kind.OWN_FACTOR_ADDED
REMOVED = Activity.Kind.FACTOR_REMOVED, OutgoingMail.Kind.OWN_FACTOR_REMOVED


@require_safe
def security(request: SellerRequest) -> HttpResponse:
    """Show everything that signs this user in, and where they are signed in."""
    authenticators = list(Authenticator.objects.filter(user=request.user).order_by("created_at"))
    by_type = {each.type: each for each in authenticators}
    codes = by_type.get(Type.RECOVERY_CODES)
    context = {
        "totp": by_type.get(Type.TOTP),
        "passkeys": [each for each in authenticators if each.type == Type.WEBAUTHN],
        "codes": codes,
        "codes_left": len(codes.data["hashes"]) if codes else 0,
        "sessions": sessions_of(request, request.user),
        "pending": AddressChange.confirmable().filter(user=request.user).first(),
        "lacks_factor": lacks_required_factor(request),
    }
    return render(request, "accounts/security.html", context | factors_of(request.user) | waiting_context(request))


@method_decorator(transaction.atomic, name="form_valid")
class PasswordChangeView(account.PasswordChangeView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Send users without a password to the reset page, which proves their address."""
        if request.user.is_authenticated and not request.user.has_usable_password():
            return redirect("account_reset_password")
        return super().dispatch(request, *args, **kwargs)


# ---- Authenticator app --------------------------------------------------------------------------------------


@ask_or_act
@recent_proof_required
def totp_add(request: SellerRequest) -> HttpResponse:
    """Show a new secret once, and store it when its first code comes back."""
    if request.method == "POST":
        form = TotpSetupForm(request.POST)
        if not form.is_valid():
            return show_form(request, "accounts/totp_add.html", form, **waiting_context(request))
        with recorded(request, *ADDED, factor=APP):
            codes = add_totp(request.user, form.secret, form.cleaned_data["code"])
        return factor_added(request, APP, codes)
    secret, adapter = generate_totp_secret(), FactorAdapter()
    form = TotpSetupForm(initial={"sealed_secret": adapter.encrypt(secret)})
    qr = qr_code(adapter.build_totp_url(request.user, secret))
    return show_form(request, "accounts/totp_add.html", form, secret=secret, qr=qr, **waiting_context(request))


@contextmanager
def recorded(request: SellerRequest, kind: Activity.Kind, mail: OutgoingMail.Kind, *, factor: str) -> Iterator[None]:
    """Change a factor, log it for the user's sellers and mail the user, in one transaction."""
    with transaction.atomic():
        yield
        record_for_sellers(kind, request.user, by=actor(request), factor=factor)
        mail_own(mail, request.user, request, factor=factor)


def factor_added(request: SellerRequest, factor: str, codes: list[str]) -> HttpResponse:
    """Show the recovery codes of a first factor; after another one return to what waits."""
    if codes:
        return show_codes(request, codes)
    messages.success(request, f"{factor} is ingesteld.")
    return redirect(remembered(request) or "accounts:security")


def show_codes(request: SellerRequest, codes: list[str]) -> HttpResponse:
    """Show recovery codes. No redirect after this POST: to survive one, the codes would have to be stored."""
    context = {"codes": codes} | waiting_context(request)
    return render(request, "accounts/recovery_codes_shown.html", context)


@ask_or_act
@recent_proof_required
def totp_remove(request: SellerRequest) -> HttpResponse:
    """Ask, then remove the authenticator app."""
    authenticator = get_object_or_404(Authenticator, user=request.user, type=Type.TOTP)
    return remove(request, authenticator, APP)


def remove(request: SellerRequest, authenticator: Authenticator, factor: str) -> HttpResponse:
    """Ask, then remove a factor; the last one takes the recovery codes along."""
    if request.method != "POST":
        others = Authenticator.objects.filter(user=request.user).exclude(pk=authenticator.pk)
        context = {"factor": factor, "is_last": not others.exclude(type=Type.RECOVERY_CODES).exists()}
        return render(request, "accounts/factor_remove.html", context)
    with recorded(request, *REMOVED, factor=factor):
        delete_and_cleanup(request, authenticator)
    messages.success(request, f"{factor} is verwijderd.")
    return redirect("accounts:security")


@ask_or_act
@recent_proof_required
def recovery_codes(request: SellerRequest) -> HttpResponse:
    """Ask, then replace the recovery codes and show them once."""
    if not factors_of(request.user)["has_factor"]:
        return redirect("accounts:security")
    if request.method != "POST":
        return render(request, "accounts/recovery_codes.html")
    with transaction.atomic():
        codes = new_recovery_codes(request.user)
        mail_own(OutgoingMail.Kind.OWN_RECOVERY_CODES, request.user, request)
    return show_codes(request, codes)


# ---- Passkeys -----------------------------------------------------------------------------------------------


@ask_or_act
@form_proof_required
def passkey_add(request: SellerRequest) -> HttpResponse:
    """Let the browser create a passkey, and store it."""
    kept = filled_in(request)
    initial = {"name": kept.get("name")} if kept else {}
    form = PasskeyForm(request.POST or None, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        factor = f"Passkey '{name}'"
        with recorded(request, *ADDED, factor=factor):
            webauthn.WebAuthn.add(request.user, name, form.cleaned_data["credential"])
            codes = first_recovery_codes(request.user)
        return factor_added(request, factor, codes)
    options = {"creation_options": webauthn.begin_registration(request.user, passwordless=True)}
    return show_form(request, "accounts/passkey_add.html", form, js_data=options, **waiting_context(request))


def find_passkey(request: SellerRequest, pk: int) -> Authenticator:
    """Return this user's passkey; anybody else's is a 404."""
    passkey: Authenticator = get_object_or_404(Authenticator, user=request.user, type=Type.WEBAUTHN, pk=pk)
    return passkey


@ask_or_act
@form_proof_required
def passkey_rename(request: SellerRequest, pk: int) -> HttpResponse:
    """Ask for another name, and store it."""
    passkey = find_passkey(request, pk)
    form = PasskeyRenameForm(filled_in(request), initial={"name": passkey.data["name"]})
    if request.method == "POST" and form.is_valid():
        passkey.data["name"] = form.cleaned_data["name"]
        passkey.save(update_fields=["data"])
        messages.success(request, "De naam van de passkey is gewijzigd.")
        return redirect("accounts:security")
    return show_form(request, "accounts/passkey_rename.html", form, passkey=passkey)


@ask_or_act
@recent_proof_required
def passkey_remove(request: SellerRequest, pk: int) -> HttpResponse:
    """Ask, then remove a passkey."""
    passkey = find_passkey(request, pk)
    return remove(request, passkey, f"Passkey '{passkey.data['name']}'")


# ---- Sessions -----------------------------------------------------------------------------------------------


@ask_or_act
def session_end(request: SellerRequest, pk: int) -> HttpResponse:
    """End one session of this user, at its next request."""
    session = get_object_or_404(UserSession, user=request.user, pk=pk)
    if request.method != "POST":
        return redirect("accounts:security")
    is_current = session.session_key == request.session.session_key
    session.end()
    if is_current:
        return signed_out(request)
    messages.success(request, "Dat apparaat is uitgelogd.")
    return redirect("accounts:security")


@ask_or_act
def sessions_end(request: SellerRequest) -> HttpResponse:
    """Ask, then end every session of this user, this one included."""
    if request.method != "POST":
        return render(request, "accounts/sessions_end.html")
    end_sessions(request.user)
    return signed_out(request)


def signed_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, "Je bent uitgelogd.")
    return redirect("account_login")

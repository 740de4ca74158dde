"""Mijn gegevens: the user's name and address, and the links in the mails about a new address."""

from collections.abc import Callable
from dataclasses import replace

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.core.internal import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.access import SellerRequest, actor, ask_or_act, filled_in, form_proof_required, show_form
from accounts.models import Actor, AddressChange
from accounts.security import address_changes
from accounts.security.security_forms import ProfileForm

STAND_IN = "Ontvanger van de mail"


@ask_or_act
@form_proof_required
def profile(request: SellerRequest) -> HttpResponse:
    """Change the name at once; mail a link to a new address."""
    user = request.user
    form = ProfileForm(filled_in(request), initial={"name": user.name, "email": user.email})
    if request.method != "POST" or not form.is_valid():
        return show_form(request, "accounts/profile.html", form)
    user.name = form.cleaned_data["name"]
    user.save(update_fields=["name"])
    email = form.cleaned_data["email"]
    if email == user.email:
        messages.success(request, "Je gegevens zijn opgeslagen.")
    else:
        limit = ratelimit.consume_or_429(request, app="allauth.account", action="invite", user=user)
        if limit:
            return limit
        address_changes.ask(user, email, by=actor(request))
        messages.success(request, f"Open de link die we naar {email} mailen. Tot dan blijft je oude adres gelden.")
    return redirect("accounts:security")


def stranger(request: HttpRequest) -> Actor:
    return replace(actor(request), stand_in=STAND_IN)


def ask_then(
    request: HttpRequest, purpose: str, template: str, act: Callable[[AddressChange], HttpResponse | None]
) -> HttpResponse:
    """Show what a link does, and do it on POST: software that checks links in mail opens them too."""
    token = (request.POST if request.method == "POST" else request.GET).get("token", "")
    change = address_changes.find(purpose, token)
    try:
        response = act(change) if change and request.method == "POST" else None
    except IntegrityError:  # another account took the address meanwhile
        response = None
    if response:
        return response
    if change is None:
        limit = ratelimit.consume_or_429(request, app="allauth.account", action="link_failed", limit_get=True)
        if limit:
            return limit
    failed = change is None or request.method == "POST"
    context = {"change": None if failed else change, "token": token}
    return render(request, template, context, status=410 if failed else 200)


@login_not_required
@ask_or_act
def confirm_address(request: HttpRequest) -> HttpResponse:
    """Ask, then make a new address count. The holder of the link need not be signed in."""

    def act(change: AddressChange) -> HttpResponse | None:
        if not address_changes.confirm(change, by=replace(stranger(request), user=change.user)):
            return None
        messages.success(request, f"Je logt voortaan in met {change.email}.")
        return redirect("accounts:security")

    return ask_then(request, "confirm-address", "accounts/confirm_address.html", act)


@login_not_required
@ask_or_act
def undo_address_change(request: HttpRequest) -> HttpResponse:
    """Ask, then restore the former address and ask for a new password."""

    def act(change: AddressChange) -> HttpResponse | None:
        if not address_changes.undo(change, by=stranger(request)):
            return None
        user = type(change.user).objects.get(pk=change.user_id)
        messages.success(request, f"Je logt weer in met {user.email}. Kies nog een nieuw wachtwoord.")
        key = default_token_generator.make_token(user)
        return redirect("account_reset_password_from_key", uidb36=user_pk_to_url_str(user), key=key)

    return ask_then(request, "undo-address-change", "accounts/undo_address_change.html", act)

"""Confirmation that mail reaches the technical contact."""

from dataclasses import replace
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render

from accounts.access import SellerRequest, actor, ask_or_act, seller_required
from accounts.models import Capability
from apicredentials.exceptions import Refusal
from apicredentials.models import TechnicalContact
from apicredentials.views.dialogs import act


@ask_or_act
@seller_required(to=Capability.CONTACT, reading=False)
def contact_resend(request: SellerRequest) -> HttpResponse:
    """Mail the confirmation link again. A reload of this address shows API Instellingen, which has the button."""
    contact = get_object_or_404(TechnicalContact.objects.select_related("seller"), seller=request.seller)
    if request.method != "POST":
        return redirect("apicredentials:settings")
    return act(request, lambda by: contact.ask_again(by=by), f"Er is een nieuwe mail op weg naar {contact.email}.")


@login_not_required
@ask_or_act
def contact_confirm(request: HttpRequest) -> HttpResponse:
    """Ask, then note that mail to an address arrives. The holder of the link need not sign in.

    Opening the link changes nothing, because software that checks the links in a mail opens it too.
    """
    token = (request.POST if request.method == "POST" else request.GET).get("token", "")
    template = "apicredentials/contact_confirm.html"
    try:
        contact = TechnicalContact.for_token(token)
    except Refusal as error:
        return render(request, template, {"error": error}, status=410)
    if request.method != "POST":
        return render(request, template, {"contact": contact, "token": token})
    contact.confirm(by=replace(actor(request), stand_in="Ontvanger van de mail"))
    return HttpResponseRedirect(f"{request.path}?{urlencode({'token': token})}")

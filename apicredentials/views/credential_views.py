"""Credentials: their pages, and the acts on them. Each act is asked for at its own address, and done by POST there."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import (
    SellerRequest,
    actor,
    ask_or_act,
    filled_in,
    form_proof_required,
    recent_proof_required,
    seller_required,
    show_form,
)
from apicredentials.exceptions import AlreadyPaused, AlreadyRevealed, NotPaused, Refusal, RotatedMeanwhile
from apicredentials.forms import ClientCredentialForm, OverlapForm, RenameForm, RightsForm, RotateForm
from apicredentials.models import ClientCredential, ClientSecret, TechnicalContact
from apicredentials.views.credential_list import row_of
from apicredentials.views.dialogs import act, back, refuse, writer_required
from apicredentials.views.usage_sections import context_of


def find(request: SellerRequest, client_id: UUID) -> ClientCredential:
    """Return this seller's credential; anybody else's is a 404."""
    credential: ClientCredential = get_object_or_404(
        ClientCredential.objects.for_seller(request.seller).with_details(), client_id=client_id
    )
    return credential


@require_safe
@seller_required
def credential(request: SellerRequest, client_id: UUID) -> HttpResponse:
    """Show a credential: its facts, secrets, use, problems, rights and log."""
    found = find(request, client_id)
    context = {"credential": found, "row": row_of(found, [*found.secrets.all()])}
    context |= context_of(request, found, found.client_id)
    return render(request, "apicredentials/credential.html", context)


@ask_or_act
@writer_required
def credential_create(request: SellerRequest) -> HttpResponse:
    """Create a credential, without a secret yet."""
    if not TechnicalContact.objects.filter(seller=request.seller).exists():
        return redirect("apicredentials:settings")
    form = ClientCredentialForm(filled_in(request), seller=request.seller)
    if request.method == "POST" and form.is_valid() and (credential := form.create(by=actor(request))):
        messages.success(request, f"Client credentials '{credential.name}' zijn aangemaakt. Toon nu het secret.")
        return redirect(f"{reverse('apicredentials:settings')}?nieuw={credential.client_id}")
    return show_form(request, "apicredentials/credential_form.html", form)


@ask_or_act
@writer_required
@recent_proof_required
def credential_reveal(request: SellerRequest, client_id: UUID) -> HttpResponse:
    """Create the first secret and show it.

    No redirect after this POST: to survive one, the secret would have to be stored somewhere.
    """
    credential = find(request, client_id)
    if request.method != "POST":
        return render(request, "apicredentials/credential_reveal.html", {"credential": credential})
    try:
        secret = credential.reveal(by=actor(request))
    except AlreadyRevealed:
        template = "apicredentials/credential_already_revealed.html"
        return render(request, template, {"credential": credential}, status=409)
    except Refusal as error:
        return refuse(request, error)
    return show_secret(request, credential, secret)


@ask_or_act
@writer_required
@form_proof_required
def credential_rotate(request: SellerRequest, client_id: UUID) -> HttpResponse:
    """Create a new secret and show it, as above. The seller chooses when the old one ends."""
    credential = find(request, client_id)
    form = RotateForm(filled_in(request), credential=credential)
    if request.method == "POST" and form.is_valid():
        try:
            return show_secret(request, credential, form.rotate(by=actor(request)))
        except RotatedMeanwhile as error:
            return refuse(request, error)
        except Refusal as error:
            form.add_error(None, ValidationError(str(error), code=error.code))
    return show_form(request, "apicredentials/credential_rotate.html", form, credential=credential)


def show_secret(request: SellerRequest, credential: ClientCredential, secret: str) -> HttpResponse:
    """Render the one response that contains a secret."""
    context = {"credential": credential, "secret": secret, "token_url": f"{settings.ISSUER_URL}/token"}
    return render(request, "apicredentials/credential_secret.html", context)


@ask_or_act
@writer_required
@form_proof_required
def secret_end(request: SellerRequest, client_id: UUID, pk: int) -> HttpResponse:
    """Change the end of the old secret."""
    credential = find(request, client_id)
    secret = get_object_or_404(ClientSecret.objects.filter(client=credential, ends_at__isnull=False), pk=pk)
    # Suggest what the list suggests: once the new secret is used and the old one is not, the old one can end.
    form = OverlapForm(filled_in(request), initial={"overlap": "0"} if credential.old_secret_is_safe_to_end else None)
    if request.method == "POST" and form.is_valid():
        return act(
            request, lambda by: secret.end_after(form.delay, by=by), "Het einde van het oude secret is gewijzigd."
        )
    return show_form(request, "apicredentials/secret_end.html", form, credential=credential, secret=secret)


@require_safe
@seller_required
def credential_use(request: SellerRequest, client_id: UUID) -> HttpResponse:
    """Show whether the newest secret has been used. The page with the secret polls this."""
    return render(request, "apicredentials/credential_use.html", {"credential": find(request, client_id)})


@ask_or_act
@writer_required
def credential_rename(request: SellerRequest, client_id: UUID) -> HttpResponse:
    """Rename it."""
    return change(request, RenameForm(filled_in(request), credential=find(request, client_id)), "Naam wijzigen")


@ask_or_act
@writer_required
@form_proof_required
def credential_rights(request: SellerRequest, client_id: UUID) -> HttpResponse:
    """Change its rights."""
    return change(request, RightsForm(filled_in(request), credential=find(request, client_id)), "Rechten wijzigen")


def change(request: SellerRequest, form: RenameForm | RightsForm, title: str) -> HttpResponse:
    """Show `form`, or apply it."""
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, form.act(by=actor(request)))
        except Refusal as error:
            form.add_error(None, ValidationError(str(error), code=error.code))
        else:
            return back(request)
    return show_form(request, "apicredentials/credential_change.html", form, credential=form.credential, title=title)


@ask_or_act
@writer_required
def credential_pause(request: SellerRequest, client_id: UUID) -> HttpResponse:
    """Ask, then pause a credential."""
    credential = find(request, client_id)
    if credential.paused_at:
        return refuse(request, AlreadyPaused())
    if request.method != "POST":
        return render(request, "apicredentials/credential_confirm_pause.html", {"credential": credential})
    return act(request, lambda by: credential.pause(by=by), f"'{credential.name}' is gepauzeerd.")


@ask_or_act
@writer_required
@recent_proof_required
def credential_resume(request: SellerRequest, client_id: UUID) -> HttpResponse:
    """Ask, then resume a credential."""
    credential = find(request, client_id)
    if credential.paused_at is None:
        return refuse(request, NotPaused())
    if request.method != "POST":
        return render(request, "apicredentials/credential_confirm_resume.html", {"credential": credential})
    return act(request, lambda by: credential.resume(by=by), f"'{credential.name}' is hervat{next_step(credential)}")


@ask_or_act
@writer_required
@recent_proof_required
def credential_delete(request: SellerRequest, client_id: UUID) -> HttpResponse:
    """Ask, then end a credential and every token made with it."""
    credential = find(request, client_id)
    if request.method != "POST":
        return render(request, "apicredentials/credential_confirm_delete.html", {"credential": credential})
    done = f"Client credentials '{credential.name}' zijn verwijderd."
    if credential.leaked_at is None:
        done += " Je kunt ze 30 dagen lang terugzetten."
    ends = reverse("apicredentials:credential", args=[client_id])
    return act(request, lambda by: credential.delete_softly(by=by), done, ends=ends)


@ask_or_act
@writer_required
@recent_proof_required
def credential_restore(request: SellerRequest, client_id: UUID) -> HttpResponse:
    """Ask, then undo a deletion."""
    deleted = ClientCredential.objects.filter(seller=request.seller).restorable()
    credential = get_object_or_404(deleted, client_id=client_id)
    if request.method != "POST":
        return render(request, "apicredentials/credential_confirm_restore.html", {"credential": credential})
    what = ", en nog steeds gepauzeerd." if credential.paused_at else next_step(credential)
    return act(request, lambda by: credential.restore(by=by), f"'{credential.name}' is teruggezet{what}")


def next_step(credential: ClientCredential) -> str:
    """Return the end of the message about a credential that is back: it works, or its secret must be shown first."""
    return " en werkt weer." if credential.live_secrets else ". Toon nu het secret."

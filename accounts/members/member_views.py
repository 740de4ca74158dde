"""The page Medewerkers and its acts, and the page that a link in an invitation opens."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import SellerRequest, actor, ask_or_act, filled_in, form_proof_required, seller_required, show_form
from accounts.members import invitations, memberships
from accounts.members.member_forms import InvitationForm, NewMemberForm, RemoveForm, RoleForm
from accounts.middleware import SESSION_KEY
from accounts.models import ROLE_DESCRIPTIONS, Actor, Capability, Invitation, Membership, User
from accounts.required_factor import FACTORS, remembered
from accounts.security.waiting import waiting_context
from apicredentials.exceptions import Refusal
from apicredentials.models.locking import lock

owner_required = seller_required(to=Capability.MEMBERS, reading=False)


@require_safe
@seller_required
def members(request: SellerRequest) -> HttpResponse:
    """Show who works for this seller, and who is invited."""
    factors = Authenticator.objects.filter(user=OuterRef("user"), type__in=FACTORS)
    rows = request.seller.memberships.select_related("user").annotate(has_factor=Exists(factors))
    owners = request.seller.memberships.filter(role=Membership.Role.OWNER, user__is_active=True)
    context = {
        "members": sorted(rows, key=lambda each: (each.user != request.user, str(each.user).casefold())),
        "invitations": request.seller.invitations.select_related("invited_by"),
        "can_change": request.membership.can_manage_members and request.seller.is_open,
        "only_owner": owners.first() if len(owners) == 1 else None,
        "roles": [(role.label, text) for role, text in ROLE_DESCRIPTIONS.items()],
    }
    return render(request, "accounts/members.html", context)


def find_member(request: SellerRequest, pk: int) -> Membership:
    """Return a member of this seller; anybody else's is a 404."""
    return get_object_or_404(request.seller.memberships.select_related("user", "seller"), pk=pk)


def find_invitation(request: SellerRequest, pk: int) -> Invitation:
    return get_object_or_404(request.seller.invitations.select_related("seller"), pk=pk)


def act(request: SellerRequest, verb: Callable[[Actor], object], done: str) -> HttpResponse:
    """Call the verb, show its result as a message, and redirect to Medewerkers."""
    try:
        verb(actor(request))
    except ObjectDoesNotExist as error:  # a colleague was faster
        raise Http404 from error
    except Refusal as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, done)
    return redirect("accounts:members")


@ask_or_act
@owner_required
@form_proof_required
def invite(request: SellerRequest) -> HttpResponse:
    """Ask for address and role, and mail an invitation."""
    form = InvitationForm(filled_in(request))
    if request.method != "POST" or not form.is_valid():
        return show_form(request, "accounts/member_invite.html", form)
    limit = ratelimit.consume_or_429(request, app="allauth.account", action="invite", user=request.user)
    if limit:
        return limit
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    return act(
        request,
        lambda by: invitations.invite(request.seller, email, role, by=by),
        f"We mailen {email} een uitnodiging.",
    )


@ask_or_act
@owner_required
@form_proof_required
def change_role(request: SellerRequest, pk: int) -> HttpResponse:
    """Ask for another role, and store it."""
    member = find_member(request, pk)
    form = RoleForm(filled_in(request), initial={"role": member.role})
    if request.method != "POST" or not form.is_valid():
        return show_form(request, "accounts/member_role.html", form, member=member)
    role = form.cleaned_data["role"]
    done = f"De rol van {member.user} is opgeslagen."
    return act(request, lambda by: memberships.change_role(member, role, by=by), done)


@ask_or_act
@owner_required
@form_proof_required
def remove(request: SellerRequest, pk: int) -> HttpResponse:
    """Ask what happens to the member's parties, and remove the member."""
    member = find_member(request, pk)
    parties = memberships.party_names(request.seller, member.user)
    # Nobody can take over from themselves: the parties of an owner who leaves stop.
    form = RemoveForm(filled_in(request), parties=[] if member.user == request.user else parties)
    if request.method != "POST" or not form.is_valid():
        return show_form(request, "accounts/member_remove.html", form, member=member, parties=parties)
    done = f"{member.user} kan niet meer bij {request.seller.display_name}."
    return act(request, lambda by: memberships.remove(member, by=by, take_over=form.take_over), done)


def back_to_button(request: SellerRequest, button: str) -> HttpResponse:
    """Redirect to Medewerkers, which has the button; after the proof it asked for, say to press it again."""
    if filled_in(request) is not None:
        messages.warning(request, f"Dit is nog niet gedaan. Kies nog een keer {button}.")
    return redirect("accounts:members")


@ask_or_act
@owner_required
@form_proof_required
def invitation_resend(request: SellerRequest, pk: int) -> HttpResponse:
    """Mail the invitation again."""
    invitation = find_invitation(request, pk)
    if request.method != "POST":
        return back_to_button(request, "Opnieuw versturen")
    limit = ratelimit.consume_or_429(request, app="allauth.account", action="invite", user=request.user)
    if limit:
        return limit
    done = f"Er is een nieuwe uitnodiging op weg naar {invitation.email}."
    return act(request, lambda by: invitations.send_again(invitation, by=by), done)


@ask_or_act
@owner_required
@form_proof_required
def invitation_withdraw(request: SellerRequest, pk: int) -> HttpResponse:
    """End an invitation."""
    invitation = find_invitation(request, pk)
    if request.method != "POST":
        return back_to_button(request, "Intrekken")
    done = f"De uitnodiging van {invitation.email} is ingetrokken."
    return act(request, lambda by: invitations.withdraw(invitation, by=by), done)


# ---- Accepting ----------------------------------------------------------------------------------------------


@login_not_required
@ask_or_act
def invitation(request: HttpRequest) -> HttpResponse:
    """Show an invitation; Accepteren accepts it. Opening the link changes nothing."""
    token = (request.POST if request.method == "POST" else request.GET).get("token", "")
    found = invitations.find(token)
    if found is None:
        limit = ratelimit.consume_or_429(request, app="allauth.account", action="link_failed", limit_get=True)
        return limit or render(request, "accounts/invitation_gone.html", status=410)
    context = {"invitation": found, "token": token} | waiting_context(request)
    if isinstance(request.user, User):
        return accept_signed_in(request, request.user, found, context)
    if User.objects.filter(email=found.email).exists():
        return redirect(reverse("account_login", query={"next": f"{request.path}?token={token}"}))
    return accept_new(request, found, context)


def accept_signed_in(request: HttpRequest, user: User, found: Invitation, context: dict[str, Any]) -> HttpResponse:
    """Accept for a user who is signed in; only with the address that was invited."""
    if user.email != found.email:
        return render(request, "accounts/invitation_other.html", context, status=403)
    if request.method != "POST":
        return render(request, "accounts/invitation.html", context)
    if not invitations.accept(found, user, by=actor(request)):
        return render(request, "accounts/invitation_gone.html", status=410)
    return redirect(joined(request, found))


def joined(request: HttpRequest, found: Invitation) -> str:
    """Work for the new seller from now on; return where to go on: to a request that waits, or API Instellingen."""
    request.session[SESSION_KEY] = found.seller.retailer_id
    messages.success(request, f"Je werkt nu mee aan {found.seller.display_name}.")
    return remembered(request) or reverse("apicredentials:settings")


def accept_new(request: HttpRequest, found: Invitation, context: dict[str, Any]) -> HttpResponse:
    """Ask for name and password, and create the account and the membership together."""
    form = NewMemberForm(request.POST if request.method == "POST" else None, email=found.email)
    if not form.is_valid():
        return show_form(request, "accounts/invitation_new.html", form, **context)
    user = create_member(request, found, form)
    if user is None:
        return render(request, "accounts/invitation_gone.html", status=410)
    login = Login(user=user, email=user.email, redirect_url=joined(request, found))
    return perform_password_login(request, {"email": user.email}, login)


def create_member(request: HttpRequest, found: Invitation, form: NewMemberForm) -> User | None:
    """Create the account and the membership; None if another request was first."""
    try:
        with transaction.atomic():
            lock(found.seller)
            user = form.save()
            if invitations.accept(found, user, by=replace(actor(request), user=user)):
                return user
            transaction.set_rollback(True)
    except IntegrityError:  # the address has an account by now
        pass
    return None

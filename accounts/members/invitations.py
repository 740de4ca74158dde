"""Acts on invitations: inviting, sending again, withdrawing and accepting."""

from django.db import transaction
from django.utils import timezone

from accounts.links import new_nonce, read_token
from accounts.members.memberships import changing_members, record
from accounts.models import Actor, Invitation, Membership, Seller, User
from apicredentials.models import Activity, OutgoingMail
from apicredentials.models.locking import lock
from apicredentials.models.outgoing_mail import context_for

Kind = Activity.Kind


def invite(seller: Seller, email: str, role: str, *, by: Actor) -> None:
    """Mail an invitation, in place of an open one to the same address. Known and unknown addresses are equal."""
    with changing_members(seller, by):
        for former in Invitation.objects.filter(seller=seller, email=email):
            end(former)
        invitation = Invitation.objects.create(seller=seller, email=email, role=role, invited_by=by.user)
        record_and_mail(invitation, by=by)


def record_and_mail(invitation: Invitation, *, by: Actor) -> None:
    """Log the invitation, and queue the mail with the link; the token is made when the mail is rendered."""
    seller, role = invitation.seller, invitation.get_role_display()
    record(Kind.MEMBER_INVITED, seller, invitation.email, by=by, also=[], role=role)
    context = context_for(seller, by=by, role=role, row=str(invitation.pk), nonce=invitation.nonce)
    mail = OutgoingMail(
        kind=OutgoingMail.Kind.INVITATION,
        key=f"{occasion(invitation)}{invitation.nonce}",
        context=context,
        seller=seller,
    )
    mail.queue_for([invitation.email])


def occasion(invitation: Invitation) -> str:
    """Return the prefix of the keys of this invitation's mails."""
    return f"invitation:{invitation.pk}:"


def send_again(invitation: Invitation, *, by: Actor) -> None:
    """Mail a new link, valid for 7 days from now; the earlier link stops working."""
    with changing_members(invitation.seller, by):
        lock(invitation)
        OutgoingMail.objects.withdraw(occasion(invitation))
        invitation.sent_at, invitation.nonce = timezone.now(), new_nonce()
        invitation.save(update_fields=["sent_at", "nonce"])
        record_and_mail(invitation, by=by)


def withdraw(invitation: Invitation, *, by: Actor) -> None:
    """End an invitation: its link stops working."""
    with changing_members(invitation.seller, by):
        lock(invitation)
        record(Kind.INVITATION_WITHDRAWN, invitation.seller, invitation.email, by=by, also=[])
        end(invitation)


def end(invitation: Invitation) -> None:
    """Delete an invitation, and its mail if that has not been sent."""
    OutgoingMail.objects.withdraw(occasion(invitation))
    invitation.delete()


def find(token: str) -> Invitation | None:
    """Return the invitation of a link, if the link still works."""
    found = read_token("invitation", token)
    if found is None:
        return None
    alive = Invitation.objects.filter(sent_at__gt=timezone.now() - Invitation.LIFETIME, seller__closed_at=None)
    return alive.select_related("seller", "invited_by").filter(pk=found[0], nonce=found[1]).first()


def accept(invitation: Invitation, user: User, *, by: Actor) -> bool:
    """Make the user a member; False if the invitation has gone or is for another address.

    Somebody who is a member already keeps the role they have: an invitation must not take rights away.
    """
    with transaction.atomic():
        seller = invitation.seller
        lock(seller)
        rows = Invitation.objects.filter(pk=invitation.pk, nonce=invitation.nonce, email=user.email)
        if not rows.delete()[0]:
            return False
        membership, is_new = Membership.objects.get_or_create(
            seller=seller, user=user, defaults={"role": invitation.role}
        )
        if is_new:
            role = membership.get_role_display()
            record(Kind.MEMBER_JOINED, seller, str(user), by=by, also=[user.email], role=role)
    return True

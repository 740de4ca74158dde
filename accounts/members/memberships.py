"""Acts on memberships. Each locks the seller, so that its last owner cannot disappear in a race."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.access import REFUSALS
from accounts.models import Actor, Capability, Membership, Seller, User
from apicredentials.exceptions import Refusal
from apicredentials.models import Activity, ThirdPartyAuthorization
from apicredentials.models.kinds import Recipients
from apicredentials.models.locking import lock

Kind = Activity.Kind


class LastOwner(Refusal):
    code = "last_owner"
    message = "Er is altijd minstens één eigenaar die kan inloggen. Maak eerst iemand anders eigenaar."


@contextmanager
def changing_members(seller: Seller, by: Actor) -> Iterator[None]:
    """Lock the seller, and check the actor's role again: another owner may have changed it meanwhile."""
    with transaction.atomic():
        lock(seller)
        actor = Membership.objects.filter(seller=seller, user=by.user).first() if by.user else None
        if not by.is_operator and not (actor and actor.can(Capability.MEMBERS)):
            raise PermissionDenied(REFUSALS[Capability.MEMBERS])
        yield


def require_other_owner(membership: Membership) -> None:
    """Raise LastOwner if no other owner of the seller can sign in."""
    owners = Membership.objects.filter(seller=membership.seller, role=Membership.Role.OWNER, user__is_active=True)
    if membership.role == Membership.Role.OWNER and not owners.exclude(pk=membership.pk).exists():
        raise LastOwner


def record(kind: Kind, seller: Seller, subject: str, *, by: Actor, also: list[str], **details: str) -> None:
    """Log a change of members; mail it to the owners and the person concerned."""
    activity = Activity.record(kind, seller=seller, subject=subject, by=by, **details)
    activity.queue_mail(Recipients.NOBODY, by=by, also=also)


def add(membership: Membership, *, by: Actor) -> None:
    """Save a new membership that an operator gives; members are invited instead."""
    with changing_members(membership.seller, by):
        membership.save(force_insert=True)
        person = membership.user
        role = membership.get_role_display()
        record(Kind.MEMBER_ADDED, membership.seller, str(person), by=by, also=[person.email], role=role)


def change_role(membership: Membership, role: str, *, by: Actor) -> None:
    """Give a member another role, from their next request. Raises LastOwner. Idempotent."""
    with changing_members(membership.seller, by):
        lock(membership)
        if membership.role == role:
            return
        if role != Membership.Role.OWNER:
            require_other_owner(membership)
        former = membership.get_role_display()
        membership.role = role
        membership.save(update_fields=["role"])
        now = membership.get_role_display()
        person = membership.user
        record(
            Kind.MEMBER_ROLE_CHANGED,
            membership.seller,
            str(person),
            by=by,
            also=[person.email],
            role=now,
            former_role=former,
        )


def remove(membership: Membership, *, by: Actor, take_over: bool) -> None:
    """End a membership at the member's next request. Raises LastOwner.

    The consents of the member stop, unless the person who removes the member takes them over.
    """
    seller, person = membership.seller, membership.user
    with changing_members(seller, by):
        lock(membership)
        require_other_owner(membership)
        names = ", ".join(party_names(seller, person))
        parties = {"taken_over" if take_over else "stopped": names}
        membership.delete()
        record(Kind.MEMBER_REMOVED, seller, str(person), by=by, also=[person.email], **parties)
        if take_over:
            take_over_from(person, seller=seller, by=by)
        else:
            ThirdPartyAuthorization.objects.stop_for_member(person, seller=seller, by=by)


def take_over_from(user: User, *, seller: Seller, by: Actor) -> None:
    """Answer for what a member who leaves gave consent for. Nothing stops, and the end dates stay the same."""
    for consent in ThirdPartyAuthorization.objects.given_by(user, seller=seller):
        consent.granted_by = by.user
        consent.save(update_fields=["granted_by"])
        ends_at = consent.expires_at.isoformat()
        consent.record(Kind.PARTY_TAKEN_OVER, by, former_giver=str(user), expires_at=ends_at)


def party_names(seller: Seller, user: User) -> list[str]:
    """Return the names of the parties that this member gave consent to and that have not ended."""
    consents = ThirdPartyAuthorization.objects.given_by(user, seller=seller).order_by("third_party__folded_name")
    return list(consents.values_list("third_party__name", flat=True))

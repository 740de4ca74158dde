"""Changing a user's address: asked for on Mijn gegevens, confirmed by a link, undone by another link."""

import datetime as dt

from allauth.account.models import EmailAddress
from allauth.mfa.base.internal.flows import delete_dangling_recovery_codes
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils import timezone

from accounts.links import new_nonce, read_token
from accounts.models import Actor, AddressChange, User
from accounts.security.events import mail_user
from accounts.security.sessions import end_sessions
from apicredentials.models import Activity, OutgoingMail
from apicredentials.models.sellers import record_for_sellers

Kind = OutgoingMail.Kind


def ask(user: User, email: str, *, by: Actor) -> None:
    """Mail the new address. An address that has an account gets another mail, and the page shows the same."""
    with transaction.atomic():
        AddressChange.objects.filter(user=user, confirmed_at=None).delete()
        change = AddressChange.objects.create(user=user, former_email=user.email, email=email)
        kind = Kind.ADDRESS_IN_USE if User.objects.filter(email=email).exists() else Kind.ADDRESS_CONFIRMATION
        mail_user(kind, [email], by=by, name=str(user), row=str(change.pk), nonce=change.nonce)


def find(purpose: str, token: str) -> AddressChange | None:
    """Return the change that a link is about, if the link still works."""
    found = read_token(purpose, token)
    rows = AddressChange.confirmable() if purpose == "confirm-address" else AddressChange.undoable()
    return rows.select_related("user").filter(pk=found[0], nonce=found[1]).first() if found else None


def confirm(change: AddressChange, *, by: Actor) -> bool:
    """Make the new address count and mail the old one; False if the link was used or the address is taken."""
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=change.user_id)
        waiting = AddressChange.confirmable().filter(pk=change.pk, nonce=change.nonce)
        if not waiting.exists() or User.objects.filter(email=change.email).exists():
            return False
        # A new nonce: the link in the first mail must not undo what it confirmed.
        waiting.update(confirmed_at=timezone.now(), nonce=new_nonce())
        change.refresh_from_db()
        replace_address(user, change, by=by)
    return True


def replace_address(user: User, change: AddressChange, *, by: Actor) -> None:
    """Store the new address, tell the sellers, and mail the old address a link that undoes it."""
    set_address(user, change.email)
    record_for_sellers(Activity.Kind.ADDRESS_CHANGED, user, by=by)
    mail_user(
        Kind.ADDRESS_REPLACED, [change.former_email], by=by, name=str(user), row=str(change.pk), nonce=change.nonce
    )


def set_address(user: User, email: str) -> None:
    """Store an address; allauth's own table must not keep the former one."""
    user.email = email
    user.save(update_fields=["email"])
    EmailAddress.objects.filter(user=user).delete()


def note_replaced(user: User, former: str, *, by: Actor) -> None:
    """Log and mail an address that an operator replaced. The old address gets no link: it may be a thief's."""
    EmailAddress.objects.filter(user=user).delete()
    AddressChange.objects.filter(user=user).delete()
    record_for_sellers(Activity.Kind.ADDRESS_CHANGED, user, by=by, also=[user.email])
    mail_user(Kind.ADDRESS_REPLACED, [former], by=by, name=str(user))


def undo(change: AddressChange, *, by: Actor) -> bool:
    """Restore the former address and end all sessions, the password and newer factors.

    False if somebody else uses the address.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=change.user_id)
        live = AddressChange.undoable().filter(pk=change.pk, nonce=change.nonce)
        if not live.exists() or User.objects.filter(email=change.former_email).exclude(pk=user.pk).exists():
            return False
        # Later changes lose their links too: they were made from the address that is taken back.
        AddressChange.objects.filter(user=user, pk__gte=change.pk).delete()
        user.set_unusable_password()
        user.save(update_fields=["password"])
        set_address(user, change.former_email)
        end_sessions(user)
        remove_factors_since(user, change.asked_at, by=by)
        record_for_sellers(Activity.Kind.ADDRESS_CHANGED, user, by=by, restored="yes")
    return True


def remove_factors_since(user: User, moment: dt.datetime, *, by: Actor) -> None:
    """Remove factors that a thief may have added: a passkey signs in without the password, and no mail told of it."""
    if Authenticator.objects.filter(user=user, created_at__gte=moment).delete()[0]:
        delete_dangling_recovery_codes(user)
        newer = "wat is toegevoegd na het wijzigen van je e-mailadres"
        mail_user(Kind.OWN_FACTOR_REMOVED, [user.email], by=by, name=str(user), factor=newer)

"""Notices: authorisations that end or have ended, old secrets that have ended, unconfirmed addresses.

Nothing is ended here: the ends themselves are enforced where tokens are issued and checked. A late run is therefore
harmless, and the next run makes up for a missed one, unless the news is older than CATCH_UP.
"""

import datetime as dt
from itertools import batched

from django.db import models, transaction
from django.db.models import CharField, Exists, F, OuterRef, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.models import Actor
from apicredentials import scopes
from apicredentials.models.activity import Activity
from apicredentials.models.authorizations import ThirdPartyAuthorization
from apicredentials.models.client_secrets import ClientSecret
from apicredentials.models.contacts import TechnicalContact
from apicredentials.models.outgoing_mail import OutgoingMail, context_for, key_of_end, recipients_of

# Days before the end of an authorisation on which a notice is sent.
STEPS = (60, 30, 14, 7, 1)
# The subset on which the party's contact address gets a notice too.
PARTY_STEPS = (30, 7, 1)
# How long an address may stay unconfirmed before one reminder.
REMIND_AFTER = dt.timedelta(days=3)
# News older than this is not mailed.
CATCH_UP = dt.timedelta(days=30)

BATCH_SIZE = 500


def queue_notices() -> None:
    """Queue all notices that are due. Idempotent, also when several processes do it at once."""
    queue_authorizations_that_end()
    note_ended_authorizations()
    note_ended_secrets()
    queue_reminders()


# ---- An authorisation ends ----------------------------------------------------------------------------------


def queue_authorizations_that_end() -> None:
    """Queue the 60/30/14/7/1-day notices. After missed runs only the most recent notice is sent."""
    now = timezone.now()
    ending = (
        ThirdPartyAuthorization.objects.active()
        .filter(expires_at__lt=now + dt.timedelta(STEPS[0] + 1))
        .with_parties()
        .order_by("pk")
    )
    for some in batched(ending.iterator(BATCH_SIZE), BATCH_SIZE):
        by_key = {key_of_step(each): each for each in some if each.days_left <= STEPS[0]}
        told = OutgoingMail.objects.filter(key__in=by_key).values_list("key", flat=True)
        for key in by_key.keys() - set(told):
            queue_end(by_key[key].pk, key)


def key_of_step(authorization: ThirdPartyAuthorization, steps: tuple[int, ...] = STEPS) -> str:
    """Return the key of the notice that is due. It contains the end date: a renewal starts all notices again."""
    step = min((step for step in steps if step >= authorization.days_left), default=steps[0])
    return f"{key_of_end(authorization.uid)}{authorization.expires_at:%Y%m%dT%H%M%S}:{step}"


def queue_end(pk: int, key: str) -> None:
    """Queue one notice, unless the authorisation was renewed or ended meanwhile.

    The first notice for an end date has the calendar file, whichever step it is.
    """
    with transaction.atomic():
        active = ThirdPartyAuthorization.objects.active().select_for_update(no_key=True, of=("self",))
        authorization = active.filter(pk=pk).first()
        if authorization is None or key_of_step(authorization) != key:
            return
        seller, end = authorization.seller, key.rpartition(":")[0]
        is_first = not OutgoingMail.objects.filter(
            key__in=[f"{end}:{step}" for step in STEPS], given_up_at=None
        ).exists()
        context = context_for(
            seller,
            by=Actor.machine(),
            subject=authorization.third_party.name,
            expires_at=authorization.expires_at.isoformat(),
            scope=scopes.join(authorization.rights),
            giver=str(authorization.granted_by or ""),
            granted_at=authorization.granted_at.isoformat(),
            calendar=authorization.uid if is_first else "",
        )
        mail = OutgoingMail(kind=OutgoingMail.Kind.AUTHORIZATION_ENDS, key=key, context=context, seller=seller)
        mail.queue_for(recipients_of(seller))
        if authorization.days_left <= PARTY_STEPS[0]:
            key = f"{key_of_step(authorization, PARTY_STEPS)}:party"
            authorization.mail_party(OutgoingMail.Kind.ACCESS_ENDS, key)


# ---- Something has ended ------------------------------------------------------------------------------------


def not_noted(kind: Activity.Kind, seller: str, ended_at: str, name: str, value: str) -> Q:
    """Return a condition: no row in the log has this kind and the object's id as its detail `name`."""
    noted = Activity.objects.annotate(whose=KT(f"details__{name}")).filter(
        kind=kind, seller=OuterRef(seller), at__gte=OuterRef(ended_at), whose=Cast(OuterRef(value), CharField())
    )
    return Q(~Exists(noted))


def expired_authorizations() -> models.QuerySet[ThirdPartyAuthorization]:
    """Return the recently expired authorisations that are not in the log and were not followed by a new consent."""
    now = timezone.now()
    return ThirdPartyAuthorization.objects.filter(
        not_noted(Activity.Kind.PARTY_EXPIRED, "seller", "expires_at", "authorization", "uid"),
        ended_at=None,
        expires_at__range=(now - CATCH_UP, now),
        seller__closed_at=None,
        third_party__paused_at=None,
        third_party__deleted_at=None,
        granted_by__is_active=True,
    )


def note_ended_authorizations() -> None:
    """Record the end of authorisations in the log, which queues the mails."""
    for pk in list(expired_authorizations().values_list("pk", flat=True)):
        with transaction.atomic():
            ThirdPartyAuthorization.objects.select_for_update(no_key=True).filter(pk=pk).first()
            if authorization := expired_authorizations().filter(pk=pk).first():
                authorization.record(
                    Activity.Kind.PARTY_EXPIRED,
                    Actor.machine(),
                    authorization=authorization.uid,
                    expires_at=authorization.expires_at.isoformat(),
                )


def ended_secrets() -> models.QuerySet[ClientSecret]:
    """Return the recently ended secrets whose end is not in the log, and was not part of a rotation or a leak."""
    now = timezone.now()
    in_its_place = ClientSecret.objects.filter(
        client=OuterRef("client"),
        created_at__gte=OuterRef("ends_at"),
        created_at__lt=OuterRef("ends_at") + dt.timedelta(minutes=1),
    )
    return ClientSecret.objects.filter(
        not_noted(Activity.Kind.SECRET_ENDED, "client__seller", "ends_at", "secret", "pk"),
        ~Exists(in_its_place),
        Q(client__leaked_at=None) | ~Q(client__leaked_at=F("ends_at")),
        ends_at__range=(now - CATCH_UP, now),
        client__seller__isnull=False,
        client__seller__closed_at=None,
        client__deleted_at=None,
    )


def note_ended_secrets() -> None:
    """Record the end of secrets in the log, which queues the mails."""
    for pk in list(ended_secrets().values_list("pk", flat=True)):
        with transaction.atomic():
            ClientSecret.objects.select_for_update().filter(pk=pk).first()
            if secret := ended_secrets().select_related("client__seller").filter(pk=pk).first():
                Activity.record(
                    Activity.Kind.SECRET_ENDED,
                    seller=secret.client.seller,
                    subject=secret.client.name,
                    by=Actor.machine(),
                    secret=str(secret.pk),
                    hint=secret.hint,
                    ended_at=secret.ends_at.isoformat() if secret.ends_at else "",
                )


# ---- An address is unconfirmed ------------------------------------------------------------------------------


def queue_reminders() -> None:
    """Remind each unconfirmed contact once, and tell the owners."""
    now = timezone.now()
    unconfirmed = TechnicalContact.objects.filter(
        confirmed_at=None, updated_at__range=(now - CATCH_UP, now - REMIND_AFTER), seller__closed_at=None
    ).select_related("seller")
    for contact in unconfirmed:
        key = f"unconfirmed:{contact.pk}:{contact.email.casefold()}"
        if not OutgoingMail.objects.filter(key=key).exists():
            contact.remind(key)

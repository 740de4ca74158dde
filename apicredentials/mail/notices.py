"""What the calendar asks to be told: an authorisation that ends or has ended, an old secret that has ended, an
address that nobody confirmed.

Nothing here takes effect: ends are held where tokens are made and used. So a run may be late, and one that was
missed is made up for, unless the news is older than CATCH_UP.
"""

import datetime as dt
from itertools import batched

from django.db import models, transaction
from django.db.models import CharField, Exists, F, OuterRef, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.models import Actor
from apicredentials.models.activity import Activity
from apicredentials.models.authorizations import ThirdPartyAuthorization
from apicredentials.models.client_secrets import ClientSecret
from apicredentials.models.contacts import TechnicalContact
from apicredentials.models.outgoing_mail import (
    OutgoingMail,
    contact_of,
    context_for,
    key_of_end,
    owners_of,
    unique_addresses,
)

# How many days before the end of an authorisation there is a notice.
STEPS = (60, 30, 14, 7, 1)
# How long an address may stay unconfirmed before we ask again, once.
REMIND_AFTER = dt.timedelta(days=3)
# What happened longer ago than this is not worth a mail any more.
CATCH_UP = dt.timedelta(days=30)

BATCH_SIZE = 500


def queue_notices() -> None:
    """Queue everything that is to be told today. Done twice, or by two at once, it tells everything once."""
    queue_authorizations_that_end()
    note_ended_authorizations()
    note_ended_secrets()
    queue_reminders()


# ---- An authorisation ends ----------------------------------------------------------------------------------


def queue_authorizations_that_end() -> None:
    """Tell in how many days each authorisation ends; who missed a step gets the next one only."""
    now = timezone.now()
    ending = (
        ThirdPartyAuthorization.objects.active()
        .filter(seller__closed_at=None, third_party__deleted_at=None, expires_at__lt=now + dt.timedelta(STEPS[0] + 1))
        .select_related("seller", "third_party")
        .order_by("pk")
    )
    for some in batched(ending.iterator(BATCH_SIZE), BATCH_SIZE):
        by_key = {key_of_step(each): each for each in some if each.days_left <= STEPS[0]}
        told = OutgoingMail.objects.filter(key__in=by_key).values_list("key", flat=True)
        for key in by_key.keys() - set(told):
            queue_end(by_key[key].pk, key)


def key_of_step(authorization: ThirdPartyAuthorization) -> str:
    """Return what names this notice: a renewed authorisation gets them all again."""
    step = min((step for step in STEPS if step >= authorization.days_left), default=STEPS[0])
    return f"{key_of_end(authorization.uid)}{authorization.expires_at:%Y%m%dT%H%M%S}:{step}"


def queue_end(pk: int, key: str) -> None:
    """Queue one notice, with a calendar file in the first, unless the end has been put off or has come meanwhile."""
    with transaction.atomic():
        authorization = ThirdPartyAuthorization.objects.active().select_for_update(no_key=True).filter(pk=pk).first()
        if authorization is None or key_of_step(authorization) != key:
            return
        seller = authorization.seller
        context = context_for(
            seller,
            by=Actor.machine(),
            subject=authorization.third_party.name,
            expires_at=authorization.expires_at.isoformat(),
            calendar=authorization.uid if key.endswith(f":{STEPS[0]}") else "",
        )
        mail = OutgoingMail(kind=OutgoingMail.Kind.AUTHORIZATION_ENDS, key=key, context=context, seller=seller)
        mail.queue_for(unique_addresses([*owners_of(seller), *contact_of(seller)]))


# ---- Something has ended ------------------------------------------------------------------------------------


def not_noted(kind: Activity.Kind, seller: str, ended_at: str, name: str, value: str) -> Q:
    """Return the condition that the log does not have this end: `name` in its details says whose."""
    noted = Activity.objects.annotate(whose=KT(f"details__{name}")).filter(
        kind=kind, seller=OuterRef(seller), at__gte=OuterRef(ended_at), whose=Cast(OuterRef(value), CharField())
    )
    return Q(~Exists(noted))


def expired_authorizations() -> models.QuerySet[ThirdPartyAuthorization]:
    """Those whose year ran out lately, of which the log says nothing, and in whose place came no new consent."""
    now = timezone.now()
    return ThirdPartyAuthorization.objects.filter(
        not_noted(Activity.Kind.PARTY_EXPIRED, "seller", "expires_at", "authorization", "uid"),
        ended_at=None,
        expires_at__range=(now - CATCH_UP, now),
        seller__closed_at=None,
        third_party__deleted_at=None,
    )


def note_ended_authorizations() -> None:
    """Write in the log, and so in a mail, that an authorisation has ended."""
    for pk in list(expired_authorizations().values_list("pk", flat=True)):
        with transaction.atomic():
            ThirdPartyAuthorization.objects.select_for_update(no_key=True).filter(pk=pk).first()
            if authorization := expired_authorizations().filter(pk=pk).first():
                Activity.record(
                    Activity.Kind.PARTY_EXPIRED,
                    seller=authorization.seller,
                    subject=authorization.third_party.name,
                    by=Actor.machine(),
                    authorization=authorization.uid,
                    expires_at=authorization.expires_at.isoformat(),
                )


def ended_secrets() -> models.QuerySet[ClientSecret]:
    """Those that ended lately, of which the log says nothing, neither here nor in the act that ended them."""
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
    """Write in the log, and so in a mail, that an old secret has ended."""
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
    """Ask once more for confirmation of an address, and let the owner know that nobody has confirmed it."""
    now = timezone.now()
    unconfirmed = TechnicalContact.objects.filter(
        confirmed_at=None, updated_at__range=(now - CATCH_UP, now - REMIND_AFTER), seller__closed_at=None
    ).select_related("seller")
    for contact in unconfirmed:
        key = f"unconfirmed:{contact.pk}:{contact.email.casefold()}"
        if not OutgoingMail.objects.filter(key=key).exists():
            contact.remind(key)

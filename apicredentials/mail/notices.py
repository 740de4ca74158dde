"""Notices: authorisations that end or have ended, old secrets that have ended, unconfirmed addresses.

Nothing is ended here: the ends themselves are enforced where tokens are issued and checked. A late run is therefore
harmless, and the next run makes up for a missed one, unless the news is older than CATCH_UP.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import batched
from typing import Any

from django.db import models, transaction
from django.db.models import CharField, Count, Exists, F, Func, OuterRef, Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Concat, Left, Lower, Replace
from django.utils import timezone

from accounts.models import Actor
from apicredentials import scopes
from apicredentials.models.activity import Activity
from apicredentials.models.announcements import Announcement
from apicredentials.models.authorizations import ThirdPartyAuthorization
from apicredentials.models.client_secrets import ClientSecret
from apicredentials.models.contacts import TechnicalContact
from apicredentials.models.outgoing_mail import OutgoingMail, addresses_of, context_for
from apicredentials.moments import midnight_in

# Days before the end of an authorisation on which a notice is sent.
STEPS = (60, 30, 14, 7, 1)
# The subset on which the party's contact address gets a notice too.
PARTY_STEPS = (30, 7, 1)
# `ThirdPartyAuthorization.noticed_step` of an authorisation whose end is in the log.
ENDED = 0
# How long an address may stay unconfirmed before one reminder.
REMIND_AFTER = dt.timedelta(days=3)
# News older than this is not mailed.
CATCH_UP = dt.timedelta(days=30)

# Rows per transaction, which takes a fraction of a second.
BATCH_SIZE = 100
# Sellers whose addresses are counted at once.
COUNTED_SELLERS = 1000


@dataclass
class News:
    """Unsaved rows of the log and of the outbox."""

    mails: list[OutgoingMail] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)


def count_copies(due: models.QuerySet[Any], seller: str = "seller") -> int:
    """Return the number of mails if each of these rows makes one for each address of its seller."""
    rows = dict(due.order_by().values_list(seller).annotate(Count("pk")))
    return sum(
        rows[pk] * len(addresses)
        for sellers in batched(rows, COUNTED_SELLERS)
        for pk, addresses in addresses_of(sellers).items()
    )


@dataclass(frozen=True)
class Notice:
    """A kind of notice: which rows are due, the news of these rows, and how many mails that is.

    `note` marks the rows, so that the next run does not look at them again.
    """

    due: Callable[[], models.QuerySet[Any]]
    news: Callable[[Sequence[Any]], News]
    note: Callable[[models.QuerySet[Any]], object] = lambda rows: None
    count: Callable[[models.QuerySet[Any]], int] = count_copies


def queue_notices() -> None:
    """Queue all notices that are due. Idempotent, also when several processes do it at once."""
    for notice in NOTICES:
        for keys in batches(notice):
            queue_batch(notice, keys)


def queue_announcements() -> None:
    """Queue the mails of sent announcements that are not in the outbox yet. Takes minutes for a million contacts."""
    for announcement in Announcement.objects.unqueued():
        announcement.queue()


def count_notices() -> int:
    """Return how many mails queue_notices() would queue, without making them. Locks and writes nothing."""
    return sum(notice.count(notice.due()) for notice in NOTICES)


def batches(notice: Notice) -> Iterator[tuple[int, ...]]:
    """Return the primary keys of what is due, as many at a time as one transaction takes."""
    return batched(list(notice.due().order_by("pk").values_list("pk", flat=True)), BATCH_SIZE)


def queue_batch(notice: Notice, keys: Sequence[int]) -> None:
    """Queue the notices of these rows, except rows that changed meanwhile or that another run has locked."""
    with transaction.atomic():
        rows = notice.due().model._base_manager.filter(pk__in=keys)
        locked = list(rows.order_by("pk").select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))
        # A new statement, because a row may have changed before it was locked.
        due = list(notice.due().filter(pk__in=locked).order_by("pk"))
        news = notice.news(due)
        Activity.objects.bulk_create(news.activities)
        OutgoingMail.objects.bulk_create(news.mails, ignore_conflicts=True)
        notice.note(rows.filter(pk__in=[row.pk for row in due]))


# ---- An authorisation ends ----------------------------------------------------------------------------------


def unnoticed(step: int) -> Q:
    """Return the condition that this step of this end was not the last one that was queued."""
    return ~Q(noticed_end=F("expires_at"), noticed_step=step)


def note_step(step: int, rows: models.QuerySet[ThirdPartyAuthorization]) -> None:
    rows.update(noticed_end=F("expires_at"), noticed_step=step)


def count_of_authorizations(due: models.QuerySet[Any]) -> int:
    """Return the number of mails to the sellers and to the parties."""
    to_parties = due.filter(party_is_told=False).exclude(third_party__contact_email="")
    return count_copies(due.filter(is_told=False)) + to_parties.count()


def start_of_key() -> Func:
    """Return the start of the keys of its notices. It contains the end date, so a renewal starts all notices again."""
    end: Func = Left(Cast("expires_at", CharField()), 19)
    for separator, replacement in (("-", ""), (":", ""), (" ", "T")):
        end = Replace(end, Value(separator), Value(replacement))
    return Concat(Value("ends:"), "uid", Value(":"), end, Value(":"))


def is_queued(*ends_of_key: object, **conditions: Any) -> Exists:
    """Return the condition that the outbox has a notice with one of these keys."""
    keys = [Concat(OuterRef("start_of_key"), Value(str(end))) for end in ends_of_key]
    return Exists(OutgoingMail.objects.filter(key__in=keys, **conditions))


def party_step_of(step: int) -> int | None:
    """Return the most recent step on which the party gets a notice too."""
    return min((each for each in PARTY_STEPS if each >= step), default=None)


def ending(step: int) -> models.QuerySet[ThirdPartyAuthorization]:
    """Return the authorisations for which this step is due; after missed runs only the most recent one is."""
    next_step = max((each for each in STEPS if each < step), default=-1)
    party_step = party_step_of(step)
    return (
        ThirdPartyAuthorization.objects.active()
        .filter(unnoticed(step), expires_at__gte=midnight_in(next_step + 1), expires_at__lt=midnight_in(step + 1))
        .with_parties()
        .annotate(start_of_key=start_of_key())
        .annotate(
            is_told=is_queued(step),
            is_first=~is_queued(*STEPS, given_up_at=None),
            party_is_told=is_queued(f"{party_step}:party") if party_step else Value(True),
        )
    )


def news_of_ending(step: int, authorizations: Sequence[Any]) -> News:
    """Return the mails that are not in the outbox. The first one for an end date has the calendar file."""
    news = News()
    recipients = addresses_of(each.seller_id for each in authorizations)
    for each in authorizations:
        if not each.is_told:
            mail = mail_of_end(each, f"{each.start_of_key}{step}", is_first=each.is_first)
            news.mails += mail.copies_for(recipients[each.seller_id])
        if not each.party_is_told:
            key = f"{each.start_of_key}{party_step_of(step)}:party"
            news.mails += each.mails_to_party(OutgoingMail.Kind.ACCESS_ENDS, key)
    return news


def mail_of_end(authorization: ThirdPartyAuthorization, key: str, *, is_first: bool) -> OutgoingMail:
    """Return the unsaved mail to the seller, without a recipient."""
    context = context_for(
        authorization.seller,
        by=Actor.machine(),
        subject=authorization.third_party.name,
        expires_at=authorization.expires_at.isoformat(),
        scope=scopes.join(authorization.rights),
        giver=str(authorization.granted_by or ""),
        granted_at=authorization.granted_at.isoformat(),
        calendar=authorization.uid if is_first else "",
    )
    kind = OutgoingMail.Kind.AUTHORIZATION_ENDS
    return OutgoingMail(kind=kind, key=key, context=context, seller=authorization.seller)


# ---- Something has ended ------------------------------------------------------------------------------------


def news_of_end(activity: Activity, key: str, recipients: dict[int, list[str]]) -> News:
    """Return the row in the log and the mails about it."""
    assert activity.seller_id is not None
    mails = activity.mail(key, by=Actor.machine()).copies_for(recipients[activity.seller_id])
    return News(mails, [activity])


def expired_authorizations() -> models.QuerySet[ThirdPartyAuthorization]:
    """Return the recently expired authorisations that are not noticed and were not followed by a new consent."""
    now = timezone.now()
    logged = Activity.objects.annotate(authorization=KT("details__authorization")).filter(
        kind=Activity.Kind.PARTY_EXPIRED,
        seller=OuterRef("seller"),
        at__gte=OuterRef("expires_at"),
        authorization=OuterRef("uid"),
    )
    expired = ThirdPartyAuthorization.objects.filter(
        unnoticed(ENDED),
        ended_at=None,
        expires_at__range=(now - CATCH_UP, now),
        seller__closed_at=None,
        third_party__paused_at=None,
        third_party__deleted_at=None,
        granted_by__is_active=True,
    )
    return expired.with_parties().annotate(is_told=Exists(logged), party_is_told=Exists(logged))


def news_of_expired(authorizations: Sequence[Any]) -> News:
    """Return the news of the ends that are not in the log, for the sellers and the parties."""
    news = News()
    recipients = addresses_of(each.seller_id for each in authorizations)
    for each in [each for each in authorizations if not each.is_told]:
        expires_at = each.expires_at.isoformat()
        activity = Activity(
            kind=Activity.Kind.PARTY_EXPIRED,
            seller=each.seller,
            subject=each.third_party.name,
            actor_name=Actor.machine().name,
            target=each.uid,
            details={"authorization": each.uid, "expires_at": expires_at},
        )
        key = f"expired:{each.uid}:{expires_at}"
        found = news_of_end(activity, key, recipients)
        news.activities += found.activities
        news.mails += found.mails + each.mails_to_party(OutgoingMail.Kind.ACCESS_ENDED, f"{key}:party")
    return news


def ended_secrets() -> models.QuerySet[ClientSecret]:
    """Return the recently ended secrets whose end is not in the log, and was not part of a rotation or a leak."""
    now = timezone.now()
    logged = Activity.objects.annotate(secret=KT("details__secret")).filter(
        kind=Activity.Kind.SECRET_ENDED,
        seller=OuterRef("client__seller"),
        at__gte=OuterRef("ends_at"),
        secret=Cast(OuterRef("pk"), CharField()),
    )
    in_its_place = ClientSecret.objects.filter(
        client=OuterRef("client"),
        created_at__gte=OuterRef("ends_at"),
        created_at__lt=OuterRef("ends_at") + dt.timedelta(minutes=1),
    )
    return ClientSecret.objects.filter(
        ~Exists(logged),
        ~Exists(in_its_place),
        Q(client__leaked_at=None) | ~Q(client__leaked_at=F("ends_at")),
        ends_at__range=(now - CATCH_UP, now),
        client__seller__isnull=False,
        client__seller__closed_at=None,
        client__deleted_at=None,
    ).select_related("client__seller")


def news_of_secrets(secrets: Sequence[ClientSecret]) -> News:
    news = News()
    recipients = addresses_of(each.client.seller_id for each in secrets if each.client.seller_id)
    for each in secrets:
        assert each.ends_at is not None
        activity = Activity(
            kind=Activity.Kind.SECRET_ENDED,
            seller=each.client.seller,
            subject=each.client.name,
            target=each.client.client_id,
            actor_name=Actor.machine().name,
            details={"secret": str(each.pk), "hint": each.hint, "ended_at": each.ends_at.isoformat()},
        )
        found = news_of_end(activity, f"secret-ended:{each.pk}:{each.ends_at.isoformat()}", recipients)
        news.activities += found.activities
        news.mails += found.mails
    return news


# ---- An address is unconfirmed ------------------------------------------------------------------------------


def unconfirmed_contacts() -> models.QuerySet[TechnicalContact]:
    """Return the contacts to remind, each once for each address."""
    now = timezone.now()
    address = Lower(OuterRef("email"), output_field=CharField())
    key = Concat(Value("unconfirmed:"), Cast(OuterRef("pk"), CharField()), Value(":"), address)
    return TechnicalContact.objects.filter(
        ~Exists(OutgoingMail.objects.filter(key=key)),
        confirmed_at=None,
        updated_at__range=(now - CATCH_UP, now - REMIND_AFTER),
        seller__closed_at=None,
    ).select_related("seller")


def news_of_unconfirmed(contacts: Sequence[TechnicalContact]) -> News:
    """Return the reminders, and the warnings to the owners."""
    owners = addresses_of((each.seller_id for each in contacts), with_contact=False)
    return News(
        [
            mail
            for each in contacts
            for mail in each.reminders(f"unconfirmed:{each.pk}:{each.email.lower()}", owners[each.seller_id])
        ]
    )


# ---- All of them --------------------------------------------------------------------------------------------

NOTICES = (
    *[
        Notice(partial(ending, step), partial(news_of_ending, step), partial(note_step, step), count_of_authorizations)
        for step in STEPS
    ],
    Notice(expired_authorizations, news_of_expired, partial(note_step, ENDED), count_of_authorizations),
    Notice(ended_secrets, news_of_secrets, count=partial(count_copies, seller="client__seller")),
    Notice(unconfirmed_contacts, news_of_unconfirmed),
)

"""Use and problems of clients and authorisations: counts per day, and their totals for the pages."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import ClassVar, Self

from django.db import models
from django.db.models import Max, Q, Sum
from django.utils import timezone

from accounts.models import Seller
from apicredentials import scopes
from apicredentials.models.authorizations import ThirdPartyAuthorization
from apicredentials.models.clients import OAuthClient
from apicredentials.models.states import Explained

type Target = OAuthClient | ThirdPartyAuthorization

# How many days the pages show.
DAYS_SHOWN = 30
# Subjects that one query looks for; PostgreSQL takes at most 65,535 parameters.
SUBJECTS_AT_ONCE = 1000


class Use(models.TextChoices):
    """Successful events."""

    TOKEN_REQUEST = "token_request", "Token opgehaald"
    API_CALL = "api_call", "Aanroep van de API"


class ProblemCause(Explained):
    """Causes of refusals. The texts take `right`."""

    # fmt: off
    WRONG_SECRET = (
        "wrong_secret", "Het client secret klopte niet.",
        "Controleer of de software het hele, nieuwste secret gebruikt. Ben je het kwijt, kies dan Nieuw secret.",
        "Verkeerd secret",
    )
    ENDED_SECRET = (
        "ended_secret", "Het client secret was beëindigd.",
        "Zet het nieuwste secret in de software. Ben je het kwijt, kies dan Nieuw secret.",
        "Beëindigd secret",
    )
    PAUSED = (
        "paused", "De toegang was gepauzeerd.",
        "Kies Hervatten als de software weer toegang mag hebben.",
        "Gepauzeerd",
    )
    CLOSED = (
        "closed", "Het verkopersaccount was gesloten.",
        "Neem contact met ons op als dat niet klopt.",
        "Account gesloten",
    )
    MISSING_RIGHT = (
        "missing_right", "De software mist dit recht: {right}.",
        "Geef je eigen software dit recht met Rechten wijzigen. Gaat het om een derde partij, begin daar dan opnieuw.",
        "Recht ontbreekt",
    )
    UNKNOWN_SCOPE = (
        "unknown_scope", "De software vroeg een recht dat niet bestaat of dat ze niet heeft: {right}.",
        "Laat de software alleen rechten vragen die ze heeft, of geef het, als het bestaat, met Rechten wijzigen.",
        "Onbekend recht",
    )
    CODE_REFUSED = (
        "code_refused", "Een code was verlopen, al gebruikt of niet van deze partij.",
        "Begin opnieuw bij de partij. Gaat het weer mis, vraag de partij dan om hulp.",
        "Code geweigerd",
    )
    REFRESH_TOKEN_REPLAYED = (
        "refresh_token_replayed", "Een oud refresh token is opnieuw gebruikt. Daarom is de koppeling gestopt.",
        "Vraag de partij wat er is gebeurd. Begin daarna opnieuw bij de partij.",
        "Oud refresh token opnieuw gebruikt",
    )
    TOO_MANY_ATTEMPTS = (
        "too_many_attempts", "Er waren te veel mislukte pogingen in een minuut.",
        "Zoek op welke software blijft proberen en herstel daar het secret. Wacht daarna een minuut.",
        "Te veel pogingen",
    )
    # fmt: on


def event_choices() -> list[tuple[str, str]]:
    """Return every event that is counted, with its label."""
    return [*Use.choices, *ProblemCause.choices]


@dataclass(frozen=True)
class DayCount:
    """One bar of the chart."""

    day: dt.date
    token_requests: int = 0
    api_calls: int = 0
    refusals: int = 0


@dataclass(frozen=True)
class ProblemGroup:
    """Refusals with one cause and one right; address and agent are those of the last one.

    `count` covers whole days, because rows hold daily counts.
    """

    cause: ProblemCause
    right: str
    first_at: dt.datetime
    last_at: dt.datetime
    count: int
    address: str | None
    agent: str

    @property
    def label(self) -> str:
        return self.cause.label

    @property
    def sentence(self) -> str:
        """A Dutch sentence that says what went wrong."""
        return self.cause.sentence.format(right=self.right_label)

    @property
    def remedy(self) -> str:
        """A Dutch sentence that says what to do now."""
        return self.cause.remedy.format(right=self.right_label)

    @property
    def right_label(self) -> str:
        """The label of the right; an unknown right is quoted as the client sent it."""
        if self.right in scopes.ALL:
            return str(scopes.label(self.right))
        return f"'{self.right}'" if self.right else "onbekend"


@dataclass(frozen=True)
class SellerRefusals:
    """How often a seller's clients and parties were refused."""

    seller: Seller
    count: int
    last_at: dt.datetime


class UsageQuerySet(models.QuerySet["Usage"]):
    def of(self, target: Target) -> Self:
        """Return the rows of a client or authorisation; for a third party, those of its authorisations too."""
        if isinstance(target, ThirdPartyAuthorization):
            return self.filter(subject=target.uid)
        subject = Q(subject=target.client_id)
        if target.authorization_grant_type == OAuthClient.GrantType.AUTHORIZATION_CODE:
            subject |= Q(subject__in=ThirdPartyAuthorization.objects.filter(third_party=target.pk).values("uid"))
        return self.filter(subject)

    def refused(self) -> Self:
        return self.filter(event__in=ProblemCause.values)

    def since(self, moment: dt.datetime) -> Self:
        """Return the rows of events that last happened at `moment` or later."""
        return self.filter(day__gte=timezone.localdate(moment), last_at__gte=moment)

    def daily(self, target: Target, days: int = DAYS_SHOWN) -> list[DayCount]:
        """Return one count for each of the last `days` days, the oldest first."""
        first = timezone.localdate() - dt.timedelta(days=days - 1)
        rows = self.of(target).filter(day__gte=first).order_by().values("day")
        counted = rows.annotate(
            token_requests=Sum("count", filter=Q(event=Use.TOKEN_REQUEST), default=0),
            api_calls=Sum("count", filter=Q(event=Use.API_CALL), default=0),
            refusals=Sum("count", filter=Q(event__in=ProblemCause.values), default=0),
        )
        by_day = {row["day"]: DayCount(**row) for row in counted}
        all_days = (first + dt.timedelta(days=number) for number in range(days))
        return [by_day.get(day) or DayCount(day) for day in all_days]

    def problems(self, target: Target, days: int = DAYS_SHOWN) -> list[ProblemGroup]:
        """Return the problems of the last `days` days by cause and right, the newest first."""
        first = timezone.localdate() - dt.timedelta(days=days - 1)
        return grouped(self.of(target).refused().filter(day__gte=first))

    def refused_sellers(self, moment: dt.datetime, at_least: int = 1) -> list[SellerRefusals]:
        """Return the sellers with a refusal since `moment` and `at_least` this many since that day, most first."""
        rows = self.refused().since(moment).order_by().values("subject")
        by_subject = {row["subject"]: row for row in rows.annotate(total=Sum("count"), latest=Max("last_at"))}
        by_seller: dict[Seller, list[tuple[int, dt.datetime]]] = {}
        for subject, seller in sellers_of(by_subject):
            row = by_subject[subject]
            by_seller.setdefault(seller, []).append((row["total"], row["latest"]))
        found = [
            SellerRefusals(seller, sum(count for count, _ in counts), max(latest for _, latest in counts))
            for seller, counts in by_seller.items()
        ]
        return sorted((each for each in found if each.count >= at_least), key=lambda each: -each.count)


def grouped(rows: Iterable["Usage"]) -> list[ProblemGroup]:
    """Add up rows by cause and right; the newest group comes first."""
    groups: dict[tuple[str, str], list[Usage]] = {}
    for row in rows:
        groups.setdefault((row.event, row.right), []).append(row)
    return sorted((added_up(group) for group in groups.values()), key=lambda group: group.last_at, reverse=True)


def added_up(rows: list["Usage"]) -> ProblemGroup:
    """Return rows of one cause and right as one group."""
    last = max(rows, key=lambda row: row.last_at)
    return ProblemGroup(
        cause=ProblemCause(last.event),
        right=last.right,
        first_at=min(row.first_at for row in rows),
        last_at=last.last_at,
        count=sum(row.count for row in rows),
        address=last.address,
        agent=last.agent,
    )


def sellers_of(subjects: Iterable[str]) -> Iterator[tuple[str, Seller]]:
    """Yield each subject that belongs to a seller, with that seller. A third party itself belongs to none."""
    for some in batched(subjects, SUBJECTS_AT_ONCE):
        for client in OAuthClient.objects.filter(client_id__in=some).select_related("seller"):
            if client.seller:
                yield client.client_id, client.seller
        for authorization in ThirdPartyAuthorization.objects.filter(uid__in=some).select_related("seller"):
            yield authorization.uid, authorization.seller


class Usage(models.Model):
    """How often one event happened to one client or authorisation on one day.

    `subject` is a client_id or the uid of an authorisation. It is not a foreign key, because `/verify` has only these
    identifiers and counts are written without looking up a row.
    """

    subject = models.CharField("Client ID of autorisatie", max_length=36)
    day = models.DateField("dag")
    event = models.CharField("wat", max_length=30, choices=event_choices)
    right = models.CharField("recht", max_length=100, blank=True)
    count = models.PositiveBigIntegerField("aantal")
    first_at = models.DateTimeField("eerst op")
    last_at = models.DateTimeField("laatst op")
    address = models.GenericIPAddressField("laatst vanaf", null=True, blank=True)
    agent = models.CharField("laatst met", max_length=200, blank=True)

    objects: ClassVar[UsageQuerySet] = UsageQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = "gebruik"
        verbose_name_plural = "gebruik"
        ordering = ("-day", "-last_at")
        constraints = (models.UniqueConstraint(name="usage_counted_once", fields=["subject", "day", "event", "right"]),)
        indexes = (models.Index(name="usage_by_day", fields=["day"]),)

    def __str__(self) -> str:
        return f"{self.get_event_display()}: {self.count} × {self.day}"

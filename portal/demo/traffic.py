"""Two months of use and problems: busy weekdays, quiet weekends, and one incident."""

import datetime as dt
import random
from collections.abc import Iterator

from django.utils import timezone

from accounts.models import Seller
from apicredentials.models import ClientCredential, CommandRun, ThirdPartyAuthorization, Usage
from apicredentials.models.usage import ProblemCause, Use
from portal.demo.history import END_OF_DAY, ago

# Pages compare 30 days with the 30 days before.
DAYS = 60
# Days ago: for a day and a half the warehouse used a mistyped secret.
INCIDENT = (11, 12)
# Token requests and calls on a weekday, by name.
SOFTWARE = {"Magazijn": (96, 4200), "Webshop": (48, 1900), "Prijsrobot": (24, 6100), "Export": (6, 300)}
PARTIES = {
    "Voorraadmeester": (140, 2600),
    "Prijswijzer": (90, 1500),
    "Bezorgplan": (60, 700),
    "Labelprint": (25, 180),
    "Marktmeter": (30, 350),
    "Reviewradar": (12, 90),
    "Dashboardje": (50, 800),
    "Koppelkampioen": (70, 950),
}
WEEKEND_SHARE = 0.25
# Subject, cause, days ago, count, software, and the right concerned.
PROBLEMS: tuple[tuple[str, ProblemCause, int, int, str, str], ...] = (
    *(("Magazijn", ProblemCause.WRONG_SECRET, number, 1700, "magazijn/4.2", "") for number in INCIDENT),
    ("Magazijn", ProblemCause.TOO_MANY_ATTEMPTS, 12, 640, "magazijn/4.2", ""),
    ("Magazijn", ProblemCause.UNKNOWN_SCOPE, 20, 3, "magazijn/4.2", "orders:write"),
    *(("Prijsrobot", ProblemCause.PAUSED, number, 280, "prijsrobot/0.9", "") for number in range(2)),
    *(("Webshop", ProblemCause.MISSING_RIGHT, number, 2, "webshop/2.1", "subscriptions:manage") for number in (0, 1)),
    ("Export", ProblemCause.ENDED_SECRET, 11, 75, "python-requests/2.32", ""),
    ("Bezorgplan", ProblemCause.REFRESH_TOKEN_REPLAYED, 6, 1, "bezorgplan/1.8", ""),
    ("Factuurflits", ProblemCause.CODE_REFUSED, 28, 1, "Java-http-client/21", ""),
    ("Prijswijzer", ProblemCause.MISSING_RIGHT, 4, 36, "prijswijzer/7", "insights:read"),
)


def make_traffic(seller: Seller) -> None:
    """Write the counts, and the last run of the nightly command."""
    clients = {each.name: each for each in ClientCredential.objects.filter(seller=seller)}
    consents = ThirdPartyAuthorization.objects.filter(seller=seller).with_parties()
    authorizations = {each.third_party.name: each for each in consents}
    rows: list[Usage] = []
    for name, daily in SOFTWARE.items():
        client = clients[name]
        rows += use_of(client.client_id, daily, until=client.paused_at, incident=name == "Magazijn")
    for name, daily in PARTIES.items():
        authorization = authorizations[name]
        rows += use_of(authorization.uid, daily, until=authorization.state_since)
    rows += problems(
        {name: client.client_id for name, client in clients.items()}
        | {name: each.uid for name, each in authorizations.items()}
    )
    Usage.objects.bulk_create(rows)
    CommandRun.objects.create(command="purge", finished_at=ago(0.3), total=48_210)


def use_of(
    subject: str, daily: tuple[int, int], *, until: dt.datetime | None, incident: bool = False
) -> Iterator[Usage]:
    """Yield the counts of each day with use."""
    # The same in each demo, so that screenshots do not change.
    chance = random.Random(str(daily))  # noqa: S311
    for number in range(DAYS):
        day = timezone.localdate(ago(number))
        share = (WEEKEND_SHARE if day.weekday() > 4 else 1) * chance.uniform(0.85, 1.15)
        if incident and number in INCIDENT:
            share *= 0.1
        if until is None or day <= timezone.localdate(until):
            for event, count in zip((Use.TOKEN_REQUEST, Use.API_CALL), daily, strict=True):
                yield counted(subject, event, number, max(1, round(count * share)))


def counted(subject: str, event: str, number: int, count: int, **values: str) -> Usage:
    """Return the count of one event, `number` days ago."""
    first_at, last_at = ago(number, 0, 20), ago(number, *END_OF_DAY)
    day = timezone.localdate(last_at)
    return Usage(subject=subject, day=day, event=event, count=count, first_at=first_at, last_at=last_at, **values)


def problems(subjects: dict[str, str]) -> Iterator[Usage]:
    """Yield the problems of the software and the parties, by name."""
    for name, cause, number, count, agent, right in PROBLEMS:
        origin = {"address": "198.51.100.7", "agent": agent, "right": right}
        yield counted(subjects[name], cause, number, count, **origin)

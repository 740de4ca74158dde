"""Use and problems of a credential or an authorisation: placeholders until the counting is merged."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from django.utils import timezone

if TYPE_CHECKING:
    from apicredentials.models.authorizations import ThirdPartyAuthorization
    from apicredentials.models.clients import OAuthClient


@dataclass(frozen=True)
class DayCount:
    """The use of one day."""

    day: dt.date
    token_requests: int
    api_calls: int
    refusals: int


@dataclass(frozen=True)
class ProblemGroup:
    """The refusals of one cause."""

    cause: str
    label: str
    remedy: str
    first_at: dt.datetime
    last_at: dt.datetime
    count: int
    address: str | None
    agent: str
    right: str


class UsageManager:
    def daily(self, subject: "OAuthClient | ThirdPartyAuthorization", days: int = 30) -> list[DayCount]:
        """Return one count for each day, the oldest first."""
        today = timezone.localdate()
        return [DayCount(today - dt.timedelta(days=ago), 0, 0, 0) for ago in reversed(range(days))]


class ProblemManager:
    def grouped(self, subject: "OAuthClient | ThirdPartyAuthorization", days: int = 30) -> list[ProblemGroup]:
        """Return the problems by cause, the latest first."""
        return []


class Usage:
    objects: ClassVar[UsageManager] = UsageManager()


class Problem:
    objects: ClassVar[ProblemManager] = ProblemManager()

"""The parts of a mail: `Message`, the facts it is made from, and the registry of texts."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from apicredentials import scopes
from apicredentials.moments import days_until, moment

SENT_TO = "Je krijgt deze mail als eigenaar of technisch contact van dit verkopersaccount."
BY_OPERATOR = "Dit is gedaan door de marktplaats. Klopt het volgens jou niet? Neem dan contact met ons op."
CHANGE_PASSWORD = "Wijzig daarna je wachtwoord, en vraag je collega's dat ook te doen."  # noqa: S105


def address_of(name: str) -> str:
    """Return the absolute address of one of our pages."""
    return f"{settings.ISSUER_URL}{reverse(name)}"


def to_settings() -> tuple[str, str]:
    """Return the link to API Instellingen."""
    return "Naar API Instellingen", address_of("apicredentials:settings")


@dataclass(frozen=True)
class Message:
    """The content of a mail. Every text is plain, and one paragraph.

    `has_links` turns https addresses in the HTML into links. It is for the marketplace's own words only, because nobody
    else may choose where our mails lead.
    """

    subject: str
    news: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    link: tuple[str, str] | None = field(default_factory=to_settings)
    why: str = SENT_TO
    calendar: str = ""
    has_links: bool = False


@dataclass(frozen=True)
class MailContext:
    """The facts that the outbox stored for a mail; a missing fact reads as ''."""

    context: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return one_line(self.context.get(name, ""))

    @property
    def seller(self) -> str:
        """The seller by name and number; '' in a mail about a user without one."""
        return f"{self['seller']} (verkoper {self['retailer_id']})" if self["seller"] else ""

    @property
    def act(self) -> list[tuple[str, str]]:
        """The rows for actor, time, address and reason."""
        rows = [
            ("Verkoper", self.seller),
            ("Wie", self["who"]),
            ("Wanneer", self.moment("at")),
            ("Vanaf adres", self["address"]),
            ("Reden", self["reason"]),
        ]
        return [(name, value) for name, value in rows if value]

    def instant(self, name: str) -> dt.datetime:
        """Return a moment in the portal's time zone."""
        return timezone.localtime(dt.datetime.fromisoformat(self.context[name]))

    def moment(self, name: str) -> str:
        """Return a moment as "23 november 2026 om 14:03"."""
        return moment(self.instant(name))

    def rights(self, name: str = "scope") -> str:
        """Return the labels of the rights in a scope, one on each line."""
        return "\n ".join(map(str, scopes.labels(self[name].split()))) or "Geen"

    def time_left(self, name: str) -> str:
        """Return "over 30 dagen", counted when the mail is made, because the mail may have been delayed."""
        days = self.days_left(name)
        return {0: "vandaag", 1: "morgen"}.get(days, f"over {days} dagen")

    def days_left(self, name: str) -> int:
        """Return the number of calendar days until a day, at least 0."""
        return max(days_until(self.instant(name)), 0)

    def unless_you(self, otherwise: str) -> str:
        """Return what to do if it was not you, or how to object to an operator's act."""
        if self["is_operator"]:
            return BY_OPERATOR
        return f"Was jij dit niet, en ook geen collega? {otherwise}"


type Author = Callable[[MailContext], Message]

MESSAGES: dict[str, Author] = {}


def message(author: Author) -> Author:
    """Register the function as the text of the kind with the same name."""
    MESSAGES[author.__name__] = author
    return author


def one_line(text: str) -> str:
    """Return `text` without line breaks and invisible characters, because it may end up in a header."""
    return "".join(character for character in " ".join(str(text).split()) if character.isprintable())

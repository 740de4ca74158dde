"""What a mail is made of, whatever it says."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

SENT_TO = "Je krijgt deze mail als eigenaar of technisch contact van dit verkopersaccount."
CHANGE_PASSWORD = "Wijzig daarna je wachtwoord, en vraag je collega’s dat ook te doen."  # noqa: S105


@dataclass(frozen=True)
class Message:
    """What a mail says. Every text is plain, and one paragraph.

    `has_links` is for words of the marketplace itself: in HTML their addresses can be clicked on. Nobody else gets
    to choose where our mails lead.
    """

    subject: str
    news: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    link: tuple[str, str] | None = None
    why: str = SENT_TO
    calendar: str = ""
    has_links: bool = False


@dataclass(frozen=True)
class MailContext:
    """What the outbox kept for a mail; what is missing reads as ''."""

    context: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return one_line(self.context.get(name, ""))

    @property
    def seller(self) -> str:
        """The seller, as people and systems know it."""
        return f"{self['seller']} (verkoper {self['retailer_id']})"

    @property
    def act(self) -> list[tuple[str, str]]:
        """Who did it, when, from where, and why."""
        rows = [
            ("Verkoper", self.seller),
            ("Wie", self["who"]),
            ("Wanneer", self.moment("at")),
            ("Vanaf adres", self["address"]),
            ("Reden", self["reason"]),
        ]
        return [(name, value) for name, value in rows if value]

    def instant(self, name: str) -> dt.datetime:
        """Return a moment, in the portal's time zone."""
        return timezone.localtime(dt.datetime.fromisoformat(self.context[name]))

    def moment(self, name: str) -> str:
        """Return a moment as people read it: "23 november 2026 om 14:03"."""
        return date_format(self.instant(name), r"j F Y \o\m H:i")

    def unless_you(self, otherwise: str) -> str:
        """Return what to do when it was not you; of what an operator did, whom to ask."""
        if self["is_operator"]:
            return "Dit is gedaan door de marktplaats. Klopt het volgens jou niet? Neem dan contact met ons op."
        return f"Was jij dit niet, en ook geen collega? {otherwise}"


type Author = Callable[[MailContext], Message]

MESSAGES: dict[str, Author] = {}


def message(kind: str) -> Callable[[Author], Author]:
    """Let the function make the mails of this kind."""

    def register(author: Author) -> Author:
        MESSAGES[kind] = author
        return author

    return register


def one_line(text: str) -> str:
    """Return `text` without line breaks or invisible characters: it may end up in a header."""
    return "".join(character for character in " ".join(str(text).split()) if character.isprintable())


def address_of(name: str) -> str:
    """Return the absolute address of one of our pages."""
    return f"{settings.ISSUER_URL}{reverse(name)}"


def to_settings() -> tuple[str, str]:
    """Return the way to API Instellingen."""
    return "Naar API Instellingen", address_of("apicredentials:settings")

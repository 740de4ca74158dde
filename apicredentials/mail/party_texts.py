"""Mails to the seller about third parties and their access."""

import datetime as dt
from dataclasses import dataclass

from django.utils.formats import date_format

from apicredentials.mail.calendar_files import day_in_calendar
from apicredentials.mail.messages import CHANGE_PASSWORD, SENT_TO, MailContext, Message, message, to_settings
from apicredentials.mail.notices import STEPS
from apicredentials.models.authorization_filters import RENEWABLE_AFTER_END


@message
def party_authorized(facts: MailContext) -> Message:
    return Message(
        subject=f"{facts['subject']} heeft toegang tot de Retailer API",
        news=f"{facts['subject']} mag namens jou de Retailer API gebruiken, tot {facts.moment('expires_at')}.",
        facts=[*facts.act, ("Rechten", facts.rights())],
        advice=[facts.unless_you(f"Verwijder deze partij dan meteen bij API Instellingen. {CHANGE_PASSWORD}")],
    )


@message
def party_renewed(facts: MailContext) -> Message:
    return Message(
        subject=f"Toegang van {facts['subject']} verlengd",
        news=f"De toegang van {facts['subject']} tot de Retailer API is verlengd, tot {facts.moment('expires_at')}. De "
        "rechten zijn gelijk gebleven.",
        facts=facts.act,
        advice=[facts.unless_you(f"Verwijder deze partij dan meteen bij API Instellingen. {CHANGE_PASSWORD}")],
    )


@message
def party_taken_over(facts: MailContext) -> Message:
    """`former_giver` gave the consent; `who` is responsible for it now."""
    return Message(
        subject=f"Toestemming voor {facts['subject']} overgenomen",
        news=f"{facts['who']} heeft de toestemming voor {facts['subject']} overgenomen van {facts['former_giver']}. De "
        f"rechten blijven gelijk, en ook de einddatum: {facts.moment('expires_at')}.",
        facts=facts.act,
        advice=[facts.unless_you(f"Verwijder deze partij dan meteen bij API Instellingen. {CHANGE_PASSWORD}")],
    )


@message
def party_narrowed(facts: MailContext) -> Message:
    return Message(
        subject=f"{facts['subject']} heeft minder rechten",
        news=f"De rechten van {facts['subject']} bij de Retailer API zijn beperkt. Dat geldt meteen, ook voor tokens "
        "die al waren uitgegeven. De einddatum blijft gelijk.",
        facts=[*facts.act, ("Rechten nu", facts.rights()), ("Rechten eerst", facts.rights("former_scope"))],
        advice=[
            f"Wil je weer meer rechten geven? Dat begint bij {facts['subject']}: geef daar opnieuw toestemming.",
            facts.unless_you(f"Vraag na waarom dit is gebeurd. {CHANGE_PASSWORD}"),
        ],
    )


@message
def party_revoked(facts: MailContext) -> Message:
    return Message(
        subject=f"{facts['subject']} heeft geen toegang meer",
        news=f"De toegang van {facts['subject']} tot de Retailer API is verwijderd. Deze partij kan namens jou niets "
        "meer ophalen of bijwerken.",
        facts=facts.act,
        advice=[
            facts.unless_you(
                f"Begin dan opnieuw bij {facts['subject']} om de toegang terug te geven. {CHANGE_PASSWORD}"
            )
        ],
    )


# ---- Stopped ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stop:
    """Texts for one cause: what happened, and what to do now. `{party}` and `{giver}` are placeholders."""

    news: str
    advice: list[str]


TAKE_OVER = (
    "Wil je {party} blijven gebruiken? Kies dan Overnemen bij API Instellingen. Daarna werkt de koppeling weer, met "
    "dezelfde rechten en einddatum."
)
CONNECT_AGAIN = "Wil je {party} weer gebruiken? Begin dan opnieuw bij {party}."
# Keyed by the code of a cause (`Cause`).
STOPS = {
    "refresh_token_replayed": Stop(
        "{party} is gestopt, omdat een oud refresh token opnieuw is gebruikt. Dat kan een fout in de software zijn, of "
        "iemand die een token heeft gestolen.",
        ["Vraag {party} wat er is gebeurd.", CONNECT_AGAIN],
    ),
    "code_replayed": Stop(
        "{party} is gestopt, omdat een toegangscode twee keer is gebruikt. Dat kan een fout in de software zijn, of "
        "iemand die de code heeft onderschept.",
        ["Vraag {party} wat er is gebeurd.", CONNECT_AGAIN],
    ),
    "ended_by_party": Stop(
        "{party} heeft de koppeling zelf beëindigd.",
        ["Wist je dit niet? Vraag {party} dan waarom.", CONNECT_AGAIN],
    ),
    "member_left": Stop(
        "{party} is gestopt, omdat {giver} de toestemming gaf en niet meer voor dit verkopersaccount werkt.",
        [
            TAKE_OVER,
            "Heb je {party} niet meer nodig? Dan hoef je niets te doen.",
        ],
    ),
    "user_off": Stop(
        "{party} is gestopt, omdat {giver} de toestemming gaf en niet meer kan inloggen.",
        [
            TAKE_OVER,
            "Kan {giver} later weer inloggen, dan werkt de koppeling vanzelf weer.",
        ],
    ),
}


def stop_for(facts: MailContext) -> Stop:
    """Return the texts for `cause`, with the names filled in."""
    stop = STOPS[facts["cause"]]
    names = {"party": facts["subject"], "giver": facts["giver"] or "een collega"}
    return Stop(stop.news.format(**names), [each.format(**names) for each in stop.advice])


@message
def party_stopped(facts: MailContext) -> Message:
    """`cause` is a key of STOPS; `giver` is the name of the person who gave consent."""
    stop = stop_for(facts)
    return Message(
        subject=f"{facts['subject']} is gestopt",
        news=f"{stop.news} Deze partij kan nu namens jou niets meer ophalen of bijwerken.",
        facts=facts.act,
        advice=stop.advice,
    )


@message
def party_revived(facts: MailContext) -> Message:
    return Message(
        subject=f"{facts['subject']} werkt weer",
        news=f"{facts['giver']} gaf toestemming voor {facts['subject']} en kan weer inloggen. Daarom heeft deze partij "
        "weer toegang tot de Retailer API, met dezelfde rechten en einddatum.",
        facts=facts.act,
        advice=["Wil je deze partij niet meer gebruiken? Verwijder de partij dan bij API Instellingen."],
    )


@message
def party_suspended(facts: MailContext) -> Message:
    return Message(
        subject=f"{facts['subject']} is stilgezet",
        news=f"Wij hebben {facts['subject']} stilgezet, voor alle verkopers. Deze partij kan nu namens jou niets "
        "ophalen of bijwerken, ook niet met tokens die al waren uitgegeven.",
        facts=facts.act,
        advice=[
            "Je hoeft niets te doen. Je toestemming blijft bewaard, en je krijgt een mail als de partij verder mag.",
            "Wil je deze partij niet meer gebruiken? Verwijder de partij dan bij API Instellingen.",
        ],
    )


@message
def party_resumed(facts: MailContext) -> Message:
    return Message(
        subject=f"{facts['subject']} mag weer verder",
        news=f"Wij hebben {facts['subject']} hervat. Deze partij kan namens jou de Retailer API weer gebruiken, met "
        f"dezelfde rechten als eerst, tot {facts.moment('expires_at')}.",
        facts=facts.act,
        advice=["Wil je deze partij niet meer gebruiken? Verwijder de partij dan bij API Instellingen."],
    )


@message
def party_secret_leaked(facts: MailContext) -> Message:
    return Message(
        subject=f"Client secret van {facts['subject']} gelekt",
        news=f"Een client secret van {facts['subject']} is gevonden waar het niet hoort. Wij hebben dit secret "
        "beëindigd en de partij stilgezet. Ze kan nu namens jou niets ophalen of bijwerken, ook niet met tokens die al "
        "waren uitgegeven.",
        facts=facts.act,
        advice=[
            "Kijk of er bij je bestellingen, aanbod en prijzen iets is gewijzigd dat je niet herkent.",
            "Je hoeft niet opnieuw te koppelen. Je krijgt een mail als de partij weer verder mag.",
            "Wil je deze partij niet meer gebruiken? Verwijder de partij dan bij API Instellingen.",
        ],
    )


# ---- The year is over ---------------------------------------------------------------------------------------


@message
def authorization_ends(facts: MailContext) -> Message:
    """Notice sent 60, 30, 14, 7 and 1 day before the end; `calendar` requests a calendar file."""
    soon = facts.time_left("expires_at")
    granted = [("Rechten", facts.rights())] if facts["scope"] else []
    giver = [("Gegeven door", f"{facts['giver']}, op {facts.moment('granted_at')}")] if facts["giver"] else []
    return Message(
        subject=f"Toegang van {facts['subject']} verloopt {soon}",
        news=f"De toegang van {facts['subject']} tot de Retailer API verloopt {soon}, op "
        f"{facts.moment('expires_at')}. Daarna kan deze partij namens jou niets meer ophalen of bijwerken.",
        facts=[("Verkoper", facts.seller), *granted, *giver],
        advice=[
            "Wil je de toegang houden? Kies dan Verlengen bij API Instellingen. De partij hoeft niets te doen.",
            *(["De einddatum zit als agenda-item bij deze mail."] if facts["calendar"] else []),
            "Heb je deze partij niet meer nodig? Dan hoef je niets te doen.",
        ],
        why=f"{SENT_TO} {next_notices(facts.days_left('expires_at'))}".strip(),
        calendar=end_in_calendar(facts, facts.instant("expires_at").date()) if facts["calendar"] else "",
    )


def next_notices(days_left: int) -> str:
    """Return the sentence about later notices: "We mailen weer 14, 7 en 1 dag van tevoren, tot je verlengt."."""
    *others, last = [str(step) for step in STEPS if step < days_left] or [""]
    days = f"{', '.join(others)} en {last}" if others else last
    return f"We mailen weer {days} dag van tevoren, tot je verlengt." if days else ""


def end_in_calendar(facts: MailContext, day: dt.date) -> str:
    """Return the last day of access as a calendar file."""
    return day_in_calendar(
        day,
        uid=facts["calendar"],
        summary=f"Toegang van {facts['subject']} tot de Retailer API verloopt",
        description=f"Verlengen kan bij API Instellingen van {facts.seller}.",
        url=to_settings()[1],
    )


@message
def party_expired(facts: MailContext) -> Message:
    renewable_until = date_format(facts.instant("expires_at") + RENEWABLE_AFTER_END, "j F Y")
    return Message(
        subject=f"Toegang van {facts['subject']} is verlopen",
        news=f"De toegang van {facts['subject']} tot de Retailer API is verlopen op {facts.moment('expires_at')}. Deze "
        "partij kan nu namens jou niets meer ophalen of bijwerken.",
        facts=[("Verkoper", facts.seller)],
        advice=[
            f"Tot {renewable_until} kun je bij API Instellingen nog kiezen voor Verlengen. Dan werkt alles weer.",
            f"Daarna begin je opnieuw bij {facts['subject']}.",
        ],
    )

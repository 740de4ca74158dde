"""Mails to the contact address of a third party. `subject` is the name of the party."""

from dataclasses import replace

from django.conf import settings

from apicredentials.mail.messages import MailContext, Message, message
from apicredentials.models.authorization_filters import RENEWABLE_AFTER_END


def to_party(facts: MailContext, text: Message) -> Message:
    """Return the message without empty facts and link, and with the reason why a third party gets it."""
    facts_known = [(name, value) for name, value in text.facts if value]
    why = f"Je krijgt deze mail omdat dit het contactadres van {facts['subject']} is bij {settings.PORTAL_NAME}."
    return replace(text, facts=facts_known, link=None, why=why)


def connection(facts: MailContext) -> list[tuple[str, str]]:
    """Return the rows that identify an authorisation at `GET /authorizations`."""
    return [("Verkoper", facts.seller), ("Autorisatie", facts["authorization"]), ("Client ID", facts["client_id"])]


def about_party(facts: MailContext) -> list[tuple[str, str]]:
    """Return the rows for an act on the party itself. The reason of a leak says where the secret was found."""
    return [("Client ID", facts["client_id"]), ("Wanneer", facts.moment("at")), ("Reden", facts["reason"])]


@message
def access_authorized(facts: MailContext) -> Message:
    text = Message(
        subject=f"{facts['seller']} geeft {facts['subject']} toegang",
        news=f"{facts.seller} heeft {facts['subject']} toegang gegeven tot de Retailer API, tot "
        f"{facts.moment('expires_at')}.",
        facts=[*connection(facts), ("Rechten", facts.rights())],
        advice=["Je hoeft niets te doen. Verwacht je deze verkoper niet? Neem dan contact met ons op."],
    )
    return to_party(facts, text)


@message
def access_ends(facts: MailContext) -> Message:
    """Notice sent 30, 7 and 1 day before the end."""
    soon = facts.time_left("expires_at")
    text = Message(
        subject=f"Toegang tot {facts['seller']} verloopt {soon}",
        news=f"De toegang van {facts['subject']} tot {facts.seller} verloopt {soon}, op {facts.moment('expires_at')}. "
        "Daarna werken de tokens voor deze verkoper niet meer.",
        facts=connection(facts),
        advice=[
            "Alleen de verkoper kan de toegang verlengen, bij API Instellingen in het portaal.",
            "Na het verlengen werkt je refresh token gewoon door.",
        ],
    )
    return to_party(facts, text)


@message
def access_ended(facts: MailContext) -> Message:
    text = Message(
        subject=f"Toegang tot {facts['seller']} is verlopen",
        news=f"De toegang van {facts['subject']} tot {facts.seller} is verlopen op {facts.moment('expires_at')}. De "
        "tokens voor deze verkoper werken niet meer.",
        facts=connection(facts),
        advice=[
            f"De verkoper kan nog {RENEWABLE_AFTER_END.days} dagen verlengen. Dan werkt je refresh token weer.",
            "Daarna moet de verkoper opnieuw toestemming geven, vanuit jouw software.",
        ],
    )
    return to_party(facts, text)


@message
def access_removed(facts: MailContext) -> Message:
    text = Message(
        subject=f"Toegang tot {facts['seller']} is verwijderd",
        news=f"De toegang van {facts['subject']} tot {facts.seller} is verwijderd op {facts.moment('at')}. De tokens "
        "voor deze verkoper werken niet meer.",
        facts=connection(facts),
        advice=["Verwijder de tokens van deze verkoper. Alleen met een nieuwe toestemming krijg je weer toegang."],
    )
    return to_party(facts, text)


@message
def access_secret_leaked(facts: MailContext) -> Message:
    text = Message(
        subject=f"Client secret van {facts['subject']} gelekt",
        news=f"Een client secret van {facts['subject']} (laatste vier tekens: {facts['hint']}) is gevonden waar het "
        "niet hoort. Wij hebben dit secret beëindigd en de partij stilgezet: geen token werkt nog, bij geen enkele "
        "verkoper.",
        facts=about_party(facts),
        advice=[
            "Zoek eerst uit waar het secret stond: in broncode, een logbestand, een mail? Haal het daar weg.",
            "Vraag ons daarna om een nieuw secret, en zet dat in je software.",
            "Zodra wij de partij hervatten, werken je refresh tokens weer. Access tokens van vóór het lek niet.",
        ],
    )
    return to_party(facts, text)


@message
def access_suspended(facts: MailContext) -> Message:
    text = Message(
        subject=f"{facts['subject']} is stilgezet",
        news=f"Wij hebben {facts['subject']} stilgezet. Geen token werkt nog, bij geen enkele verkoper. De betrokken "
        "verkopers hebben bericht gekregen.",
        facts=about_party(facts),
        advice=["Neem contact met ons op. Zodra wij de partij hervatten, werken je refresh tokens weer."],
    )
    return to_party(facts, text)


@message
def access_resumed(facts: MailContext) -> Message:
    text = Message(
        subject=f"{facts['subject']} mag weer verder",
        news=f"Wij hebben {facts['subject']} hervat. Je refresh tokens werken weer, bij elke verkoper van wie de "
        "toestemming nog loopt.",
        facts=about_party(facts),
        advice=["Vernieuw je access tokens met je refresh tokens. De verkopers hoeven niets te doen."],
    )
    return to_party(facts, text)

"""Mails about and to the technical contact, and announcements."""

from urllib.parse import urlencode

from apicredentials.mail.messages import (
    CHANGE_PASSWORD,
    MailContext,
    Message,
    address_of,
    message,
    one_line,
)
from apicredentials.models.contacts import LINK_LIFETIME, confirmation_token


@message
def contact_saved(facts: MailContext) -> Message:
    contact = ("Technisch contact", f"{facts['name']}, {facts['email']}")
    former = [("Vorig adres", facts["former_email"])] if facts["former_email"] else []
    return Message(
        subject="Technisch contact gewijzigd",
        news=f"Het technisch contact van {facts.seller} is gewijzigd: {facts['changed']}. Dit is wie wij bereiken "
        "als er iets is met je koppeling.",
        facts=[*facts.act, contact, *former],
        advice=[facts.unless_you(f"Zet het juiste contact dan terug bij API Instellingen. {CHANGE_PASSWORD}")],
    )


@message
def contact_replaced(facts: MailContext) -> Message:
    return Message(
        subject=f"Je bent niet meer het technisch contact van {facts.seller}",
        news=f"Bij {facts.seller} staat nu een ander e-mailadres als technisch contact. Over de koppeling met de "
        "Retailer API krijg je op dit adres geen mail meer.",
        facts=facts.act,
        advice=["Klopt dit niet? Waarschuw dan de eigenaar van het verkopersaccount."],
        link=None,
        why="Je krijgt deze mail omdat dit adres tot nu toe het technisch contact van dit verkopersaccount was.",
    )


@message
def contact_confirmation(facts: MailContext) -> Message:
    return Message(
        subject=f"Bevestig je e-mailadres voor {facts.seller}",
        news=f"Dit adres is opgegeven als technisch contact van {facts.seller}: wie wij bereiken als er iets is met "
        f"de koppeling met de Retailer API. Open de link om te bevestigen dat onze mail je bereikt. De link werkt "
        f"{LINK_LIFETIME.days} dagen.",
        facts=facts.act,
        advice=["Zegt dit je niets? Dan hoef je niets te doen."],
        link=to_confirmation(facts),
        why="Je krijgt deze mail omdat dit adres is opgegeven als technisch contact van een verkopersaccount.",
    )


@message
def contact_reminder(facts: MailContext) -> Message:
    return Message(
        subject=f"Herinnering: bevestig je e-mailadres voor {facts.seller}",
        news=f"Dit adres is opgegeven als technisch contact van {facts.seller}, maar nog niet bevestigd. Open de "
        f"link om te bevestigen dat onze mail je bereikt. De link werkt {LINK_LIFETIME.days} dagen. Vaker vragen we "
        "het niet.",
        advice=["Zegt dit je niets? Dan hoef je niets te doen."],
        link=to_confirmation(facts),
        why="Je krijgt deze mail omdat dit adres is opgegeven als technisch contact van een verkopersaccount.",
    )


@message
def contact_unconfirmed(facts: MailContext) -> Message:
    return Message(
        subject="Het technisch contact is nog niet bevestigd",
        news=f"Het adres van je technisch contact, {facts['email']}, is nog niet bevestigd. Misschien komt onze mail "
        "daar niet aan. Als er iets is met je koppeling, kunnen we je dan niet bereiken.",
        facts=[("Verkoper", facts.seller), ("Technisch contact", f"{facts['name']}, {facts['email']}")],
        advice=[
            "Klopt het adres? Vraag je technisch contact dan om de link te openen die we hebben gemaild.",
            "Klopt het niet? Wijzig het bij API Instellingen.",
        ],
    )


def to_confirmation(facts: MailContext) -> tuple[str, str]:
    """Return the link that confirms an address. Its token is made when the mail is sent, and never stored."""
    token = confirmation_token(int(facts["contact"]), facts["email"])
    return "Adres bevestigen", f"{address_of('contact-confirm')}?{urlencode({'token': token})}"


@message
def announcement(facts: MailContext) -> Message:
    """An operator's own text: `subject`, `text` with empty lines between paragraphs, and optionally a `party`."""
    reason = f"je het technisch contact bent van {facts.seller}"
    if facts["party"]:
        reason = f"je eigenaar of technisch contact bent van {facts.seller} en {facts['party']} daar toestemming heeft"
    news, *rest = [one_line(paragraph) for paragraph in facts.context["text"].split("\n\n")]
    return Message(
        subject=facts["subject"],
        news=news,
        advice=rest,
        link=None,
        why=f"Je krijgt deze mail omdat {reason}. Het is een dienstbericht over de Retailer API: je kunt je er niet "
        "voor afmelden.",
        has_links=True,
    )

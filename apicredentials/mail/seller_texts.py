"""Mails about the seller's account."""

from apicredentials.mail.messages import MailContext, Message, message


@message
def seller_closed(facts: MailContext) -> Message:
    return Message(
        subject=f"Verkopersaccount van {facts['seller']} gesloten",
        news=f"Het verkopersaccount van {facts['seller']} is gesloten. Geen software en geen partij heeft nog toegang "
        "tot de Retailer API, ook niet met tokens die al waren uitgegeven.",
        facts=facts.act,
        advice=[
            "Je client credentials en je toestemmingen blijven bewaard.",
            "Na heropenen werkt alles weer, behalve wat intussen is verlopen of verwijderd.",
            facts.unless_you("Neem dan contact met ons op."),
        ],
    )


@message
def seller_reopened(facts: MailContext) -> Message:
    return Message(
        subject=f"Verkopersaccount van {facts['seller']} heropend",
        news=f"Het verkopersaccount van {facts['seller']} is heropend. Je client credentials en je toestemmingen "
        "werken weer, behalve wat intussen is verlopen of verwijderd.",
        facts=facts.act,
        advice=["Controleer bij API Instellingen of alles wat je gebruikt, weer actief is."],
    )


@message
def user_switched_off(facts: MailContext) -> Message:
    return Message(
        subject=f"{facts['subject']} kan niet meer inloggen",
        news=f"Het account van {facts['subject']} is uitgeschakeld: inloggen kan niet meer. Partijen "
        "waarvoor deze persoon toestemming gaf, zijn gestopt.",
        facts=facts.act,
        advice=[
            "Wil je een gestopte partij blijven gebruiken? Kies dan Overnemen bij API Instellingen.",
            facts.unless_you("Neem dan contact met ons op."),
        ],
    )


@message
def user_switched_on(facts: MailContext) -> Message:
    return Message(
        subject=f"{facts['subject']} kan weer inloggen",
        news=f"Het account van {facts['subject']} is weer ingeschakeld. Partijen die daardoor waren gestopt, hebben "
        "weer toegang, behalve als een collega ze heeft overgenomen.",
        facts=facts.act,
        advice=[facts.unless_you("Neem dan contact met ons op.")],
    )

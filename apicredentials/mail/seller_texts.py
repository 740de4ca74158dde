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

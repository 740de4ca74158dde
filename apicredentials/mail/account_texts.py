"""Mails to a user about their own account: password, second step, sign-ins and address."""

from urllib.parse import urlencode

from accounts.links import link_token
from accounts.models import AddressChange
from apicredentials.mail.messages import BY_OPERATOR, MailContext, Message, address_of, message

WHY = "Je krijgt deze mail omdat het over je eigen account gaat."
NOT_YOU = (
    "Was jij dit niet? Kies dan meteen een nieuw wachtwoord via 'Wachtwoord vergeten?' op de inlogpagina, kijk bij "
    "Beveiliging waar je bent ingelogd, en waarschuw de eigenaar van je verkopersaccount."
)


def about(facts: MailContext) -> list[tuple[str, str]]:
    """Return the rows for time, address and browser, and for the actor if it was an operator."""
    rows = [
        ("Account", facts["name"]),
        ("Wanneer", facts.moment("at")),
        ("Vanaf adres", facts["address"]),
        ("Browser", facts["device"]),
        ("Reden", facts["reason"]),
    ]
    return [(name, value) for name, value in rows if value]


def to_security() -> tuple[str, str]:
    return "Naar Beveiliging", address_of("accounts:security")


def own(subject: str, news: str, facts: MailContext) -> Message:
    advice = [BY_OPERATOR if facts["reason"] else NOT_YOU]
    return Message(subject=subject, news=news, facts=about(facts), advice=advice, link=to_security(), why=WHY)


@message
def own_password(facts: MailContext) -> Message:
    return own("Je wachtwoord is gewijzigd", "Het wachtwoord van je account is zojuist gewijzigd.", facts)


@message
def own_factor_added(facts: MailContext) -> Message:
    return own("Tweede stap ingesteld", f"Je kunt nu inloggen met: {facts['factor']}.", facts)


@message
def own_factor_removed(facts: MailContext) -> Message:
    return own("Tweede stap verwijderd", f"Inloggen kan niet meer met: {facts['factor']}.", facts)


@message
def own_recovery_code(facts: MailContext) -> Message:
    news = f"Iemand heeft een van je herstelcodes gebruikt. Je hebt er nog {facts['left']}."
    return own("Herstelcode gebruikt", news, facts)


@message
def own_recovery_codes(facts: MailContext) -> Message:
    news = "Er zijn nieuwe herstelcodes voor je account gemaakt. De oude werken niet meer."
    return own("Nieuwe herstelcodes", news, facts)


@message
def own_new_device(facts: MailContext) -> Message:
    news = "Er is ingelogd op je account met een browser die we nog niet kenden."
    return own("Ingelogd op een nieuw apparaat", news, facts)


@message
def address_confirmation(facts: MailContext) -> Message:
    hours = AddressChange.CONFIRMABLE.days * 24
    return Message(
        subject="Bevestig je nieuwe e-mailadres",
        news="Iemand wil met dit e-mailadres gaan inloggen. Open de link om het adres te bevestigen. De link werkt "
        f"{hours} uur en één keer. Tot dan blijft het oude adres gelden.",
        facts=about(facts),
        advice=["Zegt dit je niets? Dan hoef je niets te doen."],
        link=("Adres bevestigen", link_to("confirm-address", facts)),
        why="Je krijgt deze mail omdat dit adres is opgegeven als nieuw e-mailadres van een account.",
    )


@message
def address_in_use(facts: MailContext) -> Message:
    return Message(
        subject="Dit e-mailadres heeft al een account",
        news="Iemand wilde dit e-mailadres gebruiken voor een ander account. Dat kan niet, want je hebt er al een "
        "account mee. Er is niets gewijzigd.",
        facts=about(facts),
        advice=["Was jij dit? Log dan in met dit adres, of gebruik een ander adres. Anders hoef je niets te doen."],
        link=None,
        why="Je krijgt deze mail omdat dit adres is opgegeven als nieuw e-mailadres van een account.",
    )


@message
def address_replaced(facts: MailContext) -> Message:
    days = AddressChange.UNDOABLE.days
    can_undo = bool(facts["row"])
    return Message(
        subject="Het e-mailadres van je account is gewijzigd",
        news="Je logt niet meer in met dit e-mailadres, maar met een ander. Op dit adres krijg je geen mail meer over "
        "je account.",
        facts=about(facts),
        advice=[
            f"Was jij dit niet? Draai het dan terug met deze link. Dat kan {days} dagen.",
            "Overal wordt dan uitgelogd, en je kiest een nieuw wachtwoord.",
        ]
        if can_undo
        else [BY_OPERATOR],
        link=("Terugdraaien", link_to("undo-address-change", facts)) if can_undo else None,
        why=WHY,
    )


def link_to(page: str, facts: MailContext) -> str:
    """Return the link with the token of a row; the token is made when the mail is sent, and never stored."""
    token = link_token(page, int(facts["row"]), facts["nonce"])
    return f"{address_of(page)}?{urlencode({'token': token})}"

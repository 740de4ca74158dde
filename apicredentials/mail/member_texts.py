"""Mails about the members of a seller: to the owners, to the person concerned, and invitations."""

from dataclasses import replace

from accounts.models import Invitation
from apicredentials.mail.account_texts import link_to
from apicredentials.mail.messages import CHANGE_PASSWORD, MailContext, Message, address_of, message, to_settings

WHY = "Je krijgt deze mail als eigenaar van dit verkopersaccount, of omdat het over jou gaat."


def to_members() -> tuple[str, str]:
    return "Naar Medewerkers", address_of("accounts:members")


def about_member(
    facts: MailContext, subject: str, news: str, undo: str = "Draai het dan terug bij Medewerkers."
) -> Message:
    advice = [facts.unless_you(f"{undo} {CHANGE_PASSWORD}")]
    link = to_members() if facts.seller else None
    return Message(subject=subject, news=news, facts=facts.act, advice=advice, link=link, why=WHY)


@message
def invitation(facts: MailContext) -> Message:
    return Message(
        subject=f"Je bent uitgenodigd voor {facts['seller']}",
        news=f"{facts['who']} nodigt je uit om mee te werken aan het verkopersaccount van {facts.seller}, met de rol "
        f"{facts['role']}. De link werkt {Invitation.LIFETIME.days} dagen, één keer en alleen voor dit adres.",
        facts=facts.act,
        advice=["Zegt dit je niets? Dan hoef je niets te doen."],
        link=("Uitnodiging bekijken", link_to("invitation", facts)),
        why="Je krijgt deze mail omdat een eigenaar van dit verkopersaccount je adres heeft opgegeven.",
    )


@message
def member_invited(facts: MailContext) -> Message:
    news = f"{facts['subject']} is uitgenodigd voor {facts.seller}, met de rol {facts['role']}."
    return about_member(facts, "Medewerker uitgenodigd", news)


@message
def invitation_withdrawn(facts: MailContext) -> Message:
    news = f"De uitnodiging van {facts['subject']} voor {facts.seller} is ingetrokken. De link werkt niet meer."
    return about_member(facts, "Uitnodiging ingetrokken", news)


@message
def member_joined(facts: MailContext) -> Message:
    news = f"{facts['subject']} heeft de uitnodiging voor {facts.seller} geaccepteerd, met de rol {facts['role']}."
    return about_member(facts, "Nieuwe medewerker", news)


@message
def member_added(facts: MailContext) -> Message:
    mail = about_member(facts, "Nieuwe medewerker", f"{facts['subject']} is nu {facts['role']} bij {facts.seller}.")
    mail.advice.append(
        "Gaat dit over jou en heb je nog geen wachtwoord? Kies er een via 'Wachtwoord vergeten?' op de inlogpagina."
    )
    return mail


@message
def member_role_changed(facts: MailContext) -> Message:
    news = f"{facts['subject']} is nu {facts['role']} bij {facts.seller}. Was: {facts['former_role']}."
    return about_member(facts, "Rol van medewerker gewijzigd", news)


@message
def member_removed(facts: MailContext) -> Message:
    parties = [("Overgenomen partijen", facts["taken_over"]), ("Gestopte partijen", facts["stopped"])]
    mail = about_member(
        facts, "Medewerker verwijderd", f"{facts['subject']} kan niet meer bij het verkopersaccount van {facts.seller}."
    )
    mail.facts.extend((name, value) for name, value in parties if value)
    return mail


@message
def address_changed(facts: MailContext) -> Message:
    subject = "E-mailadres van medewerker gewijzigd"
    if facts["restored"]:
        news = (
            f"{facts['subject']} logt weer in met het vorige e-mailadres: de wijziging is teruggedraaid met de link in "
            "de mail aan dat adres. Overal is uitgelogd, en er is een nieuw wachtwoord nodig."
        )
        return replace(
            about_member(facts, subject, news),
            advice=["Herken je dit niet? Vraag het deze persoon, of neem contact met ons op."],
        )
    news = f"{facts['subject']} logt nu in met een ander e-mailadres."
    undo = "Draai het dan terug met de link in de mail aan het oude adres."
    return about_member(facts, subject, news, undo)


@message
def factors_reset(facts: MailContext) -> Message:
    news = f"De marktplaats heeft de tweede stap van {facts['subject']} verwijderd. Overal is uitgelogd."
    return about_member(facts, "Tweede stap verwijderd", news)


@message
def user_switched_off(facts: MailContext) -> Message:
    take_over = "Wil je een gestopte partij blijven gebruiken? Kies dan Overnemen bij API Instellingen."
    return Message(
        subject=f"{facts['subject']} kan niet meer inloggen",
        news=f"Het account van {facts['subject']} is uitgeschakeld: inloggen kan niet meer. Partijen waarvoor deze "
        "persoon toestemming gaf, zijn gestopt.",
        facts=facts.act,
        advice=[*([take_over] if facts.seller else []), facts.unless_you("Neem dan contact met ons op.")],
        link=to_settings() if facts.seller else None,
        why=WHY,
    )


@message
def user_switched_on(facts: MailContext) -> Message:
    return Message(
        subject=f"{facts['subject']} kan weer inloggen",
        news=f"Het account van {facts['subject']} is weer ingeschakeld. Partijen die daardoor waren gestopt, hebben "
        "weer toegang, behalve als een collega ze heeft overgenomen.",
        facts=facts.act,
        advice=[facts.unless_you("Neem dan contact met ons op.")],
        link=to_settings() if facts.seller else None,
        why=WHY,
    )

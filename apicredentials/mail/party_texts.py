"""Mails about third parties and what they are allowed."""

import datetime as dt

from django.utils import timezone
from django.utils.formats import date_format

from apicredentials import scopes
from apicredentials.mail.calendar_files import day_in_calendar
from apicredentials.mail.messages import CHANGE_PASSWORD, MailContext, Message, message, to_settings
from apicredentials.models import Activity, OutgoingMail
from apicredentials.models.authorizations import RENEWABLE_AFTER_END


@message(Activity.Kind.PARTY_AUTHORIZED)
def party_authorized(facts: MailContext) -> Message:
    rights = ", ".join(str(scopes.label(scope)) for scope in scopes.highest(facts["scope"].split()))
    return Message(
        subject=f"{facts['subject']} heeft toegang tot de Retailer API",
        news=f"{facts['subject']} mag namens jou de Retailer API gebruiken, tot {facts.moment('expires_at')}.",
        facts=[*facts.act, ("Rechten", rights)],
        advice=[facts.unless_you(f"Verwijder deze partij dan meteen bij API Instellingen. {CHANGE_PASSWORD}")],
        link=to_settings(),
    )


@message(Activity.Kind.PARTY_RENEWED)
def party_renewed(facts: MailContext) -> Message:
    return Message(
        subject=f"Toegang van {facts['subject']} verlengd",
        news=f"De toegang van {facts['subject']} tot de Retailer API is verlengd, tot {facts.moment('expires_at')}. De "
        "rechten zijn gelijk gebleven.",
        facts=facts.act,
        advice=[facts.unless_you(f"Verwijder deze partij dan meteen bij API Instellingen. {CHANGE_PASSWORD}")],
        link=to_settings(),
    )


@message(Activity.Kind.PARTY_REVOKED)
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
        link=to_settings(),
    )


@message(OutgoingMail.Kind.AUTHORIZATION_ENDS)
def authorization_ends(facts: MailContext) -> Message:
    """When the mail was held up, it counts the days that are left now."""
    ends_at = facts.instant("expires_at")
    days = max((ends_at.date() - timezone.localdate()).days, 0)
    soon = {0: "vandaag", 1: "morgen"}.get(days, f"over {days} dagen")
    return Message(
        subject=f"Toegang van {facts['subject']} verloopt {soon}",
        news=f"De toegang van {facts['subject']} tot de Retailer API verloopt {soon}, op "
        f"{facts.moment('expires_at')}. Daarna kan deze partij namens jou niets meer ophalen of bijwerken.",
        facts=[("Verkoper", facts.seller)],
        advice=[
            "Wil je de toegang houden? Kies dan Verlengen bij API Instellingen. De partij hoeft niets te doen.",
            "Heb je deze partij niet meer nodig? Dan hoef je niets te doen.",
        ],
        link=to_settings(),
        calendar=end_in_calendar(facts, ends_at.date()) if facts["calendar"] else "",
    )


def end_in_calendar(facts: MailContext, day: dt.date) -> str:
    """Return the last day of access as a calendar file."""
    return day_in_calendar(
        day,
        uid=facts["calendar"],
        summary=f"Toegang van {facts['subject']} tot de Retailer API verloopt",
        description=f"Verlengen kan bij API Instellingen van {facts.seller}.",
        url=to_settings()[1],
    )


@message(Activity.Kind.PARTY_EXPIRED)
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
        link=to_settings(),
    )

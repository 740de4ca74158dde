"""Mails about client credentials and their secrets."""

from apicredentials.mail.messages import CHANGE_PASSWORD, MailContext, Message, message
from apicredentials.models.clients import RESTORE_WINDOW


@message
def credential_created(facts: MailContext) -> Message:
    return Message(
        subject=f"Client credentials '{facts['subject']}' aangemaakt",
        news=f"Er zijn client credentials aangemaakt met de naam '{facts['subject']}'. Ze geven software toegang tot "
        "de Retailer API, zodra iemand het secret heeft getoond.",
        facts=facts.act,
        advice=[facts.unless_you(f"Verwijder ze dan meteen bij API Instellingen. {CHANGE_PASSWORD}")],
    )


@message
def secret_revealed(facts: MailContext) -> Message:
    return Message(
        subject=f"Client secret van '{facts['subject']}' getoond",
        news=f"Het client secret van '{facts['subject']}' is getoond. Wie het heeft, kan namens jou de Retailer API "
        "gebruiken. Het secret staat niet in deze mail, en wij hebben het niet bewaard.",
        facts=facts.act,
        advice=[facts.unless_you(f"Pauzeer de client credentials dan meteen bij API Instellingen. {CHANGE_PASSWORD}")],
    )


@message
def secret_rotated(facts: MailContext) -> Message:
    still_works = facts.instant("previous_ends_at") > facts.instant("at")
    former = (
        f"Het oude secret werkt nog tot {facts.moment('previous_ends_at')}. Zet je software vóór die tijd over."
        if still_works
        else "Het oude secret werkt niet meer."
    )
    return Message(
        subject=f"Nieuw client secret voor '{facts['subject']}'",
        news=f"Er is een nieuw client secret gemaakt voor '{facts['subject']}'. {former}",
        facts=facts.act,
        advice=[facts.unless_you(f"Pauzeer de client credentials dan meteen bij API Instellingen. {CHANGE_PASSWORD}")],
    )


@message
def secret_ended(facts: MailContext) -> Message:
    return Message(
        subject=f"Oud client secret van '{facts['subject']}' beëindigd",
        news=f"Het oude client secret van '{facts['subject']}' (laatste vier tekens: {facts['hint']}) werkt niet meer "
        f"sinds {facts.moment('ended_at')}. Het nieuwe secret werkt gewoon door.",
        facts=[("Verkoper", facts.seller)],
        advice=[
            "Krijgt je software nu geen toegang meer? Dan gebruikt die nog het oude secret.",
            "Zet het nieuwe secret erin, of maak bij API Instellingen weer een nieuw secret.",
        ],
    )


@message
def credential_paused(facts: MailContext) -> Message:
    return Message(
        subject=f"Client credentials '{facts['subject']}' gepauzeerd",
        news=f"De client credentials '{facts['subject']}' zijn gepauzeerd. Software die ze gebruikt, heeft nu geen "
        "toegang tot de Retailer API, ook niet met tokens die al waren uitgegeven.",
        facts=facts.act,
        advice=[facts.unless_you("Vraag na waarom dit is gebeurd. Bij API Instellingen kun je ze hervatten.")],
    )


@message
def credential_resumed(facts: MailContext) -> Message:
    return Message(
        subject=f"Client credentials '{facts['subject']}' hervat",
        news=f"De client credentials '{facts['subject']}' zijn hervat. Software met een secret dat werkt, heeft "
        "weer toegang tot de Retailer API.",
        facts=facts.act,
        advice=[facts.unless_you(f"Pauzeer ze dan meteen weer bij API Instellingen. {CHANGE_PASSWORD}")],
    )


@message
def credential_deleted(facts: MailContext) -> Message:
    return Message(
        subject=f"Client credentials '{facts['subject']}' verwijderd",
        news=f"De client credentials '{facts['subject']}' zijn verwijderd. Software die ze gebruikte, heeft geen "
        "toegang meer tot de Retailer API, ook niet met tokens die al waren uitgegeven.",
        facts=facts.act,
        advice=[
            f"Bij API Instellingen kun je ze {RESTORE_WINDOW.days} dagen lang terugzetten, behalve na een lek.",
            facts.unless_you(f"Zet ze dan terug. {CHANGE_PASSWORD}"),
        ],
    )


@message
def credential_restored(facts: MailContext) -> Message:
    return Message(
        subject=f"Client credentials '{facts['subject']}' teruggezet",
        news=f"De verwijderde client credentials '{facts['subject']}' zijn teruggezet, met hetzelfde secret. Software "
        "die ze gebruikt, heeft weer toegang tot de Retailer API.",
        facts=facts.act,
        advice=[facts.unless_you(f"Verwijder ze dan meteen weer bij API Instellingen. {CHANGE_PASSWORD}")],
    )


@message
def leak_reported(facts: MailContext) -> Message:
    return Message(
        subject=f"Client secret van '{facts['subject']}' gelekt",
        news=f"Een client secret van '{facts['subject']}' (laatste vier tekens: {facts['hint']}) is gevonden waar het "
        "niet hoort. Wij hebben dit secret beëindigd en de client credentials gepauzeerd: software die ze "
        "gebruikt, heeft nu geen toegang.",
        facts=facts.act,
        advice=[
            "Zoek eerst uit waar het secret stond: in broncode, een logbestand, een mail? Haal het daar weg.",
            "Kijk bij API Instellingen of het is gebruikt, wanneer, en vanaf welk adres.",
            "Maak daarna een nieuw secret, zet dat in je software, en hervat de client credentials.",
        ],
    )

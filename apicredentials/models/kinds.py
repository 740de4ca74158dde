"""Kinds of activity, each with its label, group, recipients of mail and consequence."""

from enum import StrEnum
from typing import Self

from django.db import models


class Group(StrEnum):
    """Groups of kinds, for the filter of the activity log."""

    SELLER = "Verkopersaccount"
    MEMBERS = "Medewerkers"
    SECURITY = "Beveiliging"
    CONTACT = "Technisch contact"
    CREDENTIALS = "Client credentials"
    SECRETS = "Client secrets"
    PARTIES = "Geautoriseerde partijen"
    OPERATORS = "Alleen voor operators"


class Recipients(StrEnum):
    """Recipients of the mail about an act. Each kind that is mailed has a function with its code in `mail/`."""

    NOBODY = "nobody"
    OWNERS = "owners"
    OWNERS_AND_CONTACT = "owners_and_contact"


NOBODY, OWNERS, ALL = Recipients.NOBODY, Recipients.OWNERS, Recipients.OWNERS_AND_CONTACT


class Kind(models.TextChoices):
    """One entry per kind: code, group, recipients of the mail, consequence (may be empty) and label."""

    group: Group
    recipients: Recipients
    consequence: str

    def __new__(
        cls, code: str, group: Group = Group.OPERATORS, recipients: Recipients = NOBODY, consequence: str = ""
    ) -> Self:
        kind = str.__new__(cls, code)
        kind._value_ = code
        kind.group, kind.recipients, kind.consequence = group, recipients, consequence
        return kind

    # fmt: off
    SELLER_CLOSED = (
        "seller_closed", Group.SELLER, ALL, "Niemand kan namens deze verkoper de Retailer API gebruiken.",
        "Verkopersaccount gesloten",
    )
    SELLER_REOPENED = (
        "seller_reopened", Group.SELLER, ALL, "Alles wat werkte toen het account werd gesloten, werkt weer.",
        "Verkopersaccount heropend",
    )
    MEMBER_INVITED = "member_invited", Group.MEMBERS, OWNERS, "", "Medewerker uitgenodigd"
    INVITATION_WITHDRAWN = (
        "invitation_withdrawn", Group.MEMBERS, OWNERS, "De link in de mail werkt niet meer.", "Uitnodiging ingetrokken",
    )
    MEMBER_JOINED = "member_joined", Group.MEMBERS, OWNERS, "", "Uitnodiging geaccepteerd"
    MEMBER_ADDED = "member_added", Group.MEMBERS, OWNERS, "", "Medewerker toegevoegd door de marktplaats"
    MEMBER_ROLE_CHANGED = "member_role_changed", Group.MEMBERS, OWNERS, "", "Rol van medewerker gewijzigd"
    MEMBER_REMOVED = (
        "member_removed", Group.MEMBERS, OWNERS, "Deze persoon kan niet meer bij dit verkopersaccount.",
        "Medewerker verwijderd",
    )
    USER_SWITCHED_OFF = (
        "user_switched_off", Group.MEMBERS, OWNERS, "Deze persoon kan niet meer inloggen.", "Gebruiker uitgeschakeld",
    )
    USER_SWITCHED_ON = (
        "user_switched_on", Group.MEMBERS, OWNERS, "Deze persoon kan weer inloggen.", "Gebruiker weer ingeschakeld",
    )
    ADDRESS_CHANGED = (
        "address_changed", Group.SECURITY, OWNERS, "Inloggen kan niet meer met het adres van daarvoor.",
        "E-mailadres van medewerker gewijzigd",
    )
    FACTOR_ADDED = "factor_added", Group.SECURITY, NOBODY, "", "Tweede stap ingesteld"
    FACTOR_REMOVED = "factor_removed", Group.SECURITY, NOBODY, "", "Tweede stap verwijderd"
    FACTORS_RESET = (
        "factors_reset", Group.SECURITY, OWNERS, "Deze persoon logt in zonder tweede stap tot er een nieuwe is.",
        "Tweede stap verwijderd door de marktplaats",
    )
    CONTACT_SAVED = "contact_saved", Group.CONTACT, NOBODY, "", "Technisch contact opgeslagen"
    CONTACT_CONFIRMED = (
        "contact_confirmed", Group.CONTACT, NOBODY, "Dit adres krijgt ook mededelingen.",
        "Adres van technisch contact bevestigd",
    )
    CREDENTIAL_CREATED = "credential_created", Group.CREDENTIALS, ALL, "", "Client credentials aangemaakt"
    CREDENTIAL_RENAMED = "credential_renamed", Group.CREDENTIALS, NOBODY, "", "Naam van client credentials gewijzigd"
    CREDENTIAL_RIGHTS_CHANGED = (
        "credential_rights_changed", Group.CREDENTIALS, NOBODY, "", "Rechten van client credentials gewijzigd",
    )
    CREDENTIAL_PAUSED = (
        "credential_paused", Group.CREDENTIALS, ALL, "De software die ze gebruikt, heeft geen toegang meer.",
        "Client credentials gepauzeerd",
    )
    CREDENTIAL_RESUMED = (
        "credential_resumed", Group.CREDENTIALS, ALL, "Software met een secret dat werkt, heeft weer toegang.",
        "Client credentials hervat",
    )
    CREDENTIAL_DELETED = (
        "credential_deleted", Group.CREDENTIALS, ALL, "De software die ze gebruikt, heeft geen toegang meer.",
        "Client credentials verwijderd",
    )
    CREDENTIAL_RESTORED = "credential_restored", Group.CREDENTIALS, ALL, "", "Client credentials teruggezet"
    SECRET_REVEALED = "secret_revealed", Group.SECRETS, ALL, "", "Client secret getoond"
    SECRET_ROTATED = "secret_rotated", Group.SECRETS, ALL, "", "Nieuw client secret gemaakt"
    SECRET_END_CHANGED = "secret_end_changed", Group.SECRETS, NOBODY, "", "Einde van oud client secret gewijzigd"
    SECRET_ENDED = (
        "secret_ended", Group.SECRETS, ALL, "Software met het oude secret krijgt geen token meer.",
        "Oud client secret beëindigd",
    )
    LEAK_REPORTED = (
        "leak_reported", Group.SECRETS, ALL, "Het secret werkt niet meer en de client credentials zijn gepauzeerd.",
        "Client secret gelekt",
    )
    PARTY_AUTHORIZED = (
        "party_authorized", Group.PARTIES, ALL, "Deze partij heeft toegang.", "Derde partij geautoriseerd",
    )
    PARTY_RENEWED = "party_renewed", Group.PARTIES, ALL, "", "Autorisatie verlengd"
    PARTY_TAKEN_OVER = (
        "party_taken_over", Group.PARTIES, ALL, "De rechten en de einddatum zijn gelijk gebleven.",
        "Autorisatie overgenomen",
    )
    PARTY_NARROWED = (
        "party_narrowed", Group.PARTIES, ALL, "De minder geworden rechten gelden meteen.",
        "Rechten van derde partij beperkt",
    )
    PARTY_STOPPED = (
        "party_stopped", Group.PARTIES, ALL, "Deze partij heeft geen toegang meer.", "Derde partij gestopt",
    )
    PARTY_REVIVED = (
        "party_revived", Group.PARTIES, ALL, "Deze partij heeft weer toegang.", "Derde partij werkt weer",
    )
    PARTY_SUSPENDED = (
        "party_suspended", Group.PARTIES, ALL, "Deze partij heeft geen toegang meer.",
        "Derde partij stilgezet door ons",
    )
    PARTY_SECRET_LEAKED = (
        "party_secret_leaked", Group.PARTIES, ALL, "Deze partij heeft geen toegang meer.",
        "Secret van derde partij gelekt",
    )
    PARTY_RESUMED = (
        "party_resumed", Group.PARTIES, ALL, "Deze partij heeft weer toegang.", "Derde partij weer toegelaten",
    )
    PARTY_REVOKED = (
        "party_revoked", Group.PARTIES, ALL, "Deze partij heeft geen toegang meer.", "Derde partij verwijderd",
    )
    PARTY_EXPIRED = (
        "party_expired", Group.PARTIES, ALL, "Deze partij heeft geen toegang meer.", "Autorisatie verlopen",
    )
    CLIENT_PAUSED = (
        "client_paused", Group.PARTIES, NOBODY, "Deze partij heeft geen toegang meer.", "Derde partij gedeactiveerd",
    )
    CLIENT_RESUMED = (
        "client_resumed", Group.PARTIES, NOBODY, "Deze partij heeft weer toegang.", "Derde partij weer geactiveerd",
    )
    CLIENT_CHANGED = "client_changed", Group.PARTIES, NOBODY, "", "Derde partij gewijzigd"
    CODE_REPLAYED = (
        "code_replayed", Group.PARTIES, NOBODY, "Alle tokens die met deze code zijn gemaakt, werken niet meer.",
        "Toegangscode twee keer gebruikt",
    )
    REFRESH_TOKEN_REPLAYED = (
        "refresh_token_replayed", Group.PARTIES, NOBODY, "Alle tokens van deze koppeling werken niet meer.",
        "Oud refresh token opnieuw gebruikt",
    )
    CLIENT_REGISTERED = "client_registered", Group.OPERATORS, NOBODY, "", "Client geregistreerd"
    ANNOUNCEMENT_SENT = "announcement_sent", Group.OPERATORS, NOBODY, "", "Mededeling verstuurd"
    # fmt: on

    @classmethod
    def mailed(cls) -> frozenset["Kind"]:
        """Return the kinds that are mailed to anybody."""
        return frozenset(kind for kind in cls if kind.recipients != NOBODY)

    @classmethod
    def grouped(cls) -> dict[Group, list["Kind"]]:
        """Return the kinds by group, for the seller's filter."""
        return {group: [kind for kind in cls if kind.group == group] for group in Group if group != Group.OPERATORS}


def choices() -> list[tuple[str, str]]:
    """Return the choices of the column. A migration refers to this function, so a new kind needs no migration."""
    return Kind.choices

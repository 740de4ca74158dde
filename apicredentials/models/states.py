"""States of authorisations and the causes of those states (protocol of `GET /authorizations`)."""

from typing import Self

from django.db import models

_AGAIN = "Begin opnieuw bij {party} als je deze partij weer wilt gebruiken."
_TAKE_OVER = "Kies Overnemen. Dan werkt alles weer, tot dezelfde einddatum."
_ASK = "Vraag {party} wat er is gebeurd. Begin daarna opnieuw bij {party}."


class State(models.TextChoices):
    """States as shown to sellers, operators and parties; see `ThirdPartyAuthorization.state`."""

    ACTIVE = "active", "Actief"
    EXPIRED = "expired", "Verlopen"
    REVOKED = "revoked", "Ingetrokken"
    STOPPED = "stopped", "Gestopt"
    SUSPENDED = "suspended", "Stilgezet door ons"


class Explained(models.TextChoices):
    """Causes that a page explains: code, sentence, what the seller can do, and label."""

    sentence: str
    remedy: str

    def __new__(cls, code: str, sentence: str = "", remedy: str = "") -> Self:
        cause = str.__new__(cls, code)
        cause._value_ = code
        cause.sentence, cause.remedy = sentence, remedy
        return cause


class Cause(Explained):
    """Reasons why an authorisation gives no access.

    The texts take `party`, `giver` (who gave consent), `by` (who ended it) and `since`.
    """

    # fmt: off
    YEAR_OVER = (
        "year_over", "De toestemming is op {since} verlopen.", _AGAIN, "jaar voorbij",
    )
    REMOVED_BY_SELLER = (
        "removed_by_seller", "Verwijderd door {by} op {since}.", _AGAIN, "verwijderd door de verkoper",
    )
    REMOVED_BY_OPERATOR = (
        "removed_by_operator", "Verwijderd door de marktplaats op {since}.", _AGAIN, "verwijderd door een operator",
    )
    REFRESH_TOKEN_REPLAYED = (
        "refresh_token_replayed",
        "Een oud refresh token is op {since} opnieuw gebruikt. Misschien heeft iemand anders een kopie.",
        _ASK, "oud refresh token opnieuw gebruikt",
    )
    CODE_REPLAYED = (
        "code_replayed",
        "Een toegangscode is op {since} twee keer gebruikt. Misschien heeft iemand anders een kopie.",
        _ASK, "toegangscode twee keer gebruikt",
    )
    ENDED_BY_PARTY = (
        "ended_by_party", "{party} heeft de koppeling op {since} zelf beëindigd.", _AGAIN, "beëindigd door de partij",
    )
    MEMBER_LEFT = (
        "member_left", "{giver} gaf toestemming en werkt hier sinds {since} niet meer.", _TAKE_OVER,
        "medewerker vertrokken",
    )
    USER_OFF = (
        "user_off", "{giver} gaf toestemming en kan sinds {since} niet meer inloggen.", _TAKE_OVER,
        "gebruiker uitgeschakeld",
    )
    SUSPENDED = (
        "suspended", "Wij hebben {party} op {since} stilgezet.",
        "Je hoeft niets te doen. We mailen je zodra {party} weer toegang heeft.", "partij stilgezet",
    )
    SECRET_LEAKED = (
        "secret_leaked", "Het secret van {party} is gelekt. Daarom hebben wij de partij op {since} stilgezet.",
        "Je hoeft niets te doen. We mailen je zodra {party} een nieuw secret heeft en weer toegang krijgt.",
        "secret van de partij gelekt",
    )
    SELLER_CLOSED = (
        "seller_closed", "Dit verkopersaccount is op {since} gesloten.",
        "Neem contact met ons op als dat niet klopt.", "verkopersaccount gesloten",
    )
    # fmt: on


REMOVALS = frozenset({Cause.REMOVED_BY_SELLER, Cause.REMOVED_BY_OPERATOR})
# The person who gave consent left or was switched off, and a colleague can take the consent over.
GIVER_GONE = frozenset({Cause.MEMBER_LEFT, Cause.USER_OFF})


def cause_choices() -> list[tuple[str, str]]:
    """Return the choices of the column. A migration refers to this function, so a new cause needs no migration."""
    return Cause.choices

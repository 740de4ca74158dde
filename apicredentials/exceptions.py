"""What can stand in the way of an act; each says so in a sentence for the person who tried."""


class NotAllowedNow(Exception):
    """The act was possible when the page was drawn, and no longer is. `str()` is a Dutch sentence."""

    code = "not_allowed_now"


class AlreadyDeleted(NotAllowedNow):
    """Somebody else deleted it meanwhile."""

    code = "already_deleted"

    def __init__(self) -> None:
        super().__init__("Deze client credentials zijn intussen verwijderd.")


class AlreadyRevealed(NotAllowedNow):
    """The first secret of a credential exists already; only a new one can be made."""

    code = "already_revealed"

    def __init__(self) -> None:
        super().__init__("Dit secret is al eens getoond.")


class NameTaken(NotAllowedNow):
    """Another request took the name a moment earlier."""

    code = "unique"

    def __init__(self, taken_by: str = "Je hebt al client credentials") -> None:
        super().__init__(f"{taken_by} met deze naam. Kies een andere naam.")


class NameTakenMeanwhile(NotAllowedNow):
    """What comes back keeps its name, which others have got since."""

    code = "unique"

    def __init__(self) -> None:
        super().__init__("Er zijn intussen andere client credentials met deze naam. Geef die eerst een andere naam.")


class TooMany(NotAllowedNow):
    """The seller has as many credentials as there may be."""

    code = "too_many"

    def __init__(self, maximum: int) -> None:
        super().__init__(f"Je hebt al {maximum} client credentials, meer kan niet. Verwijder er eerst een.")


class NotRevealed(NotAllowedNow):
    """There is no secret yet that a new one could replace."""

    code = "not_revealed"

    def __init__(self) -> None:
        super().__init__("Er is nog geen secret. Kies eerst Toon secret.")


class RotatedMeanwhile(NotAllowedNow):
    """The secret to replace is not the newest any more."""

    code = "rotated_meanwhile"

    def __init__(self) -> None:
        super().__init__(
            "Intussen is er al een nieuw secret gemaakt. Kies opnieuw Nieuw secret als je er nog een nodig hebt."
        )


class TooManySecrets(NotAllowedNow):
    """Two secrets work already."""

    code = "too_many_secrets"

    def __init__(self) -> None:
        super().__init__("Er zijn al twee secrets. Beëindig eerst het oude, of laat ze allebei nu eindigen.")


class SecretHasEnded(NotAllowedNow):
    """The end of a secret cannot be moved any more."""

    code = "secret_has_ended"

    def __init__(self) -> None:
        super().__init__("Dit secret is al beëindigd. Maak een nieuw secret als je er weer een nodig hebt.")


class NoSecretWorks(NotAllowedNow):
    """There is nothing that could have leaked."""

    code = "no_secret_works"

    def __init__(self) -> None:
        super().__init__("Er is geen secret dat werkt.")


class CannotRestore(NotAllowedNow):
    """Too late, or its secret has leaked."""

    code = "cannot_restore"

    def __init__(self) -> None:
        super().__init__("Deze client credentials kunnen niet meer worden teruggezet. Maak nieuwe aan.")


class CannotRenew(NotAllowedNow):
    """Too early, too late, or revoked meanwhile."""

    code = "cannot_renew"

    def __init__(self) -> None:
        super().__init__("Deze autorisatie kan nu niet worden verlengd. Begin opnieuw bij de partij zelf.")


class TooSoon(NotAllowedNow):
    """The same was asked a moment ago."""

    code = "too_soon"

    def __init__(self) -> None:
        super().__init__("We hebben net een mail gestuurd. Wacht een minuut voordat je het opnieuw probeert.")


class AlreadyConfirmed(NotAllowedNow):
    """The question has been answered meanwhile."""

    code = "already_confirmed"

    def __init__(self) -> None:
        super().__init__("Dit adres is intussen bevestigd.")


class LinkInvalid(NotAllowedNow):
    """The address of the page is not one that we mailed."""

    code = "link_invalid"

    def __init__(self) -> None:
        super().__init__("Deze link is niet compleet. Open de link in de mail, of kopieer hem helemaal.")


class LinkExpired(NotAllowedNow):
    """The link was mailed too long ago."""

    code = "link_expired"

    def __init__(self) -> None:
        super().__init__(
            "Deze link is verlopen. Vraag wie de API Instellingen beheert om de bevestiging opnieuw te versturen."
        )


class LinkSuperseded(NotAllowedNow):
    """The link is about an address that has been replaced."""

    code = "link_superseded"

    def __init__(self) -> None:
        super().__init__("Deze link hoort bij een adres dat intussen is gewijzigd. Je hoeft niets meer te doen.")


class AlreadySent(NotAllowedNow):
    """Somebody else sent the announcement meanwhile."""

    code = "already_sent"

    def __init__(self) -> None:
        super().__init__("Deze mededeling is al verstuurd.")


class WordsChanged(NotAllowedNow):
    """The announcement is not what the operator has read, or is gone."""

    code = "words_changed"

    def __init__(self) -> None:
        super().__init__("Iemand heeft deze mededeling intussen gewijzigd of weggegooid. Lees haar opnieuw.")

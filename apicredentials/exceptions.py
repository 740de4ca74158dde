"""Refusals: acts that are not possible, or no longer possible since the page was rendered."""

from typing import ClassVar


class Refusal(Exception):
    """Base class. `code` is for tests and JSON; `message` is a Dutch sentence for people, filled in with `facts`."""

    code: ClassVar[str]
    message: ClassVar[str]

    def __init__(self, **facts: object) -> None:
        super().__init__(self.message.format(**facts))


# ---- Client credentials and secrets -------------------------------------------------------------------------


class AlreadyDeleted(Refusal):
    code = "already_deleted"
    message = "Deze client credentials zijn intussen verwijderd."


class AlreadyRevealed(Refusal):
    code = "already_revealed"
    message = "Dit secret is al eens getoond."


class NameTaken(Refusal):
    code = "unique"
    message = "Je hebt al client credentials met deze naam. Kies een andere naam."


class PartyNameTaken(NameTaken):
    message = "Er is al een partij met deze naam. Kies een andere naam."


class NameTakenMeanwhile(Refusal):
    code = "unique"
    message = "Er zijn intussen andere client credentials met deze naam. Geef die eerst een andere naam."


class TooMany(Refusal):
    code = "too_many"
    message = "Je hebt al {maximum} client credentials, meer kan niet. Verwijder er eerst een."


class NotRevealed(Refusal):
    code = "not_revealed"
    message = "Er is nog geen secret. Kies eerst Toon secret."


class RotatedMeanwhile(Refusal):
    code = "rotated_meanwhile"
    message = "Intussen is er al een nieuw secret gemaakt. Kies opnieuw Nieuw secret als je er nog een nodig hebt."


class TooManySecrets(Refusal):
    code = "too_many_secrets"
    message = "Er zijn al twee secrets. Beëindig eerst het oude, of laat ze allebei nu eindigen."


class SecretHasEnded(Refusal):
    code = "secret_has_ended"
    message = "Dit secret is al beëindigd. Maak een nieuw secret als je er weer een nodig hebt."


class NoSecretWorks(Refusal):
    code = "no_secret_works"
    message = "Er is geen secret dat werkt."


class NotPaused(Refusal):
    code = "not_paused"
    message = "Deze client credentials zijn niet gepauzeerd. Je hoeft niets te doen."


class AlreadyPaused(Refusal):
    code = "already_paused"
    message = "Deze client credentials zijn al gepauzeerd. Met Hervatten werken ze weer."


class NeedsNewSecret(Refusal):
    code = "needs_new_secret"
    message = "Het secret is gelekt. Maak eerst een nieuw secret."


class CannotRestore(Refusal):
    code = "cannot_restore"
    message = "Deze client credentials kunnen niet meer worden teruggezet. Maak nieuwe aan."


# ---- Third parties and their authorisations -----------------------------------------------------------------


class CannotRenew(Refusal):
    code = "cannot_renew"
    message = "Deze autorisatie kan nu niet worden verlengd. Begin opnieuw bij de partij zelf."


class CannotTakeOver(Refusal):
    code = "cannot_take_over"
    message = "Deze autorisatie kan niet meer worden overgenomen. Begin opnieuw bij de partij zelf."


class CannotNarrow(Refusal):
    code = "cannot_narrow"
    message = "Je kunt alleen rechten afnemen van een partij die toegang heeft. Begin voor meer bij de partij."


# ---- Technical contact --------------------------------------------------------------------------------------


class TooSoon(Refusal):
    code = "too_soon"
    message = "We hebben net een mail gestuurd. Wacht een minuut voordat je het opnieuw probeert."


class AlreadyConfirmed(Refusal):
    code = "already_confirmed"
    message = "Dit adres is intussen bevestigd."


class LinkInvalid(Refusal):
    code = "link_invalid"
    message = "Deze link is niet compleet. Open de link in de mail, of kopieer hem helemaal."


class LinkExpired(Refusal):
    code = "link_expired"
    message = "Deze link is verlopen. Vraag wie de API Instellingen beheert om de bevestiging opnieuw te versturen."


class LinkSuperseded(Refusal):
    code = "link_superseded"
    message = "Deze link hoort bij een adres dat intussen is gewijzigd. Je hoeft niets meer te doen."


# ---- Announcements ------------------------------------------------------------------------------------------


class AlreadySent(Refusal):
    code = "already_sent"
    message = "Deze mededeling is al verstuurd."


class WordsChanged(Refusal):
    code = "words_changed"
    message = "Iemand heeft deze mededeling intussen gewijzigd of weggegooid. Lees haar opnieuw."

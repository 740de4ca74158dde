"""Resumes a suspended third party."""

from accounts.models import Actor
from apicredentials.management.base import ThirdPartyCommand
from apicredentials.models import ThirdParty


class Command(ThirdPartyCommand):
    help = (
        "Resume a suspended third party. Takes effect immediately: the authorisations that have not ended give access "
        "again. The sellers concerned and the party get a mail. After a leaked secret the party needs a new secret "
        "first. Idempotent."
    )

    def act_on(self, party: ThirdParty, *, by: Actor) -> None:
        party.resume(by=by)

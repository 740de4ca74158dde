"""Suspends a third party."""

from accounts.models import Actor
from apicredentials.management.base import ThirdPartyCommand
from apicredentials.models import ThirdParty


class Command(ThirdPartyCommand):
    help = (
        "Suspend a third party for all sellers. Takes effect immediately: it gets no new tokens, and this server "
        "rejects the tokens already issued. The sellers concerned and the party get a mail. resume_third_party undoes "
        "it. Idempotent."
    )

    def act_on(self, party: ThirdParty, *, by: Actor) -> None:
        party.pause(by=by)

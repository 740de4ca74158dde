"""Suspends a third party."""

from accounts.models import Actor
from apicredentials.management.base import ThirdPartyCommand
from apicredentials.models import ThirdParty


class Command(ThirdPartyCommand):
    help = (
        "Suspend a third party for every seller. Takes effect immediately: it gets no tokens, and its tokens stop "
        "working. Mails the party and exactly the sellers concerned. resume_third_party undoes it. Idempotent. Prints "
        "the number of sellers and of mails."
    )

    def act_on(self, party: ThirdParty, *, by: Actor) -> None:
        party.pause(by=by)

    def is_done(self, party: ThirdParty) -> bool:
        return party.paused_at is not None

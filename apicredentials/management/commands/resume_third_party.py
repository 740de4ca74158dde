"""Resumes a suspended third party."""

from accounts.models import Actor
from apicredentials.management.base import ThirdPartyCommand
from apicredentials.models import ThirdParty


class Command(ThirdPartyCommand):
    help = (
        "Resume a suspended third party. Takes effect immediately: its refresh tokens work again, unless their year is "
        "over. After a leak it needs a new secret first, and access tokens from before the leak stay invalid. Mails "
        "the party and the sellers concerned. Idempotent. Prints the number of sellers and of mails."
    )

    def act_on(self, party: ThirdParty, *, by: Actor) -> None:
        party.resume(by=by)

    def is_done(self, party: ThirdParty) -> bool:
        return party.paused_at is None

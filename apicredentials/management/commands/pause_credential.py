"""Pauses a credential."""

from typing import Any

from accounts.models import Actor
from apicredentials.management.base import CredentialCommand
from apicredentials.models import ClientCredential


class Command(CredentialCommand):
    help = (
        "Pause client credentials. Takes effect immediately: they get no new tokens, and this server rejects the "
        "tokens already issued."
    )

    def act_on(self, credential: ClientCredential, *, by: Actor, **options: Any) -> dict[str, Any]:
        credential.pause(by=by)
        return {"state": credential.state}

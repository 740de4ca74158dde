"""A credential that may work again."""

from typing import Any

from accounts.models import Actor
from apicredentials.models import ClientCredential
from portal.commands import CredentialCommand


class Command(CredentialCommand):
    help = "Resume paused client credentials. Takes effect immediately."

    def act_on(self, credential: ClientCredential, *, by: Actor, **options: Any) -> dict[str, Any]:
        """Resume it."""
        credential.resume(by=by)
        return {"state": "active"}

"""A credential that must end."""

from typing import Any

from accounts.models import Actor
from apicredentials.models import ClientCredential
from portal.commands import CredentialCommand


class Command(CredentialCommand):
    help = (
        "Delete client credentials: from now on they get no token, and tokens already issued work nowhere here. The "
        "seller can put them back for 30 days, unless their secret has leaked."
    )

    def act_on(self, credential: ClientCredential, *, by: Actor, **options: Any) -> dict[str, Any]:
        """Delete it."""
        credential.delete_softly(by=by)
        return {"state": "deleted", "restorable_until": credential.restorable_until}

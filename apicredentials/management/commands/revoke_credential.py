"""A credential that must end."""

from contextlib import suppress
from typing import Any

from accounts.models import Actor
from apicredentials.exceptions import AlreadyDeleted
from apicredentials.management.base import CredentialCommand
from apicredentials.models import ClientCredential
from apicredentials.models.clients import ClientQuerySet


class Command(CredentialCommand):
    help = (
        "Delete client credentials: from now on they get no token, and tokens already issued work nowhere here. The "
        "seller can put them back for 30 days, unless their secret has leaked. Twice is once."
    )

    def among(self) -> ClientQuerySet:
        """Return deleted ones too: who repeats the command, because its answer was lost, is told the same."""
        return ClientCredential.objects.get_queryset()

    def act_on(self, credential: ClientCredential, *, by: Actor, **options: Any) -> dict[str, Any]:
        """Delete it."""
        with suppress(AlreadyDeleted):
            credential.delete_softly(by=by)
        return {"state": "deleted", "restorable_until": credential.restorable_until}

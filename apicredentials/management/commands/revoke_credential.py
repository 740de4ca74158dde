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
        "Delete client credentials. Takes effect immediately: they get no new tokens, and this server rejects the "
        "tokens already issued. The seller can restore them for 30 days, unless their secret has leaked. Idempotent."
    )

    def among(self) -> ClientQuerySet:
        """Return deleted ones too: who repeats the command, because its answer was lost, is told the same."""
        return ClientCredential.objects.get_queryset()

    def act_on(self, credential: ClientCredential, *, by: Actor, **options: Any) -> dict[str, Any]:
        """Delete it."""
        with suppress(AlreadyDeleted):
            credential.delete_softly(by=by)
        return {"state": "deleted", "restorable_until": credential.restorable_until}

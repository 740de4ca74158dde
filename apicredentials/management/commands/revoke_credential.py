"""Deletes a credential."""

from contextlib import suppress
from typing import Any

from accounts.models import Actor
from apicredentials.exceptions import AlreadyDeleted
from apicredentials.management.base import CredentialCommand
from apicredentials.models import ClientCredential


class Command(CredentialCommand):
    help = (
        "Delete client credentials. Takes effect immediately: they get no new tokens, and this server rejects the "
        "tokens already issued. The seller can restore them for 30 days, unless their secret has leaked. Idempotent."
    )
    with_deleted = True  # repeating the command prints the same output

    def act_on(self, credential: ClientCredential, *, by: Actor, **options: Any) -> dict[str, Any]:
        with suppress(AlreadyDeleted):
            credential.delete_softly(by=by)
        return {"state": credential.state, "restorable_until": credential.restorable_until}

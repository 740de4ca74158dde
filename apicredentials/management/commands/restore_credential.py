"""Restores a deleted credential."""

from typing import Any

from accounts.models import Actor
from apicredentials.management.base import CredentialCommand
from apicredentials.models import ClientCredential


class Command(CredentialCommand):
    help = (
        "Restore client credentials that were deleted less than 30 days ago, unless their secret has leaked. Takes "
        "effect immediately: their secrets work again. Idempotent."
    )
    with_deleted = True

    def act_on(self, credential: ClientCredential, *, by: Actor, **options: Any) -> dict[str, Any]:
        credential.restore(by=by)
        return {"state": credential.state}

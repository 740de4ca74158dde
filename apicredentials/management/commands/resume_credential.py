"""Resumes a paused credential."""

from typing import Any

from accounts.models import Actor
from apicredentials.management.base import CredentialCommand
from apicredentials.models import ClientCredential


class Command(CredentialCommand):
    help = (
        "Resume paused client credentials. Takes effect immediately. After a leak they need a new secret first. "
        "Idempotent."
    )

    def act_on(self, credential: ClientCredential, *, by: Actor, **options: Any) -> dict[str, Any]:
        credential.resume(by=by)
        return {"state": credential.state}

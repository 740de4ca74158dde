"""Replaces the secret of a credential."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Actor
from apicredentials.management.base import CredentialCommand
from apicredentials.models import ClientCredential
from apicredentials.models.client_secrets import OVERLAPS


class Command(CredentialCommand):
    help = (
        "Create a new secret for client credentials and print it. It is not stored and cannot be shown again. The "
        "new secret works immediately; the old one stops working after --overlap."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--overlap", required=True, choices=list(OVERLAPS), help="How long the old one works.")

    def act_on(self, credential: ClientCredential, *, by: Actor, **options: Any) -> dict[str, Any]:
        secret = credential.rotate(overlap=OVERLAPS[options["overlap"]][1], by=by)
        previous = credential.secrets.exclude(ends_at=None).latest("pk")
        return {"client_secret": secret, "previous_ends_at": previous.ends_at}

"""Registers a resource server."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from accounts.models import Actor
from apicredentials.management.base import PortalCommand
from apicredentials.models import ResourceServer


class Command(PortalCommand):
    help = (
        "Register a resource server and print its secret, which is not stored and cannot be shown again. Takes "
        "effect immediately: the client may call /introspect (RFC 7662) and nothing else."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", required=True, help="A name for operators.")

    @transaction.atomic
    def act(self, *, name: str, by: Actor, **options: Any) -> dict[str, str]:
        server = ResourceServer(name=name)
        server.register(by=by)
        return {"client_id": server.client_id, "client_secret": server.reveal(by=by)}

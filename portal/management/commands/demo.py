"""Runs the whole product on this machine, to try it out."""

import os
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from apicredentials.management.base import OneLineCommand
from portal.demo import data, environment, people, servers


class Command(OneLineCommand):
    help = (
        "Create a demo database, start the portal and an example third-party site, and print their addresses and how "
        "to sign in. Starts immediately and changes only files in .demo/, no other database. Ctrl-C stops both "
        "servers. The next run continues with the same data; delete .demo/ to start with new data."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        default = os.environ.get("PORT", "8000")
        parser.add_argument("--port", type=int, default=default, help="The portal's port. Default: PORT, or 8000.")
        parser.add_argument("--party-port", type=int, help="The example site's port. Default: the next one.")

    def handle(self, *args: Any, port: int, party_port: int | None, **options: Any) -> None:
        """Start the servers and wait. Outside the environment of the demo, restart the command in it first."""
        servers.stop_on_signals()
        with suppress(servers.Stopped):
            if not environment.is_entered():
                self.enter(port, party_port or port + 1)
            with environment.held_alone():
                self.run(port, party_port or port + 1)

    def enter(self, port: int, party_port: int) -> None:
        """Check the requirements and ports before anything starts."""
        if find_spec("authlib") is None:
            raise CommandError("De demo heeft requirements-dev.txt nodig: draai eerst 'make env'.")
        if port == party_port:
            raise CommandError(f"Het portaal en de derde partij kunnen niet allebei op poort {port}.")
        environment.require_free(port)
        environment.require_free(party_port)
        environment.enter(port, party_port)

    def run(self, port: int, party_port: int) -> None:
        """Create missing data, start both servers, print the welcome text, and wait."""
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        party_address = environment.party_address(party_port)
        password, client_id, client_secret = data.prepare(redirect_uri=f"{party_address}/terug")
        with (
            servers.portal(port) as portal,
            servers.example_party(party_port, client_id=client_id, client_secret=client_secret) as party,
        ):
            servers.wait_until_up(f"{settings.ISSUER_URL}/healthz", portal)
            servers.wait_until_up(f"{party_address}/orderwijs.css", party)
            self.stdout.write("\n".join(welcome(party_address, password)))
            self.stdout.flush()
            servers.send_mail_until_one_ends(portal, party)


def welcome(party_address: str, password: str) -> Iterator[str]:
    """Yield the lines with addresses and passwords; the first person's story is the one to begin with."""
    first, *others = people.PEOPLE
    yield f"{settings.PORTAL_NAME}  {settings.ISSUER_URL}/"
    yield f"Derde partij  {party_address}/"
    yield f"e-mailadres  {first.email}"
    yield f"wachtwoord  {password}"
    yield f"Dit is {first.name}, {first.story}."
    yield "Met hetzelfde wachtwoord:"
    for person in others:
        yield f"  {person.email}  {person.name}, {person.story}"
    yield f"De mail staat in {environment.FOLDER / 'mail'}. Stoppen: Ctrl-C."

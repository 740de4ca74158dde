"""What the portal's commands share: an operator at a terminal, or a script with `--json`."""

import json
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from typing import Any, TextIO

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from accounts.models import Actor, Seller
from apicredentials.exceptions import NotAllowedNow
from apicredentials.models import ClientCredential
from apicredentials.models.clients import ClientQuerySet

MAXIMUM_REASON_LENGTH = 500


class OneLineCommand(BaseCommand):
    """A command that answers any bad input with one line on standard error and exit status 1."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Let a wrong argument be a CommandError, as any other bad input is."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.called_from_command_line = False
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Say what is wrong with the arguments, where argparse prints its usage and exits with 2."""
        try:
            require_utf8(argv)
            super().run_from_argv(argv)
        except CommandError as error:
            if "--traceback" in argv:
                raise
            self.stderr.write(f"CommandError: {error}")
            sys.exit(error.returncode)


def require_utf8(argv: list[str]) -> None:
    """Refuse arguments of which Python could keep the bytes only, as no database can."""
    try:
        "".join(argv).encode()
    except UnicodeEncodeError as error:
        raise CommandError("The arguments are not valid UTF-8.") from error


def standard_input() -> TextIO:
    """Return what is piped in: refuse one that is closed, and keep bytes that are not UTF-8 as lone surrogates."""
    if sys.stdin is None:
        raise CommandError("Standard input is closed.")
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    return sys.stdin


class PortalCommand(OneLineCommand):
    """A command that acts, and prints what came of it: lines for people, or with `--json` exactly one value."""

    def act(self, *args: Any, **options: Any) -> Any:
        """Do what the command is for, and return what to print: an object, or a list of them.

        ValidationError, NotAllowedNow and CommandError are the ways to refuse.
        """
        raise NotImplementedError

    def lines(self, data: Any) -> Iterable[str]:
        """Return `data` as people read it; what there is not, is not said."""
        for name, value in data.items():
            if value is not None:
                yield f"{name}: {' '.join(value) if isinstance(value, list) else value}"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print JSON, and nothing else, on standard output.")

    def handle(self, *args: Any, **options: Any) -> str:
        """Act, then return what to print: a secret must not be seen before it is stored."""
        try:
            data = self.act(*args, **options)
        except ValidationError as error:
            raise CommandError(" ".join(complaints(error))) from error
        except NotAllowedNow as error:
            raise CommandError(str(error)) from error
        return json.dumps(data, cls=DjangoJSONEncoder) if options["json"] else "\n".join(self.lines(data))


def complaints(error: ValidationError) -> Iterable[str]:
    """Return its messages, each with the field it is about where a form would have shown that."""
    if not hasattr(error, "error_dict"):
        return error.messages
    return [
        message if name == NON_FIELD_ERRORS else f"{name}: {message}"
        for name, messages in error.message_dict.items()
        for message in messages
    ]


def operator(reason: str = "") -> Actor:
    """Return who acts at a terminal; the seller reads `reason` in the activity log."""
    if len(reason) > MAXIMUM_REASON_LENGTH or not reason.isprintable():
        raise CommandError(f"--reason must be one line of at most {MAXIMUM_REASON_LENGTH} characters.")
    return Actor(reason=reason.strip())


def find_seller(retailer_id: str) -> Seller:
    """Return the seller of that number."""
    seller = Seller.objects.filter(retailer_id=retailer_id).first()
    if seller is None:
        raise CommandError(f"There is no seller {retailer_id!r}.")
    return seller


class CredentialCommand(PortalCommand):
    """A command that acts on one credential, for a reason that its seller reads."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("client_id", metavar="CLIENT_ID", help="The Client ID of the credential.")
        parser.add_argument("--reason", default="", help="Why; the seller reads it in the activity log.")

    def act(self, *, client_id: str, reason: str, **options: Any) -> dict[str, Any]:
        """Act on the credential of that id."""
        credential = self.among().filter(client_id=client_id).first()
        if credential is None:
            raise CommandError(f"There are no client credentials {client_id!r}.")
        return {"client_id": credential.client_id} | self.act_on(credential, by=operator(reason), **options)

    def among(self) -> ClientQuerySet:
        """Return those that this can be done to."""
        return ClientCredential.objects.get_queryset().present()

    def act_on(self, credential: ClientCredential, *, by: Actor, **options: Any) -> dict[str, Any]:
        """Do it, and return what to print besides the Client ID."""
        raise NotImplementedError

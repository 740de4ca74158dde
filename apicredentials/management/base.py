"""Base classes of the commands: arguments, one-line errors, and output as text or as JSON."""

import json
import re
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from typing import Any, ClassVar, TextIO

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Manager, Model, QuerySet

from accounts.models import Actor, Seller
from apicredentials.exceptions import Refusal
from apicredentials.keys import secret_format
from apicredentials.models import ClientCredential, ThirdParty

MAXIMUM_REASON_LENGTH = 500


class OneLineCommand(BaseCommand):
    """A command that answers invalid input with one line on standard error and exit status 1."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Raise CommandError for an invalid argument; argparse would print its usage and exit with status 2."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.called_from_command_line = False
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Print the errors of the arguments, which BaseCommand parses outside its own error handling."""
        try:
            require_utf8(argv)
            super().run_from_argv(argv)
        except CommandError as error:
            if "--traceback" in argv:
                raise
            self.stderr.write(f"CommandError: {error}")
            sys.exit(error.returncode)


def require_utf8(argv: list[str]) -> None:
    """Refuse bytes that are not UTF-8, which Python passes as lone surrogates and no database can store."""
    try:
        "".join(argv).encode()
    except UnicodeEncodeError as error:
        raise CommandError("The arguments are not valid UTF-8.") from error


def standard_input() -> TextIO:
    """Return standard input as UTF-8 without a byte order mark; invalid bytes become lone surrogates."""
    if sys.stdin is None:
        raise CommandError("Standard input is closed.")
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape")
    return sys.stdin


class PortalCommand(OneLineCommand):
    """A command whose `act` does one thing and returns what to print."""

    # True if --reason is required, which a dry run does not need; None if the command has no such option.
    reason_required: ClassVar[bool | None] = None

    def act(self, *args: Any, **options: Any) -> Any:
        """Return an object or an iterable of objects, which is printed as a stream; `by` is the operator.

        Raise ValidationError, Refusal or CommandError to refuse.
        """
        raise NotImplementedError

    def lines(self, data: dict[str, Any]) -> Iterable[str]:
        """Return an object as lines of text; values that are None are left out."""
        for name, value in data.items():
            if value is not None:
                yield f"{name}: {' '.join(map(str, value)) if isinstance(value, list) else value}"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print JSON, and nothing else, on standard output.")
        if self.reason_required is not None:
            parser.add_argument("--reason", default="", help="Why; the seller reads it in the activity log.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            by = operator(options.get("reason") or "")
            if self.reason_required and not by.reason and not options.get("dry_run"):
                raise CommandError("--reason is required.")
            # Print after the transaction of the act: a secret must not be visible before it is stored.
            self.report(self.act(by=by, **options), as_json=options["json"])
        except ValidationError as error:
            raise CommandError(" ".join(messages_of(error))) from error
        except Refusal as error:
            raise CommandError(str(error)) from error

    def report(self, data: Any, *, as_json: bool) -> None:
        """Print what `act` returned."""
        if not as_json:
            for row in [data] if isinstance(data, dict) else data:
                self.stdout.writelines(f"{line}\n" for line in self.lines(row))
        elif isinstance(data, dict):
            self.stdout.write(dumps(data))
        else:
            # Nothing is printed before the first row is read, so that a failing query prints no half of a list.
            opening = "["
            for row in data:
                self.stdout.write(f"{opening}{dumps(row)}", ending="")
                opening = ",\n"
            self.stdout.write("[]" if opening == "[" else "]")

    def find[M: Model](self, rows: QuerySet[M] | Manager[M], **lookup: str) -> M:
        """Return the one row that `lookup` identifies, or refuse."""
        row = rows.filter(**lookup).first()
        if row is None:
            noun = re.sub(r"(?<!^)(?=[A-Z])", " ", rows.model.__name__).lower()
            raise CommandError(f"There is no {noun} {' '.join(lookup.values())!r}.")
        return row


def dumps(data: Any) -> str:
    return json.dumps(data, cls=DjangoJSONEncoder)


def messages_of(error: ValidationError) -> Iterable[str]:
    """Return the messages, each with the name of its field."""
    if not hasattr(error, "error_dict"):
        return error.messages
    return [
        message if name == NON_FIELD_ERRORS else f"{name}: {message}"
        for name, messages in error.message_dict.items()
        for message in messages
    ]


def operator(reason: str = "", option: str = "--reason") -> Actor:
    """Return the actor at a terminal. The seller reads `reason` in the activity log."""
    if len(reason) > MAXIMUM_REASON_LENGTH or not reason.isprintable():
        raise CommandError(f"{option} must be one line of at most {MAXIMUM_REASON_LENGTH} characters.")
    if secret_format.PATTERN.search(reason):
        raise CommandError(f"{option} contains a client secret. Leave it out.")
    return Actor(reason=reason.strip())


class CredentialCommand(PortalCommand):
    """An act on one credential."""

    reason_required = True
    with_deleted: ClassVar[bool] = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("client_id", metavar="CLIENT_ID", help="The Client ID of the credential.")

    def act(self, *, client_id: str, by: Actor, **options: Any) -> dict[str, Any]:
        credentials = ClientCredential.objects.get_queryset()
        credential = self.find(credentials if self.with_deleted else credentials.present(), client_id=client_id)
        return {"client_id": credential.client_id} | self.act_on(credential, by=by, **options)

    def act_on(self, credential: ClientCredential, *, by: Actor, **options: Any) -> dict[str, Any]:
        """Return what to print besides the Client ID."""
        raise NotImplementedError


class SellerCommand(PortalCommand):
    """An act on one seller."""

    reason_required = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("retailer_id", metavar="RETAILER_ID", help="The seller's number.")

    def act(self, *, retailer_id: str, by: Actor, **options: Any) -> dict[str, Any]:
        seller = self.find(Seller.objects, retailer_id=retailer_id)
        self.act_on(seller, by=by)
        state = "open" if seller.is_open else "closed"
        return {"retailer_id": seller.retailer_id, "name": seller.display_name, "state": state}

    def act_on(self, seller: Seller, *, by: Actor) -> None:
        raise NotImplementedError


class ThirdPartyCommand(PortalCommand):
    """An act on one third party. Every seller with a consent gets mail about it."""

    reason_required = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("client_id", metavar="CLIENT_ID", help="The Client ID of the third party.")
        parser.add_argument("--dry-run", action="store_true", help="Change nothing; print what would be printed.")

    def act(self, *, client_id: str, by: Actor, dry_run: bool, **options: Any) -> dict[str, Any]:
        party: ThirdParty = self.find(ThirdParty.objects, client_id=client_id)
        is_done = self.is_done(party)
        # A dry run also acts, and rolls back: it must refuse whatever the act would refuse.
        with transaction.atomic():
            self.act_on(party, by=by)
            transaction.set_rollback(dry_run)
        sellers, mails = (0, 0) if is_done else party.count_concerned()
        return {"client_id": party.client_id, "sellers": sellers, "mails": mails}

    def act_on(self, party: ThirdParty, *, by: Actor) -> None:
        raise NotImplementedError

    def is_done(self, party: ThirdParty) -> bool:
        """Return True if the act would change nothing."""
        raise NotImplementedError

"""Registers a third party."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from accounts.models import Actor
from apicredentials import redirect_uris, scopes
from apicredentials.management.base import PortalCommand
from apicredentials.models import ThirdParty, ThirdPartyLogo, logos


class Command(PortalCommand):
    help = (
        "Register a third party and print its secret, which is not stored and cannot be shown again. Takes effect "
        "immediately: the third party can ask sellers for access, and each seller decides."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", required=True, help="The name that sellers read on the consent page.")
        parser.add_argument(
            "--contact-email", default="", metavar="EMAIL", help="For questions of sellers; on the consent page."
        )
        parser.add_argument(
            "--redirect-uri",
            action="append",
            required=True,
            help="https, or http on localhost; may repeat.",
        )
        parser.add_argument(
            "--scope", action="append", default=[], help="A right it may ask for; may repeat. Default: all."
        )
        parser.add_argument(
            "--refresh-tokens",
            choices=ThirdParty.RefreshTokens.values,
            default=ThirdParty.RefreshTokens.ROTATING,
            help="Whether a refresh gives a new refresh token. Default: rotating.",
        )
        parser.add_argument("--pkce", choices=["required", "optional"], default="required", help="Default: required.")
        parser.add_argument("--public", action="store_true", help="An app that cannot keep a secret: it gets none.")
        parser.add_argument("--logo", metavar="FILE", type=Path, help="A PNG, JPEG or WebP of at most 512 kB.")
        parser.add_argument("--level", choices=ThirdParty.Level.values, default="", help="The level of partnership.")
        parser.add_argument("--description", default="", help="What it does, in one Dutch sentence.")
        parser.add_argument("--start-url", default="", metavar="URL", help="Where sellers start linking; https.")
        parser.add_argument("--listed", action="store_true", help="Show it in the list of partners.")

    @transaction.atomic
    def act(
        self, *, redirect_uri: list[str], scope: list[str], public: bool, by: Actor, **options: Any
    ) -> dict[str, str | None]:
        if public and (options["refresh_tokens"] != ThirdParty.RefreshTokens.ROTATING or options["pkce"] != "required"):
            raise CommandError("A public client has rotating refresh tokens and PKCE, always (RFC 9700).")
        party = ThirdParty(
            name=options["name"],
            contact_email=options["contact_email"],
            level=options["level"],
            description=options["description"],
            start_url=options["start_url"],
            is_listed=options["listed"],
            redirect_uris=redirect_uris.join(redirect_uri),
            scope=scopes.join(scopes.clean(scope or scopes.ALL)),
            refresh_tokens=options["refresh_tokens"],
            pkce_required=options["pkce"] == "required",
            client_type=ThirdParty.CLIENT_PUBLIC if public else ThirdParty.CLIENT_CONFIDENTIAL,
        )
        party.register(by=by)
        if options["logo"]:
            ThirdPartyLogo.set_for(party, read(options["logo"]), by=by)
        return {"client_id": party.client_id, "client_secret": None if public else party.reveal(by=by)}


def read(file: Path) -> bytes:
    """Read a logo; at most one byte more than is allowed."""
    try:
        with file.open("rb") as content:
            return content.read(logos.MAXIMUM_BYTES + 1)
    except OSError as error:
        raise CommandError(f"--logo: {error.strerror}: {str(file)!r}.") from error

"""A third party that may ask sellers for access."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from apicredentials import redirect_uris, scopes
from apicredentials.management.base import PortalCommand, operator
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
            "--contact-email", default="", metavar="EMAIL", help="Whom sellers can ask about it; on the consent page."
        )
        parser.add_argument(
            "--redirect-uri",
            action="append",
            required=True,
            help="Where sellers are sent back to: https, or http on localhost; may repeat.",
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

    @transaction.atomic
    def act(
        self, *, name: str, redirect_uri: list[str], scope: list[str], public: bool, **options: Any
    ) -> dict[str, str | None]:
        """Make the party and its secret, or neither."""
        if public and (options["refresh_tokens"] != ThirdParty.RefreshTokens.ROTATING or options["pkce"] != "required"):
            raise CommandError("A public client has rotating refresh tokens and PKCE, always (RFC 9700).")
        party = ThirdParty(
            name=name,
            contact_email=options["contact_email"],
            redirect_uris=redirect_uris.join(redirect_uri),
            scope=scopes.join(scopes.clean(scope or scopes.ALL)),
            refresh_tokens=options["refresh_tokens"],
            pkce_required=options["pkce"] == "required",
            client_type=ThirdParty.CLIENT_PUBLIC if public else ThirdParty.CLIENT_CONFIDENTIAL,
        )
        party.register(by=operator())
        if options["logo"]:
            ThirdPartyLogo.set_for(party, read(options["logo"]), by=operator())
        return {"client_id": party.client_id, "client_secret": None if public else party.reveal(by=operator())}


def read(file: Path) -> bytes:
    """Read a logo; at most one byte more than is allowed."""
    try:
        with file.open("rb") as content:
            return content.read(logos.MAXIMUM_BYTES + 1)
    except OSError as error:
        raise CommandError(f"--logo: {error.strerror}: {str(file)!r}.") from error

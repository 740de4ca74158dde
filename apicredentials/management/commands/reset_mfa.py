"""Removes the second factors of a user."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.email_addresses import account_address
from accounts.models import Actor, User
from accounts.security.factor_reset import reset_factors
from apicredentials.management.base import PortalCommand


class Command(PortalCommand):
    help = (
        "Remove all second factors of somebody who lost them, and end their sessions. Takes effect immediately: they "
        "sign in with their password alone until they set up a new factor. Mails the user and the owners of their "
        "sellers."
    )
    reason_required = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", metavar="EMAIL", help="The address with which the user signs in.")

    def act(self, *, email: str, by: Actor, **options: Any) -> dict[str, Any]:
        user = User.objects.filter(email=account_address(email)).first()
        if user is None:
            raise CommandError(f"There is no user {email!r}.")
        return {"email": user.email, "removed": reset_factors(user, by=by)}

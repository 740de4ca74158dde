"""Rows for the stock project's operations; prints the requests' material as JSON. Run with the number of rows."""

import datetime as dt
import json
import secrets
import sys
from typing import NamedTuple

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken  # noqa: E402


def main(count: int) -> None:
    """Create the material that each operation consumes, `count` of each."""
    call_command("migrate", verbosity=0)
    User.objects.bulk_create(User(username=f"user-{number}") for number in range(10_010))
    user = User.objects.get(pk=1)
    client = Application.objects.create(
        client_id="machine", client_secret="secret", client_type="confidential",
        authorization_grant_type="client-credentials",
    )  # fmt: skip
    party = Application.objects.create(
        client_id="party", client_secret="secret", client_type="confidential",
        authorization_grant_type="authorization-code", redirect_uris="https://party.example/cb",
    )  # fmt: skip
    later = timezone.now() + dt.timedelta(hours=1)
    codes = [secrets.token_urlsafe(24) for _ in range(count)]
    Grant.objects.bulk_create(
        Grant(
            user=user,
            code=code,
            application=party,
            expires=later,
            redirect_uri="https://party.example/cb",
            scope="read",
        )
        for code in codes
    )
    refresh = [each.refresh for each in pairs(count, user, party, later)]
    revocable = [each.access for each in pairs(count, user, party, later)]
    bearer = pairs(1, user, client, later)[0].access
    json.dump(
        {"client": ["machine", "secret"], "party": ["party", "secret"], "bearer": bearer, "codes": codes,
         "refresh": refresh, "revocable": revocable, "guesses": [secrets.token_urlsafe(24) for _ in range(count)],
         "unknown client": ["nobody", "secret"], "wrong secret": ["machine", "wrong"]}, sys.stdout,
    )  # fmt: skip


class Pair(NamedTuple):
    """An access token and its refresh token."""

    access: str
    refresh: str


def pairs(count: int, user: User, client: Application, expires: dt.datetime) -> list[Pair]:
    """Create access tokens, each with its refresh token."""
    made = [Pair(secrets.token_urlsafe(24), secrets.token_urlsafe(24)) for _ in range(count)]
    access = AccessToken.objects.bulk_create(
        AccessToken(user=user, application=client, token=each.access, expires=expires, scope="read") for each in made
    )
    RefreshToken.objects.bulk_create(
        RefreshToken(user=user, application=client, token=each.refresh, access_token=token)
        for each, token in zip(made, access, strict=True)
    )
    return made


main(int(sys.argv[1]))

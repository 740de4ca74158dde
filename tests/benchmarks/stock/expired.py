"""Rows for the stock project's `cleartokens`, as it creates them; run with the number of expired rows.

A tenth of that number is not expired. Prints the number of rows that must be left, by table, as JSON.
"""

import datetime as dt
import json
import sys

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken  # noqa: E402

from tests.benchmarks.rows import multiply, uid  # noqa: E402


def main(count: int) -> None:
    """Create access tokens (half of the rows), replaced refresh tokens, and codes that were never exchanged."""
    call_command("migrate", verbosity=0)
    user = User.objects.create(username="user")
    client = Application.objects.create(
        client_id="client", client_type="confidential", authorization_grant_type="authorization-code"
    )
    now = timezone.now()
    for prefix, number, moment in (("old", count, now - dt.timedelta(days=60)), ("new", count // 10, None)):
        expires = moment or now + dt.timedelta(days=1)
        owned = {"user": user, "application": client}
        access = AccessToken.objects.create(**owned, token=prefix, expires=expires, scope="read")
        grant = Grant.objects.create(**owned, code=prefix, expires=expires, redirect_uri="https://party.example/cb")
        refresh = RefreshToken.objects.create(
            **owned, token=prefix, revoked=moment, access_token=None if moment else access
        )
        multiply(access, number // 2 - 1, token=uid(prefix), token_checksum=uid(prefix))
        multiply(grant, number // 10 - 1, code=uid(prefix))
        # A valid refresh token refers to its access token; a replaced one no longer does.
        beside = f"(SELECT id FROM oauth2_provider_accesstoken WHERE token_checksum = {uid(prefix)})"  # noqa: S608
        tokens = {"token": uid(prefix), "token_checksum": uid(prefix)}
        multiply(refresh, number * 4 // 10 - 1, **tokens, access_token_id="NULL" if moment else beside)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    living = {AccessToken: count // 20, RefreshToken: count * 4 // 100, Grant: count // 100}
    json.dump({model._meta.db_table: number for model, number in living.items()}, sys.stdout)


main(int(sys.argv[1]))

"""Rows for our `purge`, as the portal creates them; run with the number of expired rows.

A tenth of that number is not expired. Prints the number of rows that must be left, by table, as JSON.
"""

import datetime as dt
import json
import sys
from dataclasses import dataclass

import django

django.setup()

from django.contrib.sessions.models import Session  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Model  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Seller  # noqa: E402
from apicredentials.models import Activity, Grant, RefreshToken, RevokedAccessToken  # noqa: E402
from tests.benchmarks.rows import multiply, uid  # noqa: E402
from tests.factories import SellerFactory, ThirdPartyAuthorizationFactory, ThirdPartyFactory  # noqa: E402

# Percentage of each kind. Refresh tokens expire by replacement, and with their authorisation.
SHARES = {"replaced": 50, "ended": 15, "grants": 10, "revoked": 15, "sessions": 5, "activities": 5}
CHAINS = 1000
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@dataclass
class Maker:
    """Creates rows that are expired, or that are not."""

    prefix: str
    numbers: dict[str, int]
    seller: Seller

    def grant(self, name: str, **fields: object) -> Grant:
        """Return a grant whose authorisation has its own party."""
        authorization = ThirdPartyAuthorizationFactory(seller=self.seller, third_party=ThirdPartyFactory(), **fields)
        assert authorization.granted_by is not None
        return Grant.objects.create(
            code_hash=f"{self.prefix}-{name}", application=authorization.third_party, user=authorization.granted_by,
            authorization=authorization, rights=authorization.scope, scope="offline_access",
            redirect_uri="https://party.example/cb", expires=timezone.now() - 2 * DAY,
        )  # fmt: skip

    def chains(self, name: str, **fields: object) -> Grant:
        """Create CHAINS grants with consecutive keys, and return the first."""
        first = self.grant(name, **fields)
        unique = uid(f"{self.prefix}-{name}-")
        multiply(first, CHAINS - 1, code_hash=unique, uid=unique)
        return first

    def refresh(self, name: str, first: Grant, revoked: dt.datetime | None) -> None:
        """Create refresh tokens for the CHAINS grants that start with `first`."""
        owned = {"grant": first, "application": first.application, "user": first.user, "revoked": revoked}
        token = RefreshToken.objects.create(token_checksum=f"{self.prefix}-{name}", **owned)
        self.more(token, name, token_checksum=uid(f"{self.prefix}-{name}-"), grant_id=f"{first.pk} + mod(n, {CHAINS})")

    def more(self, original: Model, name: str, **different: str) -> None:
        """Copy a row until there are as many as `numbers` requires."""
        multiply(original, self.numbers[name] - 1, **different)

    def rest(self, grant: Grant, expires: dt.datetime, at: dt.datetime) -> None:
        """Create the rows without a chain; the copies of `grant` have no refresh tokens."""
        unique = uid(f"{self.prefix}-")
        self.more(grant, "grants", code_hash=unique, uid=unique)
        self.more(RevokedAccessToken.objects.create(jti=self.prefix, expires=expires), "revoked", jti=unique)
        Session.objects.create(session_key=self.prefix, session_data="x" * 200, expire_date=expires)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO django_session SELECT {unique}, session_data, expire_date FROM django_session,"  # noqa: S608
                f" generate_series(2, {self.numbers['sessions']}) AS n WHERE session_key = %s",
                [self.prefix],
            )
        activity = Activity.objects.create(kind=Activity.Kind.PARTY_RENEWED, seller=self.seller, at=at)
        self.more(activity, "activities")


def main(count: int) -> None:
    """Create the rows, and print how many must be left."""
    call_command("migrate", verbosity=0)
    now, seller = timezone.now(), SellerFactory()
    old = Maker("old", {name: count * share // 100 for name, share in SHARES.items()}, seller)
    new = Maker("new", {name: number // 10 for name, number in old.numbers.items()}, seller)

    # Expired: replaced tokens of live chains, chains of long ended authorisations, codes that were never exchanged.
    chain = new.chains("chain")
    old.refresh("replaced", chain, revoked=now - 31 * DAY)
    old.refresh("ended", old.chains("ended", granted_at=now - 400 * DAY), revoked=None)
    old.rest(old.grant("codes"), now - HOUR, now - 401 * DAY)
    # Not expired: recently replaced tokens, chains of a renewable authorisation, fresh codes.
    new.refresh("replaced", chain, revoked=now - 29 * DAY)
    new.refresh("ended", new.chains("renewable", granted_at=now - 390 * DAY), revoked=None)
    fresh = new.grant("codes")
    fresh.expires = now + HOUR
    fresh.save()
    new.rest(fresh, now + HOUR, now - 399 * DAY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    living = {
        RefreshToken: new.numbers["replaced"] + new.numbers["ended"],
        Grant: new.numbers["grants"] + sum(min(CHAINS, new.numbers[name]) for name in ("replaced", "ended")),
        RevokedAccessToken: new.numbers["revoked"],
        Session: new.numbers["sessions"],
        Activity: new.numbers["activities"],
    }
    json.dump({model._meta.db_table: number for model, number in living.items()}, sys.stdout)


main(int(sys.argv[1]))

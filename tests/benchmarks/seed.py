"""Rows for our operations; prints the requests' material as JSON, as stock/seed.py does."""

import datetime as dt
import json
import secrets
import sys
import uuid

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Actor  # noqa: E402
from apicredentials.keys import secret_format  # noqa: E402
from apicredentials.keys.hash_keys import digest  # noqa: E402
from apicredentials.models import Grant, RefreshToken, ThirdPartyAuthorization  # noqa: E402
from apicredentials.oauth import access_tokens  # noqa: E402
from tests.factories import ClientCredentialFactory, SellerFactory, ThirdPartyFactory  # noqa: E402

REDIRECT_URI = "https://party.example/cb"


def main(count: int) -> None:
    """Create the material that each operation consumes, `count` of each, shared by fifty sellers."""
    call_command("migrate", verbosity=0)
    by = Actor()
    party = ThirdPartyFactory(redirect_uris=REDIRECT_URI, pkce_required=False)
    party_secret = party.reveal(by=by)
    authorizations = [consent(party) for _ in range(50)]
    credential = ClientCredentialFactory()
    codes = [secrets.token_urlsafe(32) for _ in range(count)]
    Grant.objects.bulk_create(grant(authorizations[i % 50], party, code) for i, code in enumerate(codes))
    refresh = [secrets.token_urlsafe(32) for _ in range(count)]
    grants = Grant.objects.bulk_create(
        grant(authorizations[i % 50], party, secrets.token_urlsafe(32), used=True) for i in range(count)
    )
    RefreshToken.objects.bulk_create(
        RefreshToken(token_checksum=digest(token), grant=each, application=party, user=each.user)
        for token, each in zip(refresh, grants, strict=True)
    )
    revocable = [bearer(credential) for _ in range(count)]
    paused, deleted = ClientCredentialFactory(), ClientCredentialFactory()
    refused = {
        "unknown client": [str(uuid.uuid4()), secret_format.generate()],
        "wrong secret": [credential.client_id, secret_format.generate()],
        "paused": [paused.client_id, paused.reveal(by=by)],
        "deleted": [deleted.client_id, deleted.reveal(by=by)],
    }
    paused.pause(by=by)
    deleted.delete_softly(by=by)
    json.dump(
        {"client": [credential.client_id, credential.reveal(by=by)], "party": [party.client_id, party_secret],
         "bearer": revocable.pop(), "codes": codes, "refresh": refresh, "revocable": revocable,
         "guesses": [secret_format.generate() for _ in range(count)], **refused}, sys.stdout,
    )  # fmt: skip


def consent(party):  # type: ignore[no-untyped-def]
    """Create an authorisation of `party` by a new seller."""
    seller = SellerFactory()
    by = Actor(user=seller.members.get())
    return ThirdPartyAuthorization.objects.consent(seller=seller, third_party=party, rights=party.rights, by=by)


def grant(authorization, party, code, *, used=False):  # type: ignore[no-untyped-def]
    """Return an unsaved grant that expires in an hour."""
    now = timezone.now()
    return Grant(
        code_hash=digest(code), application=party, user=authorization.granted_by, authorization=authorization,
        rights=authorization.scope, scope="offline_access", redirect_uri=REDIRECT_URI,
        expires=now + dt.timedelta(hours=1), used_at=now if used else None,
    )  # fmt: skip


def bearer(credential) -> str:  # type: ignore[no-untyped-def]
    """Return an access token of `credential` that expires in an hour."""
    now = int(timezone.now().timestamp())
    from django.conf import settings

    return access_tokens.sign(
        {"iss": settings.ISSUER_URL, "aud": settings.RESOURCE_URL, "iat": now, "exp": now + 3600,
         "jti": secrets.token_hex(16), "client_id": credential.client_id, "scope": credential.scope,
         "sub": credential.client_id, "retailer_id": credential.seller.retailer_id}
    )  # fmt: skip


main(int(sys.argv[1]))

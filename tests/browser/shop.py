"""A shop in which everything has happened."""

import datetime as dt
from functools import partial

from django.utils import timezone

from accounts.models import Actor, Seller, User
from apicredentials.models import Activity, ThirdPartyLogo
from tests.admin.pictures import picture
from tests.factories import ClientCredentialFactory, ClientSecretFactory, ThirdPartyAuthorizationFactory

LOGO = picture(size=(400, 100))
LONG_NAME = "Verkoopstatistiekenexportprogrammatuurontwikkelomgeving" * 2


def fill(seller: Seller, user: User) -> None:
    """Give a seller credentials and authorisations in every state, with names that are hard to fit."""
    long_ago = timezone.now() - dt.timedelta(days=100)
    narrow = partial(ClientCredentialFactory, seller=seller, scope="orders:read offers:manage", revealed=True)
    narrow(paused=True, secret__last_used_at=long_ago)
    narrow(secret__created_at=long_ago)
    narrow()
    rotated = narrow(secret__ends_at=timezone.now() + dt.timedelta(days=7), secret__last_used_at=long_ago)
    ClientSecretFactory(client=rotated, last_used_at=timezone.now(), last_used_agent=LONG_NAME)
    narrow(leaked_at=timezone.now(), paused=True)
    narrow(deleted=True)
    ClientCredentialFactory(seller=seller, name=LONG_NAME[:100], created_by=user)
    known = ThirdPartyAuthorizationFactory(seller=seller, third_party__name=LONG_NAME[:100])
    ThirdPartyLogo.set_for(known.third_party, LOGO, by=Actor())
    for state in ("expiring", "expired", "ended"):
        ThirdPartyAuthorizationFactory(seller=seller, scope="orders:read", **{state: True})
    # Not by `record`, which mails.
    row = {"seller": seller, "subject": LONG_NAME[:100], "actor_name": user.name, "reason": "Op verzoek."}
    Activity.objects.bulk_create(Activity(kind=kind, **row) for kind in Activity.Kind)

"""Rows of a marketplace with many sellers; run with their number. Prints the search terms as JSON."""

import datetime as dt
import json
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Actor, Seller, User  # noqa: E402
from apicredentials.models import Activity, ClientCredential, ClientSecret, OutgoingMail  # noqa: E402
from tests.benchmarks.rows import multiply, uid, without_indexes  # noqa: E402
from tests.factories import (  # noqa: E402
    ClientCredentialFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
    UserFactory,
)

# Rows per seller.
CREDENTIALS, AUTHORIZATIONS, ACTIVITIES, MAILS = 5, 2, 20, 5
# Rows of the log of one seller, who exports them: as many as all sellers have, but not more than this.
EXPORTED = 100_000
PARTIES = 50
KINDS = "array['party_authorized', 'secret_revealed', 'credential_created', 'contact_saved', 'party_renewed']"


def main(sellers: int) -> None:
    """Create the rows, spread over a year."""
    call_command("migrate", verbosity=0)
    with without_indexes():
        create(sellers)
    found = {
        "credential": ClientCredential.objects.order_by("-pk").values_list("client_id", "folded_name")[10],
        "seller": Seller.objects.order_by("-pk").values_list("retailer_id", "display_name")[10],
        "exported": [Seller.objects.earliest("pk").retailer_id],
        "hint": [ClientSecret.objects.order_by("pk")[10].hint],
        "recipient": [OutgoingMail.objects.order_by("pk")[10].recipient],
    }
    json.dump(found, sys.stdout)


def create(sellers: int) -> None:
    """Create sellers with their owners and contacts, parties, and what belongs to them."""
    parties = [ThirdPartyFactory(contact_email=f"hulp@partij{n}.example") for n in range(PARTIES)]
    owner: User = UserFactory()
    seller: Seller = SellerFactory(owner__user=owner)
    contact = TechnicalContactFactory(seller=seller)
    its_seller = f"{seller.pk} + 1 + mod(n, {sellers})"
    word = "substr(md5('w' || n), 1, 6)"
    multiply(owner, sellers, email=f"{word} || n || '@winkel.example'", name=f"'Jan ' || {word}")
    multiply(seller, sellers, retailer_id="(1000000 + n)::text", display_name=f"'Winkel ' || {word}")
    multiply(seller.memberships.get(), sellers, user_id=f"{owner.pk} + n", seller_id=f"{seller.pk} + n")
    multiply(contact, sellers, seller_id=f"{seller.pk} + n", email=f"'t' || {word} || n || '@winkel.example'")
    credentials(sellers * CREDENTIALS, its_seller)
    authorization = ThirdPartyAuthorizationFactory(seller=seller, third_party=parties[0], granted_by=owner)
    age = "make_interval(hours => mod(n::bigint * 7919, 8712)::int)"  # at most 363 days, so none has expired
    multiply(
        authorization,
        sellers * AUTHORIZATIONS,
        uid="(md5('a' || n)::uuid)::text",
        seller_id=its_seller,
        third_party_id=f"{parties[0].pk} + mod(n / {sellers} * {PARTIES // 2} + mod(n, {PARTIES // 2}), {PARTIES})",
        granted_by_id=f"{owner.pk} + 1 + mod(n, {sellers})",
        granted_at=f"now() - {age}",
        expires_at=f"now() - {age} + interval '365 days'",
    )
    history(seller, owner, sellers, its_seller)


def credentials(number: int, its_seller: str) -> None:
    """Create credentials with one secret each; one in 10,000 was never used, one in 10,000 is idle.

    A filter with few matches is the expensive one.
    """
    credential: ClientCredential = ClientCredentialFactory()
    credential.reveal(by=Actor())
    multiply(
        credential,
        number,
        client_id="(md5('c' || n)::uuid)::text",
        name="'Magazijn ' || n",
        folded_name="'magazijn ' || n",
        seller_id=its_seller,
        paused_at="CASE WHEN mod(n, 1000) = 7 THEN now() END",
    )
    secret = credential.secrets.get()
    used = "CASE mod(n, 10000) WHEN 0 THEN NULL WHEN 1 THEN now() - interval '100 days' ELSE now() END"
    hint = "substr(md5('h' || n), 1, 4)"
    multiply(secret, number, client_id=f"{credential.pk} + n", hash=uid("s"), hint=hint, last_used_at=used)
    old: ClientSecret = credential.secrets.create(hash="old", hint="oud1", ends_at=timezone.now() - dt.timedelta(3))
    end = "now() - make_interval(hours => n)"
    multiply(old, number // 20, client_id=f"{credential.pk} + n", hash=uid("o"), ends_at=end, last_used_at=end)


def history(seller: Seller, owner: User, sellers: int, its_seller: str) -> None:
    """Create log rows and sent mails, the newest last."""
    activity = Activity.objects.create(kind="contact_saved", seller=seller, user=owner)
    number = sellers * ACTIVITIES
    multiply(
        activity,
        number,
        kind=f"({KINDS})[1 + mod(n, 5)]",
        seller_id=its_seller,
        at=f"now() - make_interval(secs => ({number} - n) * 31536000.0 / {number})",
        subject="'Magazijn ' || n",
        actor_name="'Jan ' || substr(md5('w' || n), 1, 6)",
    )
    exported = min(number, EXPORTED)
    multiply(activity, exported, at=f"now() - make_interval(secs => ({exported} - n) * 300)")
    mail = OutgoingMail.objects.create(kind="party_renewed", key="activity:0", recipient="x@winkel.example")
    number = sellers * MAILS
    multiply(
        mail,
        number,
        key="'activity:' || n",
        recipient="'t' || substr(md5('w' || n), 1, 6) || n || '@winkel.example'",
        seller_id=its_seller,
        message_id=uid("m"),
        created_at=f"now() - make_interval(secs => ({number} - n) * 31536000.0 / {number})",
        sent_at="now()",
    )


main(int(sys.argv[1]))

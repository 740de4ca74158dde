"""What happens when somebody found a secret where it should not be."""

from collections.abc import Iterable
from itertools import batched

from django.db import transaction
from django.utils import timezone

from accounts.models import Actor
from apicredentials.exceptions import NoSecretWorks
from apicredentials.models.activity import Activity
from apicredentials.models.client_secrets import ClientSecret, hashes_of
from apicredentials.models.clients import OAuthClient

# How many hashes one query looks for; PostgreSQL takes 65,535 at most.
HASHES_AT_ONCE = 1000


def report_leak(fingerprints: Iterable[str], *, by: Actor) -> int:
    """Stop every secret with one of these fingerprints, and pause its client; return how many there were.

    A secret that has ended does no harm and is passed over, so that reporting twice is reporting once.
    """
    hashes = (stored for fingerprint in fingerprints for stored in hashes_of(fingerprint))
    return sum(
        _stop(secret, by)
        for some in batched(hashes, HASHES_AT_ONCE)
        for secret in ClientSecret.objects.filter(hash__in=some).select_related("client")
    )


def report_leak_of(client: OAuthClient, *, by: Actor) -> None:
    """Stop every secret of this client, one of which leaked, and pause it; raise NoSecretWorks when none does."""
    stopped = [_stop(secret, by) for secret in client.secrets.all()]
    if not any(stopped):
        raise NoSecretWorks


def _stop(secret: ClientSecret, by: Actor) -> bool:
    now = timezone.now()
    with transaction.atomic():
        client = OAuthClient.objects.select_for_update(no_key=True).select_related(None).get(pk=secret.client_id)
        secret.refresh_from_db()
        if not secret.is_live:
            return False
        secret.ends_at = now
        secret.save(update_fields=["ends_at"])
        client.leaked_at = now
        client.paused_at = client.paused_at or now
        client.save(update_fields=["leaked_at", "paused_at"])
        Activity.record(Activity.Kind.LEAK_REPORTED, seller=client.seller, subject=client.name, by=by, hint=secret.hint)
    return True

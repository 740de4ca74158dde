"""Leaked secrets: finding their owners and stopping them."""

from collections.abc import Iterable
from itertools import batched

from django.db import transaction
from django.utils import timezone

from accounts.models import Actor
from apicredentials.exceptions import NoSecretWorks
from apicredentials.models.activity import Activity
from apicredentials.models.client_secrets import ClientSecret, hashes_of
from apicredentials.models.clients import OAuthClient

# Per query; PostgreSQL allows at most 65,535 parameters.
HASHES_AT_ONCE = 1000


def find_secrets(fingerprints: Iterable[str]) -> list[ClientSecret]:
    """Return the secrets with one of these fingerprints, live or ended, with client and seller."""
    hashes = (stored for fingerprint in fingerprints for stored in hashes_of(fingerprint))
    return [
        secret
        for some in batched(hashes, HASHES_AT_ONCE)
        for secret in ClientSecret.objects.filter(hash__in=some).select_related("client__seller")
    ]


def report_leak(fingerprints: Iterable[str], *, by: Actor) -> int:
    """End every live secret with one of these fingerprints and pause its client; return how many. Idempotent."""
    return sum(_stop(secret, by) for secret in find_secrets(fingerprints))


def report_leak_of(client: OAuthClient, *, by: Actor) -> None:
    """End every live secret of this client and pause it; raise NoSecretWorks when there is none."""
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

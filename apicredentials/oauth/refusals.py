"""The reason of the latest refusal, stored for the seller. The response never contains it."""

import datetime as dt

from django.utils import timezone

from apicredentials.models.client_secrets import ClientSecret
from apicredentials.models.clients import OAuthClient

# At most one refusal per minute is stored, so that a client that retries in a loop does not cause a write each time.
REFUSAL_PRECISION = dt.timedelta(minutes=1)


def note_refusal(client_id: str, hashes: list[str], *, address: str) -> None:
    """Store when, from where and why this client was refused, if it exists."""
    now = timezone.now()
    client = OAuthClient.objects.select_related("seller").filter(client_id=client_id).first()
    if client is None or (client.last_refused_at and now - client.last_refused_at < REFUSAL_PRECISION):
        return
    OAuthClient.objects.filter(pk=client.pk).update(
        last_refused_at=now, last_refused_address=address or None, last_refused_reason=reason(client, hashes)
    )


def reason(client: OAuthClient, hashes: list[str]) -> OAuthClient.Refusal:
    """Return why a request with a secret of one of these hashes is refused."""
    if not ClientSecret.objects.filter(client=client, hash__in=hashes).exists():
        return OAuthClient.Refusal.WRONG_SECRET
    if client.deleted_at is not None:
        return OAuthClient.Refusal.DELETED
    if client.seller is not None and not client.seller.is_open:
        return OAuthClient.Refusal.CLOSED
    if client.paused_at is not None:
        return OAuthClient.Refusal.PAUSED
    return OAuthClient.Refusal.ENDED_SECRET

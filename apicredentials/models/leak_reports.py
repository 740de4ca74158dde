"""Reports of leaked secrets, by plaintext fingerprint or by client."""

from collections.abc import Iterable, Iterator
from itertools import batched

from accounts.models import Actor
from apicredentials.exceptions import NoSecretWorks
from apicredentials.models.client_secrets import ClientSecret, hashes_of
from apicredentials.models.clients import OAuthClient
from apicredentials.models.credentials import ClientCredential
from apicredentials.models.resource_servers import ResourceServer
from apicredentials.models.third_parties import ThirdParty

# How many hashes one query looks for; PostgreSQL takes at most 65,535 parameters.
HASHES_AT_ONCE = 1000

PROXIES: dict[str, type[OAuthClient]] = {
    proxy.GRANT_TYPE: proxy for proxy in (ClientCredential, ThirdParty, ResourceServer)
}


def find_secrets(fingerprints: Iterable[str]) -> Iterator[ClientSecret]:
    """Yield the secrets that have one of these fingerprints, with their clients."""
    hashes = (stored for fingerprint in fingerprints for stored in hashes_of(fingerprint))
    for some in batched(hashes, HASHES_AT_ONCE):
        yield from ClientSecret.objects.filter(hash__in=some).select_related("client__seller")


def report_leak(fingerprints: Iterable[str], *, by: Actor) -> int:
    """End every live secret with one of these fingerprints, pause its client, and return how many there were.

    Reporting again has no effect, because an ended secret is skipped.
    """
    return sum(owner_of(secret).report_leak(secret, by=by) for secret in find_secrets(fingerprints))


def report_leak_of(client: OAuthClient, *, by: Actor) -> None:
    """Report every secret of this client. Raises NoSecretWorks when it has no live one."""
    stopped = [owner_of(secret).report_leak(secret, by=by) for secret in client.secrets.select_related("client")]
    if not any(stopped):
        raise NoSecretWorks


def owner_of(secret: ClientSecret) -> OAuthClient:
    """Return the client of a secret as an instance of its proxy, which may override what a leak does."""
    proxy = PROXIES[secret.client.authorization_grant_type]
    owner: OAuthClient = proxy._base_manager.get(pk=secret.client_id)
    return owner

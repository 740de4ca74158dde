"""Resource servers: APIs of the marketplace that introspect tokens."""

from typing import ClassVar

from apicredentials.models.clients import OAuthClient, ProxyManager


class ResourceServer(OAuthClient):
    """An API of the marketplace that introspects tokens (RFC 7662)."""

    GRANT_TYPE = OAuthClient.GrantType.NONE
    objects: ClassVar[ProxyManager] = ProxyManager()

    class Meta:
        proxy = True
        ordering = ("folded_name",)
        verbose_name = "resource server"
        verbose_name_plural = "resource servers"

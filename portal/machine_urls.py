"""URLs of the machine-facing addresses: exact, without a trailing slash and without a redirect to one."""

from django.urls import URLPattern, path

from apicredentials import api
from apicredentials.oauth import endpoints as oauth
from apicredentials.oauth.authorizations_endpoint import authorizations
from apicredentials.oauth.leaks import leaks
from portal import health, metrics

urlpatterns: list[URLPattern] = [
    path("token", oauth.token, name="token"),
    path("revoke", oauth.revoke, name="revoke"),
    path("introspect", oauth.introspect, name="introspect"),
    path("authorizations", authorizations, name="authorizations"),
    path("leaks", leaks, name="leaks"),
    path("verify", api.verify, name="verify"),
    path("retailer/retailers/current", api.current_retailer, name="current-retailer"),
    path(".well-known/oauth-authorization-server", oauth.server_metadata, name="server-metadata"),
    path(".well-known/oauth-protected-resource", oauth.resource_metadata, name="resource-metadata"),
    path(".well-known/jwks.json", oauth.jwks, name="jwks"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]

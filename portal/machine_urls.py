"""The addresses that machines use: exact, without a trailing slash, and without a redirect to one."""

from django.urls import URLPattern, path

from apicredentials import api
from apicredentials.oauth import views as oauth
from apicredentials.oauth.leaks import leaks
from portal import views

urlpatterns: list[URLPattern] = [
    path("token", oauth.TokenView.as_view(), name="token"),
    path("revoke", oauth.RevokeView.as_view(), name="revoke"),
    path("introspect", oauth.IntrospectView.as_view(), name="introspect"),
    path("leaks", leaks, name="leaks"),
    path("verify", api.verify, name="verify"),
    path("retailer/retailers/current", api.current_retailer, name="current-retailer"),
    path(".well-known/oauth-authorization-server", oauth.server_metadata, name="server-metadata"),
    path(".well-known/oauth-protected-resource", oauth.resource_metadata, name="resource-metadata"),
    path(".well-known/jwks.json", oauth.jwks, name="jwks"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]

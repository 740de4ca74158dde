"""The admin of API Instellingen. No secret, code, token or hash is shown, searched or editable."""

from django.contrib import admin

from apicredentials.admin import (
    announcement_admin,
    authorization_admin,
    client_admin,
    credential_admin,
    mail_admin,
    seller_admin,
)
from apicredentials.models import Grant, IDToken, OAuthClient, RefreshToken, RevokedAccessToken

__all__ = [
    "announcement_admin",
    "authorization_admin",
    "client_admin",
    "credential_admin",
    "mail_admin",
    "seller_admin",
]

# django-oauth-toolkit's pages show secrets and tokens.
for model in (OAuthClient, Grant, RefreshToken, RevokedAccessToken, IDToken):
    admin.site.unregister(model)

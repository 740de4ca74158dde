"""API-instellingen for operators. No secret, code, token or hash is shown, searched or editable anywhere."""

from django.contrib import admin

from apicredentials.admin import announcements, authorizations, clients, credentials, mail, sellers
from apicredentials.models import Grant, IDToken, OAuthClient, RefreshToken, RevokedAccessToken

__all__ = ["announcements", "authorizations", "clients", "credentials", "mail", "sellers"]

# django-oauth-toolkit's own pages show what ours must not.
for model in (OAuthClient, Grant, RefreshToken, RevokedAccessToken, IDToken):
    admin.site.unregister(model)

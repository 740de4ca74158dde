"""URLs of the portal."""

from allauth.account import views as account
from django.contrib import admin
from django.urls import include, path, re_path

from accounts.views import PasswordResetDoneView, PasswordResetFromKeyDoneView, PasswordResetView
from apicredentials.oauth.authorize import AuthorizeView, SignInView
from apicredentials.views import help_views
from apicredentials.views.contact_views import contact_confirm
from apicredentials.views.logo_views import logo
from portal import machine_urls, views

account_urls = [
    path("inloggen/", SignInView.as_view(), name="account_login"),
    path("uitloggen/", account.logout, name="account_logout"),
    path("inloggen/geblokkeerd/", account.account_inactive, name="account_inactive"),
    path("inloggen/bevestigen/", account.reauthenticate, name="account_reauthenticate"),
    path("wachtwoord/vergeten/", PasswordResetView.as_view(), name="account_reset_password"),
    path("wachtwoord/vergeten/verstuurd/", PasswordResetDoneView.as_view(), name="account_reset_password_done"),
    re_path(
        r"^wachtwoord/nieuw/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "wachtwoord/nieuw/klaar/",
        PasswordResetFromKeyDoneView.as_view(),
        name="account_reset_password_from_key_done",
    ),
    path("wachtwoord/wijzigen/", account.password_change, name="account_change_password"),
]

help_urls = [
    path("", help_views.start, name="help"),
    path("api/", help_views.api, name="help-api"),
    path("api/openapi.yaml", help_views.openapi, name="help-openapi"),
    path("partners/", help_views.partners, name="help-partners"),
]

urlpatterns = [
    path("", views.root, name="root"),
    path("hulp/", include(help_urls)),
    *account_urls,
    path("instellingen/", views.settings_index, name="settings-index"),
    path("instellingen/", include("accounts.urls")),
    path("instellingen/api/contact/bevestigen/", contact_confirm, name="contact-confirm"),
    path("instellingen/api/", include("apicredentials.urls")),
    path("authorize", AuthorizeView.as_view(), name="authorize"),
    path("logo/<uuid:client_id>/<slug:digest>", logo, name="logo"),
    path("beheer/", admin.site.urls),
    # portal.wsgi takes these to MachineEndpoints; they are here for reverse().
    *machine_urls.urlpatterns,
]

handler400 = views.bad_request
handler500 = views.server_error

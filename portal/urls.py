"""URLs of the portal."""

from allauth.account import views as account
from django.contrib import admin
from django.urls import include, path, re_path

from accounts.access import recent_proof_required
from accounts.members.member_views import invitation
from accounts.security import profile_views, sign_in_views
from accounts.security.security_views import PasswordChangeView
from apicredentials.oauth.authorize import AuthorizeView
from apicredentials.views import help_views
from apicredentials.views.contact_views import contact_confirm
from apicredentials.views.logo_views import logo
from portal import machine_urls, views

account_urls = [
    path("inloggen/", sign_in_views.SignInView.as_view(), name="account_login"),
    path("inloggen/passkey/", sign_in_views.PasskeySignInView.as_view(), name="mfa_login_webauthn"),
    path("inloggen/tweede-stap/", sign_in_views.SecondStepView.as_view(), name="mfa_authenticate"),
    path("inloggen/bevestigen/", sign_in_views.StepUpView.as_view(), name="account_reauthenticate"),
    path("inloggen/geblokkeerd/", account.account_inactive, name="account_inactive"),
    path("uitloggen/", account.logout, name="account_logout"),
    path("wachtwoord/vergeten/", sign_in_views.PasswordResetView.as_view(), name="account_reset_password"),
    path(
        "wachtwoord/vergeten/verstuurd/",
        sign_in_views.PasswordResetDoneView.as_view(),
        name="account_reset_password_done",
    ),
    re_path(
        r"^wachtwoord/nieuw/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        sign_in_views.PasswordResetFromKeyView.as_view(),
        name="account_reset_password_from_key",
    ),
    path(
        "wachtwoord/nieuw/klaar/",
        sign_in_views.PasswordResetFromKeyDoneView.as_view(),
        name="account_reset_password_from_key_done",
    ),
    path("wachtwoord/wijzigen/", recent_proof_required(PasswordChangeView.as_view()), name="account_change_password"),
    path("uitnodiging/", invitation, name="invitation"),
    path("adres/bevestigen/", profile_views.confirm_address, name="confirm-address"),
    path("adres/terugdraaien/", profile_views.undo_address_change, name="undo-address-change"),
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

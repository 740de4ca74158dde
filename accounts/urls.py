from django.urls import include, path

from accounts import views
from accounts.members import member_views
from accounts.security import profile_views, security_views

app_name = "accounts"

security_urls = [
    path("", security_views.security, name="security"),
    path("gegevens/", profile_views.profile, name="profile"),
    path("authenticator/", security_views.totp_add, name="totp-add"),
    path("authenticator/verwijderen/", security_views.totp_remove, name="totp-remove"),
    path("herstelcodes/", security_views.recovery_codes, name="recovery-codes"),
    path("passkeys/toevoegen/", security_views.passkey_add, name="passkey-add"),
    path("passkeys/<int:pk>/naam/", security_views.passkey_rename, name="passkey-rename"),
    path("passkeys/<int:pk>/verwijderen/", security_views.passkey_remove, name="passkey-remove"),
    path("sessies/uitloggen/", security_views.sessions_end, name="sessions-end"),
    path("sessies/<int:pk>/uitloggen/", security_views.session_end, name="session-end"),
]

member_urls = [
    path("", member_views.members, name="members"),
    path("uitnodigen/", member_views.invite, name="member-invite"),
    path("<int:pk>/rol/", member_views.change_role, name="member-role"),
    path("<int:pk>/verwijderen/", member_views.remove, name="member-remove"),
    path("uitnodigingen/<int:pk>/versturen/", member_views.invitation_resend, name="invitation-resend"),
    path("uitnodigingen/<int:pk>/intrekken/", member_views.invitation_withdraw, name="invitation-withdraw"),
]

urlpatterns = [
    path("verkoper/", views.switch_seller, name="switch-seller"),
    path("beveiliging/", include(security_urls)),
    path("medewerkers/", include(member_urls)),
]

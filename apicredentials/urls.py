from django.urls import include, path

from apicredentials.views import activity_views, authorization_views, contact_views, credential_views, settings_views

app_name = "apicredentials"

credential_urls = [
    path("", credential_views.credential, name="credential"),
    path("secret/", credential_views.credential_reveal, name="credential-reveal"),
    path("nieuw-secret/", credential_views.credential_rotate, name="credential-rotate"),
    path("oud-secret/<int:pk>/", credential_views.secret_end, name="secret-end"),
    path("gebruik/", credential_views.credential_use, name="credential-use"),
    path("naam/", credential_views.credential_rename, name="credential-rename"),
    path("rechten/", credential_views.credential_rights, name="credential-rights"),
    path("pauzeren/", credential_views.credential_pause, name="credential-pause"),
    path("hervatten/", credential_views.credential_resume, name="credential-resume"),
    path("verwijderen/", credential_views.credential_delete, name="credential-delete"),
    path("terugzetten/", credential_views.credential_restore, name="credential-restore"),
]

urlpatterns = [
    path("", settings_views.settings, name="settings"),
    path("contact/", settings_views.contact, name="contact"),
    path("contact/opnieuw/", contact_views.contact_resend, name="contact-resend"),
    path("credentials/", credential_views.credential_create, name="credential-create"),
    path("credentials/<uuid:client_id>/", include(credential_urls)),
    path("partijen/<uuid:uid>/", authorization_views.authorization, name="authorization"),
    path("partijen/<uuid:uid>/rechten/", authorization_views.authorization_rights, name="authorization-rights"),
    path("partijen/<uuid:uid>/overnemen/", authorization_views.authorization_take_over, name="authorization-take-over"),
    path("partijen/<uuid:uid>/verlengen/", authorization_views.authorization_renew, name="authorization-renew"),
    path("partijen/<uuid:uid>/verwijderen/", authorization_views.authorization_revoke, name="authorization-revoke"),
    path("activiteit/", activity_views.activity, name="activity"),
    path("activiteit/activiteit.csv", activity_views.activity_export, name="activity-export"),
]

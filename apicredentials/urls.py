from django.urls import include, path

from apicredentials import views
from apicredentials.views import activity, authorizations, contacts, credentials

app_name = "apicredentials"

credential_urls = [
    path("secret/", credentials.credential_reveal, name="credential-reveal"),
    path("nieuw-secret/", credentials.credential_rotate, name="credential-rotate"),
    path("oud-secret/<int:pk>/", credentials.secret_end, name="secret-end"),
    path("gebruik/", credentials.credential_use, name="credential-use"),
    path("naam/", credentials.credential_rename, name="credential-rename"),
    path("rechten/", credentials.credential_rights, name="credential-rights"),
    path("pauzeren/", credentials.credential_pause, name="credential-pause"),
    path("hervatten/", credentials.credential_resume, name="credential-resume"),
    path("verwijderen/", credentials.credential_delete, name="credential-delete"),
    path("terugzetten/", credentials.credential_restore, name="credential-restore"),
]

urlpatterns = [
    path("", views.settings, name="settings"),
    path("contact/", views.contact, name="contact"),
    path("contact/opnieuw/", contacts.contact_resend, name="contact-resend"),
    path("credentials/", credentials.credential_create, name="credential-create"),
    path("credentials/<uuid:client_id>/", include(credential_urls)),
    path("partijen/<uuid:uid>/verlengen/", authorizations.authorization_renew, name="authorization-renew"),
    path("partijen/<uuid:uid>/verwijderen/", authorizations.authorization_revoke, name="authorization-revoke"),
    path("activiteit/", activity.activity, name="activity"),
    path("activiteit/activiteit.csv", activity.activity_export, name="activity-export"),
]

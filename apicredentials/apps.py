from django.apps import AppConfig


class ApiCredentialsConfig(AppConfig):
    name = "apicredentials"
    verbose_name = "API-instellingen"

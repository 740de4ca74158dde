from django.apps import AppConfig


class ApiCredentialsConfig(AppConfig):
    name = "apicredentials"
    verbose_name = "API-instellingen"

    def ready(self) -> None:
        """Let mail leave right after the commit of what it tells; the models that queue it know no texts."""
        from apicredentials.mail import delivery
        from apicredentials.models import outgoing_mail

        outgoing_mail.after_commit = delivery.send_at_once

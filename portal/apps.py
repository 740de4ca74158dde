from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.backends.signals import connection_created


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portaal"

    def ready(self) -> None:
        """Register the system checks, and the database's deadline."""
        from portal import checks, deadline  # noqa: F401

        connection_created.connect(deadline.bound)


class PortalAdminConfig(AdminConfig):
    """Django's admin, behind the portal's own sign-in."""

    default_site = "portal.admin_site.PortalAdminSite"

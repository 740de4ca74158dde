from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portaal"

    def ready(self) -> None:
        """Register the system checks."""
        from portal import checks  # noqa: F401


class PortalAdminConfig(AdminConfig):
    """Django's admin, behind the portal's own sign-in."""

    default_site = "portal.admin.PortalAdminSite"

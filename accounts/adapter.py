"""How django-allauth fits this portal."""

from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

from accounts.access import is_local

log = structlog.get_logger("portal.security")


class AccountAdapter(DefaultAccountAdapter):
    """Operators make accounts; nobody signs up. The client's address is the one our middleware settled."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that TrustedProxyMiddleware has established."""
        return str(request.META.get("REMOTE_ADDR", ""))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count wrong attempts per account *and* address: a stranger elsewhere cannot lock the owner out."""
        return f"{super()._get_login_attempts_cache_key(request, **credentials)}:{self.get_client_ip(request)}"

    def is_safe_url(self, url: str) -> bool:
        """Lead on to this very site only; the default goes to any of ALLOWED_HOSTS, and stumbles over `http://[`."""
        return is_local(url, self.request)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Return where a changed password leads: away from the empty form, with a message."""
        return reverse("settings-index")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send the mail. A failure is only logged, because an error page would reveal that the address is known."""
        try:
            super().send_mail(template_prefix, email, context)
        except Exception as error:  # noqa: BLE001 - also an invalid sender, recipient or MAILERS
            log.warning("mail_failed", kind=template_prefix, reason=type(error).__name__)

    def login(self, request: HttpRequest, user: Any) -> None:
        """Sign in, and say so in the log."""
        super().login(request, user)
        log.info("authn_login_success", user=user.pk, address=self.get_client_ip(request))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Say in the log that somebody could not sign in; the address that was typed may be a password."""
        log.warning("authn_login_fail", address=self.get_client_ip(request))

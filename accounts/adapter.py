"""The adapter between django-allauth and this portal."""

import math
import time
from typing import Any
from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse

from accounts.access import is_local
from accounts.models import normalize_password

log = structlog.get_logger("portal.security")

APP, FAILED_SIGN_INS = "allauth.account", "login_failed"


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: operators create accounts, and members accept invitations."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that TrustedProxyMiddleware has established."""
        return str(request.META.get("REMOTE_ADDR", ""))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count failures per account *and* address, so that a stranger elsewhere cannot lock the owner out.

        allauth's own key starts with the Host header, which the client chooses.
        """
        return f"{credentials.get('email', '').lower()}:{ratelimit.get_ip(request)}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count this attempt; after too many, raise a ValidationError that says how long to wait."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            minutes = self.minutes_to_wait(request, self._get_login_attempts_cache_key(request, **credentials))
            unit = "minuut" if minutes == 1 else "minuten"
            raise ValidationError(
                f"Te veel mislukte pogingen. Wacht {minutes} {unit} en probeer het dan opnieuw.", code=error.code
            ) from error

    def minutes_to_wait(self, request: HttpRequest, key: str) -> int:
        """Return after how many minutes, rounded up, the failures of this key and address allow an attempt again."""
        ends = [time.time()]
        for rate in ratelimit.get_rates(app=APP, action=FAILED_SIGN_INS):
            counted = ratelimit.get_cache_key(request, app=APP, action=FAILED_SIGN_INS, rate=rate, key=key)
            attempts = cache.get(counted, [])
            if len(attempts) >= rate.amount:  # the newest first
                ends.append(attempts[rate.amount - 1] + rate.duration)
        return max(1, math.ceil((max(ends) - ends[0]) / 60))

    def clean_password(self, password: str, user: AbstractBaseUser | None = None) -> str:
        """Return a new password in the form that is hashed, which is also the form to validate."""
        return super().clean_password(normalize_password(password), user)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return a link that starts with ISSUER_URL: the Host header of a request is its sender's choice."""
        return f"{settings.ISSUER_URL}{urlsplit(super().get_reset_password_from_key_url(key)).path}"

    def is_safe_url(self, url: str) -> bool:
        """Redirect only to this site; the default accepts any of ALLOWED_HOSTS, and fails on `http://[`."""
        return is_local(url, self.request)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("settings-index")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send the mail. A failure is only logged, because an error page would reveal that the address is known."""
        try:
            super().send_mail(template_prefix, email, context)
        except Exception as error:  # noqa: BLE001 - also an invalid sender, recipient or MAILERS
            log.warning("mail_failed", kind=template_prefix, reason=type(error).__name__)

    def login(self, request: HttpRequest, user: Any) -> None:
        super().login(request, user)
        log.info("authn_login_success", user=user.pk, address=self.get_client_ip(request))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Log the failure without the address that was typed: it may be a password."""
        log.warning("authn_login_fail", address=self.get_client_ip(request))

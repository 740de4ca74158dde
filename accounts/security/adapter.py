"""The adapter between django-allauth and this portal."""

import math
import time
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac

from accounts.access import is_local
from accounts.middleware import SessionLimitMiddleware
from accounts.models import User, normalize_password
from accounts.security.events import mail_own
from apicredentials.models import OutgoingMail

log = structlog.get_logger("portal.security")

APP, FAILED = "allauth.account", "login_failed"
DEVICE_SALT = "accounts.device"
DEVICE_AGE = 400 * 24 * 60 * 60
DEVICE_USERS = 20


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: operators create accounts, and members accept invitations."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that TrustedProxyMiddleware has established."""
        return str(request.META.get("REMOTE_ADDR", ""))

    # ---- Attempts -------------------------------------------------------------------------------------------

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
            raise too_many(request, FAILED, self._get_login_attempts_cache_key(request, **credentials)) from error

    def count_code(self, request: HttpRequest, user: User) -> None:
        """Count an attempt with a code like one with a password, and among all codes tried for this user."""
        key = str(user.pk)
        if not ratelimit.consume(request, app=APP, action="code_failed", key=key):
            raise too_many(request, "code_failed", key)
        self.pre_authenticate(request, email=user.email)

    def forget_code(self, request: HttpRequest, user: User) -> None:
        """Take back the attempt that count_code() counted, because the code was right."""
        self._rollback_login_failed_rl_usage()
        ratelimit.clear(request, app=APP, action="code_failed", key=str(user.pk))

    # ---- Proof of identity ----------------------------------------------------------------------------------

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Our views ask for proof themselves (accounts.access.recent_proof_required)."""
        return False

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """Return our one page, which asks for the second factor of users who have one."""
        return [{"id": "step_up", "description": "", "url": reverse("account_reauthenticate")}]

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        """Return whether this is the user's password; counted like a sign-in."""
        email = cast("User", user).email
        return self.authenticate(self.request, email=email, password=password) == user

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
        return reverse("accounts:security")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send the mail; log any failure, because an error page would show that the address is known."""
        context["days"] = settings.PASSWORD_RESET_TIMEOUT // (24 * 60 * 60)
        try:
            super().send_mail(template_prefix, email, context)
        except Exception as error:  # noqa: BLE001
            log.warning("mail_failed", kind=template_prefix, reason=type(error).__name__)

    def send_notification_mail(self, template_prefix: str, user: Any, *args: Any, **kwargs: Any) -> None:
        """Queue our own mail; allauth sends these when a password was changed, set or reset."""
        mail_own(OutgoingMail.Kind.OWN_PASSWORD, user, self.request)

    # ---- Sign-in --------------------------------------------------------------------------------------------

    def login(self, request: HttpRequest, user: Any) -> None:
        """Sign in, and mail the user about a device that none of their earlier sign-ins used."""
        is_first = user.last_login is None
        super().login(request, user)
        log.info("authn_login_success", user=user.pk, address=self.get_client_ip(request))
        if not is_first and device_mark(user) not in known_marks(request):
            mail_own(OutgoingMail.Kind.OWN_NEW_DEVICE, user, request)

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """Mark the browser as one that this user has signed in with."""
        response = super().post_login(request, user, **kwargs)
        # The session's row was written just now; SessionLimitMiddleware updates it from a minute later.
        request.session[SessionLimitMiddleware.SEEN_AT] = int(time.time())
        mark = device_mark(user)
        marks = [mark, *[each for each in known_marks(request) if each != mark]][:DEVICE_USERS]
        response.set_signed_cookie(
            settings.DEVICE_COOKIE_NAME,
            ".".join(marks),
            salt=DEVICE_SALT,
            max_age=DEVICE_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Log the failure without the address that was typed: it may be a password."""
        log.warning("authn_login_fail", address=self.get_client_ip(request))


def too_many(request: HttpRequest, action: str, key: str) -> ValidationError:
    minutes = minutes_to_wait(request, action, key)
    unit = "minuut" if minutes == 1 else "minuten"
    return ValidationError(
        f"Te veel mislukte pogingen. Wacht {minutes} {unit} en probeer het dan opnieuw.", code="too_many_login_attempts"
    )


def minutes_to_wait(request: HttpRequest, action: str, key: str) -> int:
    """Return after how many minutes, rounded up, the rates of this action allow an attempt again."""
    ends = [time.time()]
    for rate in ratelimit.get_rates(app=APP, action=action):
        attempts = cache.get(ratelimit.get_cache_key(request, app=APP, action=action, rate=rate, key=key), [])
        if len(attempts) >= rate.amount:  # the newest first
            ends.append(attempts[rate.amount - 1] + rate.duration)
    return max(1, math.ceil((max(ends) - ends[0]) / 60))


def device_mark(user: User) -> str:
    return salted_hmac(DEVICE_SALT, str(user.pk), algorithm="sha256").hexdigest()[:16]


def known_marks(request: HttpRequest) -> list[str]:
    """Return the marks of the users who have signed in with this browser."""
    cookie = request.get_signed_cookie(settings.DEVICE_COOKIE_NAME, default="", salt=DEVICE_SALT, max_age=DEVICE_AGE)
    return [mark for mark in (cookie or "").split(".") if mark]

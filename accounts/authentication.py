"""The authentication backend: password checks that take the same work for known and unknown accounts."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser

from accounts.email_addresses import account_address
from accounts.models import User, password_spellings


class PortalBackend(AuthenticationBackend):
    def _authenticate_by_email(self, email: str, password: str) -> AbstractBaseUser | None:
        """Look up User.email only: allauth's own table may still hold a former address."""
        return self._check_password(User.objects.filter(email=account_address(email)).first(), password)

    def _mitigate_timing_attack(self, password: str) -> None:
        """Hash as often as User.check_password() does for a wrong password."""
        for spelling in password_spellings(password):
            User().set_password(spelling)

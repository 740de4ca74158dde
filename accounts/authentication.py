"""The authentication backend: password checks that take the same work for known and unknown accounts."""

from allauth.account.auth_backends import AuthenticationBackend

from accounts.models import User, password_spellings


class PortalBackend(AuthenticationBackend):
    def _mitigate_timing_attack(self, password: str) -> None:
        """Hash as often as User.check_password() does for a wrong password."""
        for spelling in password_spellings(password):
            User().set_password(spelling)

"""Removing all second factors of somebody who lost everything, by an operator."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.models import Actor, User
from accounts.security.events import mail_user
from accounts.security.sessions import end_sessions
from apicredentials.models import Activity, OutgoingMail
from apicredentials.models.locking import lock
from apicredentials.models.sellers import record_for_sellers

KINDS = ["totp", "recovery_codes", "webauthn"]


def reset_factors(user: User, *, by: Actor) -> list[str]:
    """Remove the factors and end all sessions; return the kinds removed. Mails the user and the sellers' owners."""
    with transaction.atomic():
        lock(user)
        rows = Authenticator.objects.filter(user=user)
        found = set(rows.values_list("type", flat=True))
        rows.delete()
        end_sessions(user)
        record_for_sellers(Activity.Kind.FACTORS_RESET, user, by=by)
        factors = "je authenticator-app, passkeys en herstelcodes"
        mail_user(OutgoingMail.Kind.OWN_FACTOR_REMOVED, [user.email], by=by, name=str(user), factor=factors)
    return [kind for kind in KINDS if kind in found]

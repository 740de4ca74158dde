"""Middleware: the lifetime of a session, and the seller in use."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from allauth.account.authentication import get_authentication_records
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Membership

if TYPE_CHECKING:
    from accounts.models import User

SESSION_KEY = "retailer_id"


class SessionLimitMiddleware:
    """Ends a session after SESSION_IDLE_SECONDS without use, and after SESSION_COOKIE_AGE (OWASP ASVS V7.3).

    Both limits are enforced on the server, because a browser can ignore the age of a cookie.
    """

    SEEN_AT = "seen_at"
    PRECISION = 60

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(time.time())
            seen_at = request.session.get(self.SEEN_AT, now)
            signed_in_at = min(
                (record["at"] for record in get_authentication_records(request, request.user)), default=now
            )
            if now - seen_at > settings.SESSION_IDLE_SECONDS or now - signed_in_at > settings.SESSION_COOKIE_AGE:
                logout(request)
            elif now - seen_at >= self.PRECISION or self.SEEN_AT not in request.session:
                request.session[self.SEEN_AT] = now
                note_seen(request)
        return self.get_response(request)


def note_seen(request: HttpRequest) -> None:
    """Update the row of this session on Beveiliging; create it for a session without one."""
    row = UserSession.objects.filter(session_key=request.session.session_key, user=cast("User", request.user))
    if not row.update(last_seen_at=timezone.now(), ip=request.META["REMOTE_ADDR"]):
        UserSession.objects.create_from_request(request)


class SellerMiddleware:
    """Sets `request.memberships`, `request.membership` and `request.seller` (the last two may be None).

    The session stores only the choice. Memberships are read on each request, so that removing one takes effect at
    the next request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.memberships = memberships_of(request)
        request.membership = chosen(request.memberships, request.session.get(SESSION_KEY))
        request.seller = request.membership.seller if request.membership else None
        return self.get_response(request)


def memberships_of(request: HttpRequest) -> list[Membership]:
    """Return the memberships of the signed-in user, by the seller's name."""
    if not request.user.is_authenticated:
        return []
    return list(
        Membership.objects.filter(user=request.user)
        .select_related("seller")
        .order_by("seller__display_name", "seller_id")
    )


def chosen(memberships: list[Membership], retailer_id: str | None) -> Membership | None:
    """Return the membership for that seller, else the first one."""
    for membership in memberships:
        if membership.seller.retailer_id == retailer_id:
            return membership
    return memberships[0] if memberships else None

"""`manage.py purge`: expired rows are deleted in slices, and all others are kept."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import models
from django.utils import timezone

from accounts.models import AddressChange, Seller
from apicredentials.management import retention
from apicredentials.models import (
    Activity,
    ClientCredential,
    ClientSecret,
    Grant,
    OutgoingMail,
    RefreshToken,
    RevokedAccessToken,
    ThirdPartyAuthorization,
    Usage,
)
from tests.commands.conftest import Manage
from tests.factories import ClientCredentialFactory, ThirdPartyAuthorizationFactory, UserFactory

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True, params=[2, 2000])
def size_of_slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE", request.param)


def grant(authorization: ThirdPartyAuthorization, code: str, *, age: dt.timedelta) -> Grant:
    assert authorization.granted_by is not None
    return Grant.objects.create(
        code_hash=code,
        application=authorization.third_party,
        user=authorization.granted_by,
        authorization=authorization,
        expires=timezone.now() - age,
    )


def refresh_token(of: Grant, name: str, *, replaced: dt.timedelta | None = None) -> None:
    revoked = timezone.now() - replaced if replaced else None
    RefreshToken.objects.create(
        token_checksum=name, grant=of, application=of.application, user=of.user, revoked=revoked
    )


def left(model: type[models.Model], field: str) -> list[str]:
    return sorted(model._base_manager.values_list(field, flat=True))


def test_codes_without_tokens_are_deleted_a_day_after_they_expire(manage: Manage) -> None:
    authorization = ThirdPartyAuthorizationFactory()
    for number in range(4):
        grant(authorization, f"{number} gone", age=2 * DAY)
    grant(authorization, "fresh", age=DAY / 2)
    refresh_token(grant(authorization, "in use", age=200 * DAY), "x")
    assert manage("purge", "--json").json["codes"] == 4
    assert left(Grant, "code_hash") == ["fresh", "in use"]


def test_refresh_tokens_are_deleted_thirty_days_after_their_replacement(manage: Manage) -> None:
    chain = grant(ThirdPartyAuthorizationFactory(), "code", age=200 * DAY)
    refresh_token(chain, "gone", replaced=31 * DAY)
    refresh_token(chain, "remembered", replaced=29 * DAY)
    refresh_token(chain, "newest")
    assert manage("purge", "--json").json["replaced_refresh_tokens"] == 1
    assert left(RefreshToken, "token_checksum") == ["newest", "remembered"]


@pytest.mark.parametrize(("days", "stays"), [(390, True), (400, False)])
def test_chain_is_deleted_when_its_authorisation_can_no_longer_be_renewed(
    manage: Manage, days: int, stays: bool
) -> None:
    authorization = ThirdPartyAuthorizationFactory(granted_at=timezone.now() - days * DAY)
    refresh_token(grant(authorization, "code", age=days * DAY), "newest")
    manage("purge")
    assert (RefreshToken.objects.exists(), Grant.objects.exists()) == (stays, stays)


def test_other_rows_are_deleted_after_their_retention_period(manage: Manage, db: None) -> None:
    now, seller = timezone.now(), ClientCredentialFactory(name="stays").seller
    for name, moment in (("gone", now - DAY / 24), ("stays", now + DAY / 24)):
        RevokedAccessToken.objects.create(jti=name, expires=moment)
        Session.objects.create(session_key=name, expire_date=moment)
    for name, days in (("gone", 401), ("stays", 399)):
        Activity.objects.create(kind=Activity.Kind.CONTACT_SAVED, seller=seller, subject=name, at=now - days * DAY)
    deleted_credentials(seller, now)
    user = UserFactory()
    for name, hours, days in (("gone", 13, 9), ("stays", 11, 7)):
        created_at, asked_at = now - hours * DAY / 24, now - days * DAY
        UserSession.objects.create(user=user, ip="192.0.2.1", session_key=name, created_at=created_at)
        AddressChange.objects.create(user=user, former_email="x@x.example", email=name, asked_at=asked_at)
    assert manage("purge", "--json").json == {
        "revoked_access_tokens": 1, "replaced_refresh_tokens": 0, "refresh_tokens": 0, "codes": 0,
        "sessions": 1, "user_sessions": 1, "address_changes": 1, "usage": 0, "activities": 1, "mails": 0,
        "secrets": 1, "credentials": 1,
    }  # fmt: skip
    assert left(RevokedAccessToken, "jti") == left(Session, "session_key") == left(Activity, "subject") == ["stays"]
    assert left(UserSession, "session_key") == left(AddressChange, "email") == ["stays"]
    assert left(ClientCredential, "name") == ["restorable", "stays"]
    assert ClientSecret.objects.count() == 1


def test_mail_is_kept_as_long_as_the_log_and_unsent_mail_longer(manage: Manage) -> None:
    """Mail contains addresses of people, which need not be kept longer than the log."""
    now = timezone.now()
    for name, days in (("gone", 401), ("stays", 399)):
        then = now - days * DAY
        OutgoingMail.objects.create(kind="x", key=f"sent {name}", recipient="a@x.example", sent_at=then)
        OutgoingMail.objects.create(kind="x", key=f"given up {name}", recipient="a@x.example", given_up_at=then)
    OutgoingMail.objects.create(kind="x", key="stuck", recipient="a@x.example", created_at=now - 500 * DAY)
    assert manage("purge", "--json").json["mails"] == 2
    assert left(OutgoingMail, "key") == ["given up stays", "sent stays", "stuck"]


def deleted_credentials(seller: Seller | None, now: dt.datetime) -> None:
    """Create a deleted credential that can be restored, and one that cannot."""
    ClientCredentialFactory(seller=seller, name="restorable", revealed=True, deleted_at=now - 29 * DAY)
    ClientCredentialFactory(seller=seller, name="gone", revealed=True, deleted_at=now - 31 * DAY)


def test_dry_run_counts_and_deletes_nothing(manage: Manage) -> None:
    RevokedAccessToken.objects.create(jti="old", expires=timezone.now() - DAY)
    assert manage("purge", "--dry-run", "--json").json["revoked_access_tokens"] == 1
    assert RevokedAccessToken.objects.exists()
    assert manage("purge", "--json").json["revoked_access_tokens"] == 1
    assert manage("purge", "--json").json["revoked_access_tokens"] == 0


def test_counts_of_use_are_kept_for_400_days(manage: Manage, clock: time_machine.Traveller) -> None:
    """Also just before midnight in winter, when 400 days of 24 hours ago it was the next day, in summer time."""
    clock.move_to(dt.datetime(2026, 11, 26, 23, 30, tzinfo=ZoneInfo("Europe/Amsterdam")))
    now = timezone.now()
    today = timezone.localdate()
    for age in (0, 400, 401):
        Usage.objects.create(subject="x", day=today - age * DAY, event="api_call", count=1, first_at=now, last_at=now)
    manage("purge")
    assert set(Usage.objects.values_list("day", flat=True)) == {today, today - 400 * DAY}

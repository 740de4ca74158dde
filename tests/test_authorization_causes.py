"""Migration 0011: causes of ends from before authorisations stored a cause."""

import datetime as dt
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from apicredentials.models import Activity, Grant, ThirdPartyAuthorization
from apicredentials.models.states import Cause
from tests.factories import ThirdPartyAuthorizationFactory

pytestmark = pytest.mark.django_db
note_causes = import_module("apicredentials.migrations.0011_authorization_causes").note_causes


def chain(authorization: ThirdPartyAuthorization, *, revoked_at: dt.datetime | None) -> None:
    Grant.objects.create(
        code_hash=f"{Grant.objects.count():064}",
        application_id=authorization.third_party_id,
        user_id=authorization.granted_by_id,  # type: ignore[misc]
        authorization=authorization,
        rights=authorization.scope,
        used_at=timezone.now(),
        expires=timezone.now(),
        revoked_at=revoked_at,
    )


def test_authorisation_without_live_chains_gets_cause_and_time() -> None:
    authorization, ended_at = ThirdPartyAuthorizationFactory(), timezone.now()
    chain(authorization, revoked_at=ended_at - dt.timedelta(days=1))
    chain(authorization, revoked_at=ended_at)
    note_causes(apps, None)
    authorization.refresh_from_db()
    assert (authorization.cause, authorization.ended_at) == (Cause.ENDED_BY_PARTY, ended_at)


def test_cause_is_the_replay_in_the_log() -> None:
    authorization, ended_at = ThirdPartyAuthorizationFactory(), timezone.now()
    chain(authorization, revoked_at=ended_at)
    Activity.objects.create(kind=Activity.Kind.CODE_REPLAYED, seller=authorization.seller, at=ended_at)
    note_causes(apps, None)
    authorization.refresh_from_db()
    assert authorization.cause == Cause.CODE_REPLAYED


def test_authorisation_with_a_live_chain_or_without_any_stays_active() -> None:
    live, unused = ThirdPartyAuthorizationFactory(), ThirdPartyAuthorizationFactory()
    chain(live, revoked_at=timezone.now())
    chain(live, revoked_at=None)
    note_causes(apps, None)
    assert {each.cause for each in ThirdPartyAuthorization.objects.filter(pk__in=[live.pk, unused.pk])} == {None}

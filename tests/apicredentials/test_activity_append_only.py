"""The activity log: the database itself refuses every change, as `migrate` sets it up."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import Actor
from apicredentials.models import Activity
from tests.conftest import on_sqlite
from tests.factories import SellerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def activity() -> Activity:
    return record()


def record(*, days_ago: float = 0) -> Activity:
    """A row of that age."""
    seller = SellerFactory()
    by = Actor(user=seller.members.get())
    activity = Activity.record(Activity.Kind.CREDENTIAL_PAUSED, seller=seller, subject="Magazijn", by=by)
    if days_ago:
        activity.pk = None
        activity.at = timezone.now() - dt.timedelta(days=days_ago)
        activity.save(force_insert=True)
    return activity


def refused() -> AbstractContextManager[object]:
    return pytest.raises(IntegrityError, match="append-only")


def execute(statement: str, *parameters: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.mark.parametrize(
    "change",
    [
        lambda activity: activity.save(),
        lambda activity: Activity.objects.filter(pk=activity.pk).update(subject="Winkel"),
        lambda activity: Activity.objects.bulk_update([activity], ["subject"]),
        lambda activity: Activity.objects.select_for_update().filter(pk=activity.pk).update(user=None),
        lambda activity: execute("UPDATE apicredentials_activity SET at = at WHERE id = %s", activity.pk),
    ],
)
def test_row_cannot_be_changed(activity: Activity, change: Callable[[Activity], object]) -> None:
    with refused(), transaction.atomic():
        change(activity)
    assert Activity.objects.get(pk=activity.pk).subject == "Magazijn"


def test_old_row_cannot_be_changed() -> None:
    with refused(), transaction.atomic():
        Activity.objects.filter(pk=record(days_ago=500).pk).update(subject="Winkel")


@pytest.mark.parametrize(
    "remove",
    [
        lambda activity: activity.delete(),
        lambda activity: Activity.objects.filter(pk=activity.pk).delete(),
        lambda activity: execute("DELETE FROM apicredentials_activity"),
    ],
)
def test_row_cannot_be_removed(activity: Activity, remove: Callable[[Activity], object]) -> None:
    with refused(), transaction.atomic():
        remove(activity)
    assert Activity.objects.filter(pk=activity.pk).exists()


@pytest.mark.parametrize(
    ("days_ago", "outcome"), [(1, refused), (399.99, refused), (400.01, nullcontext), (1000, nullcontext)]
)
def test_row_can_be_removed_after_400_days(
    days_ago: float, outcome: Callable[[], AbstractContextManager[object]]
) -> None:
    activity = record(days_ago=days_ago)
    with outcome(), transaction.atomic():
        activity.delete()
    assert Activity.objects.filter(pk=activity.pk).exists() is (outcome is refused)


def test_young_row_keeps_the_old_ones_of_the_same_statement() -> None:
    old, young = record(days_ago=500), record()
    with refused(), transaction.atomic():
        Activity.objects.filter(pk__in=[old.pk, young.pk]).delete()
    assert Activity.objects.filter(pk__in=[old.pk, young.pk]).count() == 2


def test_row_cannot_be_replaced(activity: Activity) -> None:
    verb = "INSERT OR REPLACE" if on_sqlite() else "INSERT"
    with pytest.raises(IntegrityError):
        execute(
            f"""
            {verb} INTO apicredentials_activity (id, kind, at, subject, actor_name, reason, details)
            SELECT id, kind, at, 'Winkel', actor_name, reason, details FROM apicredentials_activity WHERE id = %s
            """,  # noqa: S608
            activity.pk,
        )
    assert Activity.objects.get(pk=activity.pk).subject == "Magazijn"


@pytest.mark.skipif(on_sqlite(), reason="SQLite has no TRUNCATE")
def test_table_is_not_emptied(activity: Activity) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    with refused():
        execute("TRUNCATE apicredentials_activity")


def test_rows_are_added_as_before(activity: Activity) -> None:
    Activity.objects.bulk_create([Activity(kind="contact_saved", actor_name="Sanne", subject=str(n)) for n in range(3)])
    assert Activity.objects.count() == 4


def test_user_in_the_log_cannot_be_deleted(activity: Activity) -> None:
    assert activity.seller is not None
    assert activity.user is not None
    for row in (activity.seller, activity.user):
        with pytest.raises(ProtectedError):
            row.delete()


@pytest.mark.django_db(transaction=True)
def test_transactional_test_can_fill_the_log() -> None:
    with refused():
        record().delete()


def test_log_is_empty_and_still_protected_after_a_transactional_test() -> None:
    assert not Activity.objects.exists()
    with refused(), transaction.atomic():
        record().delete()

"""The year of an authorisation: one calendar year in the portal's time zone, to the second (V10.4.8)."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from time_machine import TimeMachineFixture

from apicredentials.models import ThirdPartyAuthorization
from apicredentials.models.states import State
from apicredentials.moments import one_year_after
from tests.factories import ThirdPartyAuthorizationFactory

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SECOND = dt.timedelta(seconds=1)

instants = st.datetimes(dt.datetime(1980, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001


def local(text: str, fold: int = 0) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM, fold=fold)


def clock(moment: dt.datetime) -> str:
    return moment.astimezone(AMSTERDAM).strftime("%Y-%m-%d %H:%M:%S")


# ---- Edge cases -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_at", "ends_at"),
    [
        ("2026-05-17 14:03:09", "2027-05-17 14:03:09"),
        ("2026-12-31 23:59:59", "2027-12-31 23:59:59"),
        ("2026-01-01 00:00:00", "2027-01-01 00:00:00"),
        # 29 February
        ("2028-02-29 12:00:00", "2029-02-28 12:00:00"),
        ("2028-02-29 00:00:00", "2029-02-28 00:00:00"),
        ("2027-02-28 12:00:00", "2028-02-28 12:00:00"),
        ("2096-02-29 23:59:59", "2097-02-28 23:59:59"),
        # from winter time to summer time, and the reverse
        ("2026-03-28 12:00:00", "2027-03-28 12:00:00"),
        ("2027-03-28 12:00:00", "2028-03-28 12:00:00"),
        # just outside the gap of 28 March 2027, 02:00 to 03:00
        ("2026-03-28 01:59:59", "2027-03-28 01:59:59"),
        ("2026-03-28 03:00:00", "2027-03-28 03:00:00"),
    ],
)
def test_end_has_the_same_wall_clock_time_a_year_later(given_at: str, ends_at: str) -> None:
    assert clock(one_year_after(local(given_at))) == ends_at


def test_skipped_hour_uses_the_offset_before_the_change() -> None:
    """2027-03-28 02:30 does not exist in Amsterdam; 02:30 winter time is 03:30 summer time (PEP 495)."""
    ends_at = one_year_after(local("2026-03-28 02:30:00"))
    assert ends_at == dt.datetime(2027, 3, 28, 1, 30, tzinfo=dt.UTC)
    assert clock(ends_at) == "2027-03-28 03:30:00"


def test_repeated_hour_uses_its_first_occurrence() -> None:
    """2027-10-31 02:30 occurs twice, first in summer time."""
    assert one_year_after(local("2026-10-31 02:30:00")) == dt.datetime(2027, 10, 31, 0, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize("fold", [0, 1])
def test_both_occurrences_of_a_repeated_hour_end_at_the_same_time(fold: int) -> None:
    """2026-10-25 02:30 occurs twice, 2027-10-25 02:30 once."""
    assert clock(one_year_after(local("2026-10-25 02:30:00", fold))) == "2027-10-25 02:30:00"


def test_calendar_day_is_in_the_portals_time_zone() -> None:
    """00:30 on 1 March in Amsterdam is still 29 February in UTC."""
    given_at = dt.datetime(2028, 2, 29, 23, 30, tzinfo=dt.UTC)
    assert clock(one_year_after(given_at)) == "2029-03-01 00:30:00"


# ---- Properties -------------------------------------------------------------------------------------------


@given(instants)
@example(dt.datetime(2027, 3, 28, 1, 0, tzinfo=dt.UTC))
@example(dt.datetime(2026, 10, 25, 1, 0, tzinfo=dt.UTC))
@example(dt.datetime(2028, 2, 29, 12, 0, tzinfo=dt.UTC))
def test_year_has_365_or_366_days_within_an_hour(moment: dt.datetime) -> None:
    length = one_year_after(moment) - moment
    assert dt.timedelta(days=365) - dt.timedelta(hours=1) <= length <= dt.timedelta(days=366, hours=1)


@given(instants)
def test_wall_clock_time_is_kept_except_in_a_gap_and_on_leap_day(moment: dt.datetime) -> None:
    before, after = moment.astimezone(AMSTERDAM), one_year_after(moment).astimezone(AMSTERDAM)
    assert after.year == before.year + 1
    if (before.month, before.day) == (2, 29):
        assert (after.month, after.day) == (2, 28)
    else:
        assert (after.month, after.day) == (before.month, before.day)
    shift = dt.timedelta(hours=after.hour - before.hour)
    assert shift in {dt.timedelta(0), dt.timedelta(hours=1)}
    assert (after.minute, after.second, after.microsecond) == (before.minute, before.second, before.microsecond)


@given(instants)
def test_end_is_an_existing_time_in_utc(moment: dt.datetime) -> None:
    ends_at = one_year_after(moment)
    assert ends_at.tzinfo is dt.UTC
    assert ends_at.astimezone(AMSTERDAM).astimezone(dt.UTC) == ends_at


@given(instants, st.timedeltas(dt.timedelta(0), dt.timedelta(days=3)))
def test_later_consent_ends_at_most_a_day_earlier(moment: dt.datetime, later: dt.timedelta) -> None:
    """Only leap day and a skipped hour change the order: they map two days, or two hours, to one."""
    assert one_year_after(moment + later) > one_year_after(moment) - dt.timedelta(days=1)


# ---- Agreement of model and queryset ----------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given_at", ["2026-03-28 02:30:00", "2026-10-31 02:30:00", "2028-02-29 12:00:00", "2026-05-17 14:03:09.5"]
)
def test_state_and_queryset_agree_to_the_microsecond(given_at: str, time_machine: TimeMachineFixture) -> None:
    authorization = ThirdPartyAuthorizationFactory(granted_at=local(given_at))
    ends_at = one_year_after(local(given_at))
    for moment, is_active in (
        (ends_at - dt.timedelta(microseconds=1), True),
        (ends_at, False),
        (ends_at + SECOND, False),
    ):
        time_machine.move_to(moment, tick=False)
        stored = ThirdPartyAuthorization.objects.get(pk=authorization.pk)
        assert (stored.state == State.ACTIVE, stored.state == State.EXPIRED) == (is_active, not is_active)
        assert ThirdPartyAuthorization.objects.active().filter(pk=stored.pk).exists() is is_active

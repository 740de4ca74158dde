"""Charts: from thirty numbers to bars and a scale."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apicredentials.charts import chart, number, scale_top

DAYS = [dt.date(2026, 10, 28) + dt.timedelta(days=day) for day in range(30)]


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0, 2), (1, 2), (2, 2), (3, 4), (9, 10), (11, 12), (13, 20), (101, 120), (145, 150), (10_220, 12_000)],
)
def test_scale_ends_at_a_round_number(highest: int, top: int) -> None:
    assert scale_top(highest) == top


@given(st.integers(min_value=0, max_value=10**12))
def test_scale_holds_the_highest_day_and_is_not_mostly_empty(highest: int) -> None:
    top = scale_top(highest)
    assert top >= highest
    assert top % 2 == 0
    assert top <= max(2, 2 * highest)


@given(st.lists(st.integers(min_value=0, max_value=10**6), min_size=30, max_size=30))
def test_each_bar_is_as_high_as_its_count(counts: list[int]) -> None:
    top = scale_top(max(counts))
    for bar, count in zip(chart("Aanroepen", "aanroepen", DAYS, counts).bars, counts, strict=True):
        assert bar.y + bar.height == pytest.approx(100)
        assert 0 <= bar.height <= 100
        assert (bar.height == 0) is (count == 0)
        assert abs(bar.height - 100 * count / top) <= 1


def test_chart_has_a_text_alternative() -> None:
    drawn = chart("API-aanroepen per dag", "aanroepen", DAYS, [*range(29), 12_345])
    assert drawn.label == (
        "API-aanroepen per dag, van 28 oktober tot en met vandaag. Meeste op één dag: 12.345. "
        "Vandaag tot nu toe: 12.345."
    )
    assert drawn.scale == ("15.000", "7.500", "0")
    assert drawn.days == ("28 okt", "7 nov", "17 nov", "vandaag")
    assert drawn.bars[1].title == "29 oktober: 1 aanroepen"


def test_numbers_are_written_in_dutch() -> None:
    assert [number(count) for count in (0, 999, 1000, 200_665)] == ["0", "999", "1.000", "200.665"]

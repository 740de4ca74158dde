"""Bar charts of thirty days: the rectangles of an SVG drawing and its text alternative."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import date_format

# Possible maxima of a scale, to be multiplied by a power of ten.
TOPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
# The drawing is 300 by 100 units. Each day is ten units wide, and its bar seven.
HEIGHT, DAY, GAP = 100.0, 10, 1.5


@dataclass(frozen=True)
class Bar:
    """The bar of one day; `height` is 0 for a day without use."""

    x: float
    y: float
    height: float
    title: str


@dataclass(frozen=True)
class Chart:
    """One bar per day. The last day is today, so its count is incomplete."""

    title: str
    label: str
    scale: tuple[str, str, str]
    days: tuple[str, ...]
    bars: list[Bar]
    is_low: bool = False


def chart(title: str, unit: str, days: Sequence[dt.date], counts: Sequence[int], *, is_low: bool = False) -> Chart:
    """Return the chart of these counts, one for each of `days`, the oldest first."""
    top = scale_top(max(counts))
    bars = [
        bar(place, count, top, f"{day_and_month(day)}: {number(count)} {unit}")
        for place, (day, count) in enumerate(zip(days, counts, strict=True))
    ]
    label = (
        f"{title}, van {day_and_month(days[0])} tot en met vandaag. Meeste op één dag: {number(max(counts))}. "
        f"Vandaag tot nu toe: {number(counts[-1])}."
    )
    marked = [date_format(day, "j b") for day in days[:-1:10]]
    return Chart(title, label, (number(top), number(top // 2), "0"), (*marked, "vandaag"), bars, is_low)


def bar(place: int, count: int, top: int, title: str) -> Bar:
    """Return a bar. A count above zero is at least one unit high, so that it is visible."""
    height = max(1.0, round(HEIGHT * count / top, 1)) if count else 0.0
    return Bar(place * DAY + GAP, round(HEIGHT - height, 1), height, title)


def scale_top(highest: int) -> int:
    """Return the lowest maximum of a scale that is at least `highest` and whose half is a whole number."""
    power = 1
    while True:
        for factor in TOPS:
            top = factor * power
            if top >= highest and top % 2 == 0:
                return int(top)
        power *= 10


def number(count: int) -> str:
    """Return a number in Dutch notation: 200.665."""
    return f"{count:,}".replace(",", ".")


def day_and_month(day: dt.date) -> str:
    return date_format(day, "j F")

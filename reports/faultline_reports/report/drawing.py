"""A picture and what belongs to it: the table of the figures in it, and where they are, for the page's
script."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from faultline_reports.formatting import digits, scale
from faultline_reports.statistics.interval import Interval

STEPS, FEW_STEPS = 300, 100  # of an axis across a picture, and of one in a row of it: as fine as it shows


@dataclass(frozen=True)
class Grid:
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Drawing:
    """`table` holds the figures drawn, those without a unit in `unit`. `spots` says where they are, in pixels
    of the picture, by one of
        row PITCH LOW HIGH lin|log     a column of the table is a row of the picture, PITCH high: each figure
                                       is at its place between LOW and HIGH, the ends of the data's width
        part PITCH BEGIN END ...       so, and the table's rows are places as far apart, from BEGIN to END
        bar PITCH                      a row of the table is a row of the picture
        mark TOP HEIGHT LOW HIGH lin|log X ...
                                       a row of the table is at X, each figure between LOW, below, and HIGH
        point X Y ...                  a row of the table is a point
    """

    svg: Markup
    table: Grid
    unit: str
    spots: str


@dataclass(frozen=True)
class Picture:
    title: str
    caption: str
    drawing: Drawing

    @property
    def svg(self) -> Markup:
        return self.drawing.svg


def amounts(
    values: Sequence[float], unit: str, is_log: bool = False, steps: int = STEPS
) -> tuple[Callable[[float], str], float, str]:
    """How figures between these are written so that one unit serves them all, what they are divided by for
    it, and the unit. No finer than a picture shows: three digits where it is logarithmic."""
    low, high = min(values), max(values)
    divisor, name = scale(max(abs(low), abs(high)), unit)
    if is_log:
        divisor, name = scale(math.sqrt(low * high), unit)
        return lambda value: digits(value / divisor), divisor, name
    step = ((high - low) or abs(high)) / divisor / steps
    decimals = max(0, min(6, math.ceil(-math.log10(step)))) if step > 0 else 0
    return lambda value: f"{value / divisor:,.{decimals}f}".replace("-", "−") if value else "0", divisor, name


def ratio(logarithm: float) -> str:
    value = math.exp(logarithm)
    return f"{value:.3f}" if value < 10 else digits(value)


def with_range(shown: Interval, text: Callable[[float], str]) -> str:
    """ "11.6 (11.0 to 13.2)", or the estimate alone where the interval has no width to be seen."""
    low, high = text(shown.low), text(shown.high)
    return text(shown.estimate) + ("" if low == high else f" ({low} to {high})")


def by_round(
    names: Sequence[str],
    middles: Sequence[Interval],
    samples: Sequence[Mapping[int, float]],
    text: Callable[[float], str],
    middle: str = "median",
) -> Grid:
    """A column for each allocator: the middle of its samples, and the sample of each round."""
    rounds = sorted({number for values in samples for number in values})
    rows = [[middle, *(with_range(shown, text) for shown in middles)]]
    for number in rounds:
        rows.append([str(number), *(text(v[number]) if number in v else "" for v in samples)])
    return Grid(["round", *names], rows)


def numbers(*values: float) -> str:
    return " ".join(f"{value:.5g}" for value in values)

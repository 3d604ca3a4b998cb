"""Numbers and names as people read them. Three significant digits: no more is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.verdict import Effect, Scale

NOT_MEASURED = "not measured"

_TIME = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))
_BYTES = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))
_COUNT = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1.0, ""))


def digits(value: float) -> str:
    """Three significant digits, plain decimals: 0.123, 12.3, 1,234."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "∞"
    decimals = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, decimals)
    return f"{rounded:,.{min(max(0, 2 - math.floor(math.log10(abs(rounded)))), 6)}f}".replace("-", "−")


def scale(largest: float, unit: str) -> tuple[float, str]:
    """The divisor and unit in which `largest` reads well."""
    table = {"ns": _TIME, "bytes": _BYTES}.get(unit, _COUNT)
    return next(((size, name) for size, name in table if abs(largest) >= size * 0.9995), table[-1])


def quantity(value: float | None, unit: str) -> str:
    if value is None:
        return NOT_MEASURED
    divisor, name = scale(value, unit)
    if divisor == 1.0 and unit in ("", "bytes") and abs(value) < 100:
        return f"{value:.3g} {name}".strip().replace("-", "−")  # a count of 2 is 2, not 2.00
    return f"{digits(value / divisor)} {name}".strip()


def signed(value: float, unit: str) -> str:
    text = quantity(abs(value), unit)
    return f"−{text}" if value < 0 else f"+{text}" if value > 0 else text


def change(ratio: float) -> str:
    """A ratio to the baseline in words of daily life: −18 %, +35 %, ×2.4."""
    if ratio >= 1.995:
        return f"×{digits(ratio)}"
    percent = (ratio - 1) * 100
    rounded = f"{abs(percent):.0f}" if abs(percent) >= 9.95 else f"{abs(percent):.1f}"
    if float(rounded) == 0:
        return "±0 %"
    return f"{'−' if percent < 0 else '+'}{rounded} %"


def effect_value(value: float, kind: Scale, unit: str) -> str:
    return change(math.exp(min(value, 600.0))) if kind is Scale.RATIO else signed(value, unit)


def effect_range(effect: Effect, unit: str) -> str:
    """The interval of an effect: "−20 to −16 %"."""
    low = effect_value(effect.shown.low, effect.scale, unit)
    return spanned(low, effect_value(effect.shown.high, effect.scale, unit))


def quantity_range(low: float, high: float, unit: str) -> str:
    """ "11.0 to 13.2 ns"."""
    return spanned(quantity(low, unit), quantity(high, unit))


def with_range(shown: Interval, unit: str) -> str:
    """ "11.6 ns (11.0 to 13.2 ns)", or the estimate alone where the interval has no width to be seen."""
    low, high = quantity(shown.low, unit), quantity(shown.high, unit)
    return quantity(shown.estimate, unit) + ("" if low == high else f" ({spanned(low, high)})")


def spanned(low: str, high: str) -> str:
    """Both ends of a range; the same unit is not said twice, and of two equal ends one is enough."""
    if low == high:
        return low
    for tail in (" %", *(f" {name}" for table in (_TIME, _BYTES) for _, name in table)):
        if low.endswith(tail) and high.endswith(tail):
            low = low[: -len(tail)]
            break
    return f"{low} to {high}"


def confidence(interval: Interval) -> str:
    """What the interval is, in words; never claims more than the samples give."""
    if interval.samples == 1:
        return "one sample, no interval"
    if not interval.reached:
        return f"{interval.samples} samples, smallest to largest: {percent(interval.confidence)} interval"
    return f"{percent(interval.wanted)} interval"


def percent(share: float) -> str:
    return f"{share * 100:.4g} %"


def count(number: int, singular: str, plural: str = "") -> str:
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def shortened(names: Sequence[str], limit: int) -> list[str]:
    """Each at most `limit` characters, with a part left out so that all differ if they can: the middle, else
    more of the beginning or of the end."""
    middle = (limit - 1) // 2
    tails = sorted(range(limit), key=lambda tail: (abs(tail - middle), -tail))
    for tail in tails:
        found = [_cut(name, limit, tail) for name in names]
        if len(set(found)) == len(set(names)):
            return found
    return [_cut(name, limit, middle) for name in names]


def _cut(name: str, limit: int, tail: int) -> str:
    return name if len(name) <= limit else f"{name[: limit - 1 - tail]}…{name[len(name) - tail :]}"


def percentile(field: str) -> str:
    """ "p999_ns" -> "99.9"; "max_ns" -> "max"."""
    figures = field.removesuffix("_ns").removeprefix("p")
    return f"{figures[:2]}.{figures[2:]}" if figures.isdigit() and len(figures) > 2 else figures


def percentile_order(field: str) -> float:
    """Sorts the fields of percentiles: p50, p99, p999, max."""
    name = percentile(field)
    return float(name) if name != "max" else math.inf

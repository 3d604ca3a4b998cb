"""An estimate with its interval, honest about the confidence that so few samples can give."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """`confidence` is what the interval really has: at least `wanted` where the samples can give it, else the
    most they can give (then the interval is the smallest to the largest value). With one sample it is 0."""

    estimate: float
    low: float
    high: float
    confidence: float
    wanted: float
    samples: int

    @property
    def reached(self) -> bool:
        return self.confidence >= self.wanted

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

"""Many tests: which p-values to believe so that of those believed at most a share is false, on average.

Benjamini and Hochberg, "Controlling the False Discovery Rate", 1995.
"""

from __future__ import annotations

from collections.abc import Sequence


def largest_accepted(p_values: Sequence[float], tests: int, rate: float) -> float:
    """The largest of `p_values` that is accepted, of `tests` tests in all (those that are not listed did not
    come near); 0 when none is."""
    accepted = 0.0
    for rank, p in enumerate(sorted(p_values), start=1):
        if p <= rate * rank / tests:
            accepted = p
    return accepted

"""The answer in a sentence: which allocator needed the least CPU time, at what price in memory, how sure that
is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from faultline_reports import comparison, formatting
from faultline_reports.comparison import Matrix
from faultline_reports.metrics import METRICS, by_key
from faultline_reports.model import Document
from faultline_reports.statistics.order import median_interval
from faultline_reports.statistics.signed_rank import best_confidence
from faultline_reports.statistics.thresholds import CONFIDENCE, ROUNDS_RECOMMENDED
from faultline_reports.statistics.verdict import Effect, Scale, Verdict, judge_paired


@dataclass(frozen=True)
class Answer:
    headline: str
    remarks: Sequence[str]  # what limits it, a sentence each


def answer(document: Document, baseline: str) -> Answer:
    """Plain text, right for any document."""
    matrix = comparison.matrix(document, METRICS[0], baseline)
    arms = {arm for _, arm in matrix.samples}
    measured = [allocator.name for allocator in document.subjects() if allocator.name in arms]
    if not document.trials:
        return Answer("The run ended before its first round was whole: there is nothing to compare.", [])
    if not any(trial.valid for trial in document.trials):
        return Answer("Not one trial is valid, so nothing can be said about any allocator.", [])
    if not measured:
        return Answer("CPU time was not measured for any allocator, so they cannot be ranked by it.", [])
    if len(measured) == 1:
        return Answer(_alone(matrix, measured[0]), [])
    ranking = _rank(document, matrix)
    if ranking is None:
        return Answer("No two allocators have valid trials in the same rounds: they cannot be ranked.", [])
    return Answer(_claim(document, matrix, ranking), _limits(document, ranking))


def _limits(document: Document, ranking: Ranking) -> list[str]:
    lines = []
    rounds = formatting.count(len(document.rounds), "round")
    if best_confidence(len(document.rounds)) < CONFIDENCE:
        lines.append(
            f"{rounds.capitalize()} cannot make a difference certain (95 % confidence): "
            f"run again with --rounds {ROUNDS_RECOMMENDED}."
        )
    elif set(ranking.tied) - set(ranking.close):
        lines.append(f"{rounds.capitalize()} are too few to make all of that certain.")
    if ranking.close:
        lines.append(f"{_listed(ranking.close)} cannot be told apart from {ranking.order[0]}.")
    missing = [allocator.name for allocator in document.subjects() if allocator.name not in ranking.order]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        lines.append(f"{_listed(missing)} {verb} not ranked, for lack of valid trials in some workload.")
    return lines


def _alone(matrix: Matrix, name: str) -> str:
    tables = [table for (_, arm), table in matrix.samples.items() if arm == name]
    if len(tables) > 1:
        return f"Only {name} has valid trials: there is nothing to compare it with."
    middle = formatting.quantity(median_interval(list(tables[0].values())).estimate, "ns")
    return f"{name} needed {middle} of CPU time per operation (median); there is nothing to compare it with."


@dataclass(frozen=True)
class Ranking:
    order: Sequence[str]  # the least CPU time first
    against_best: Sequence[Effect | None]  # of order[1:], relative to order[0]

    @property
    def slower(self) -> list[str]:
        pairs = zip(self.order[1:], self.against_best)
        return [name for name, effect in pairs if effect and effect.verdict is Verdict.HIGHER]

    @property
    def tied(self) -> list[str]:
        return [name for name in self.order[1:] if name not in self.slower]

    @property
    def close(self) -> list[str]:
        """Of the tied ones, those that did not need more in every single round."""
        pairs = zip(self.order[1:], self.against_best)
        return [name for name, effect in pairs if name in self.tied and not (effect and effect.unanimous > 0)]


def _rank(document: Document, matrix: Matrix) -> Ranking | None:
    """Subjects that ran every workload the baseline has, by their geometric mean; None for fewer than two."""
    labels = [workload.label for workload in document.workloads]
    full = max((len(used) for used in matrix.mean_of.values()), default=0)
    centres = {
        name: effect.shown.estimate
        for name, effect in matrix.means.items()
        if len(matrix.mean_of[name]) == full
    }
    if not centres:
        return None
    centres[matrix.baseline] = 0.0
    order = sorted(centres, key=lambda name: centres[name])
    family = [
        comparison.mean_arms(matrix.samples, labels, order[0], name, matrix.metric)[0] for name in order[1:]
    ]
    return Ranking(order, judge_paired(family))


def _claim(document: Document, matrix: Matrix, ranking: Ranking) -> str:
    best, baseline = ranking.order[0], matrix.baseline
    count = len(document.workloads)
    scope = "On this workload" if count == 1 else f"Over {count} workloads"
    if best == baseline:
        effect = ranking.against_best[0]
        amount = (
            f"{ranking.order[1]}, the next, needed {_more(effect)}" if effect else "nothing ran beside it"
        )
    else:
        amount = _less(matrix.means[best], baseline) + _memory(document, best, baseline)
    verb = "came first in CPU time" if ranking.tied else "needed the least CPU time"
    return f"{scope} {best} {verb}: {amount}."


def _less(effect: Effect, baseline: str) -> str:
    middle, low, high = (
        100 * -math.expm1(value) for value in (effect.shown.estimate, effect.shown.high, effect.shown.low)
    )
    if effect.samples == 1:
        return f"{middle:.1f} % less than {baseline} in its only round"
    sure = formatting.percent(effect.shown.confidence if not effect.shown.reached else effect.shown.wanted)
    return f"{middle:.1f} % less than {baseline} ({sure} interval {low:.1f} to {high:.1f} %)".replace(
        "-", "−"
    )


def _more(effect: Effect) -> str:
    middle, low, high = (
        100 * math.expm1(value) for value in (effect.shown.estimate, effect.shown.low, effect.shown.high)
    )
    if effect.samples == 1:
        return f"{middle:.1f} % more in its only round"
    sure = formatting.percent(effect.shown.confidence if not effect.shown.reached else effect.shown.wanted)
    return f"{middle:.1f} % more ({sure} interval {low:.1f} to {high:.1f} %)".replace("-", "−")


def _memory(document: Document, best: str, baseline: str) -> str:
    effect = comparison.matrix(document, by_key("peak_rss_bytes"), baseline).means.get(best)
    if effect is None or effect.scale is not Scale.RATIO:
        return ""
    percent = 100 * math.expm1(effect.shown.estimate)
    if abs(percent) < 1:
        return ", with about the same peak memory"
    return f", with {abs(percent):.0f} % {'more' if percent > 0 else 'less'} peak memory"


def _listed(names: Sequence[str]) -> str:
    if len(names) > 4:
        return f"{len(names)} others"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

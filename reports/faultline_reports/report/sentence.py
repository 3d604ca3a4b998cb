"""The answer in a sentence: which allocator needed the least CPU time, at what price in memory, how sure that
is, and who comes next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from faultline_reports import comparison, formatting
from faultline_reports.comparison import Matrix
from faultline_reports.model import Document
from faultline_reports.report.analysis import Analysis
from faultline_reports.statistics.order import median_interval
from faultline_reports.statistics.signed_rank import best_confidence
from faultline_reports.statistics.thresholds import (
    CONFIDENCE,
    PRECISE_ENOUGH,
    ROUNDS_RECOMMENDED,
    ROUNDS_TO_SPEAK,
)
from faultline_reports.statistics.verdict import Effect, Scale, Verdict, judge_paired


@dataclass(frozen=True)
class Answer:
    headline: str
    remarks: Sequence[str]  # what limits it, a sentence each


def answer(analysis: Analysis) -> Answer:
    """Plain text, right for any document."""
    document, matrix = analysis.document, analysis.time
    arms = {arm for _, arm in matrix.samples}
    measured = [allocator.name for allocator in document.subjects() if allocator.name in arms]
    if not document.trials:
        return Answer("The run ended before its first round was whole: there is nothing to compare.", [])
    if not any(trial.valid for trial in document.trials):
        return Answer("Not one trial is valid, so nothing can be said about any allocator.", [])
    if not document.subjects():
        return Answer("No allocator is in what this run measured: it shows what the kernel does.", [])
    if not measured:
        return Answer("CPU time was not measured for any allocator, so they cannot be ranked by it.", [])
    if len(measured) == 1:
        return Answer(_alone(document, matrix, measured[0]), [])
    ranking = rank(document, matrix)
    if ranking is None:
        return Answer("No two allocators have valid trials in the same rounds: they cannot be ranked.", [])
    return _claim(analysis, ranking)


def _too_few(document: Document) -> list[str]:
    """What comes before every figure where no interval can hold the usual confidence."""
    if best_confidence(len(document.rounds)) >= CONFIDENCE:
        return []
    rounds = formatting.count(len(document.rounds), "round")
    return [
        f"{rounds} cannot make a difference certain (95 % confidence): "
        f"run again with --rounds {ROUNDS_RECOMMENDED}."
    ]


def _limits(document: Document, ranking: Ranking) -> list[str]:
    lines = []
    rounds = formatting.count(len(document.rounds), "round")
    if set(ranking.tied) - set(ranking.close) and not _too_few(document):
        lines.append(f"{rounds} are too few to make all of that certain.")
    missing = [allocator.name for allocator in document.subjects() if allocator.name not in ranking.order]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        lines.append(f"{_listed(missing)} {verb} not ranked, for lack of valid trials in some workload.")
    return lines


def _introduced(document: Document, name: str) -> str:
    """As the headline names it first: "system (glibc 2.36)"."""
    libc = next((entry.libc for entry in document.subjects() if entry.name == name), "")
    return f"{name} ({libc})" if libc else name


def _alone(document: Document, matrix: Matrix, name: str) -> str:
    tables = [table for (_, arm), table in matrix.samples.items() if arm == name]
    if len(tables) > 1:
        return f"Only {name} has valid trials: there is nothing to compare it with."
    middle = formatting.quantity(median_interval(list(tables[0].values())).estimate, "ns")
    first = _introduced(document, name)
    return f"{first} needed {middle} of CPU time per operation (median); there is nothing to compare it with."


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


def rank(document: Document, matrix: Matrix) -> Ranking | None:
    """Subjects that ran every workload the baseline has, by their geometric mean; None for fewer than two."""
    labels = [entry.label for entry in document.compared_workloads() if entry.label not in matrix.unsteady]
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


def _claim(analysis: Analysis, ranking: Ranking) -> Answer:
    """Who is first, by how much before the baseline and the runner-up, and at what price in memory; how sure
    that is comes after."""
    matrix, best, runner = analysis.time, ranking.order[0], ranking.order[1]
    count = len(analysis.document.compared_workloads())
    within = f"{count - len(matrix.unsteady)} of {count}" if matrix.unsteady else str(count)
    scope = "On this workload" if count == 1 else f"Over {within} workloads"
    against = matrix.means.get(best)
    price, over = _price(analysis, best) if against else ("", "")
    named = {name: _introduced(analysis.document, name) for name in ranking.order}
    baseline = named[matrix.baseline]
    intervals = []
    if against and against.samples > 1:
        intervals.append(f"{best} {_range(against, -1)} less than {matrix.baseline}")
    tied = [best, *ranking.close] if len(analysis.document.rounds) >= ROUNDS_TO_SPEAK else [best]
    if len(tied) > 1:
        line = f"{scope} {_listed([named[name] for name in tied])} are tied for the least CPU time"
        if against and matrix.baseline not in tied:
            line += f": {best} needed {_amount(against, -1)} less than {baseline}{price}"
            named[matrix.baseline] = matrix.baseline
        after = next((name for name in ranking.order if name not in tied), None)
        line += f"; {named[after]} comes next" if after else ""
    else:
        verb = "came first in CPU time" if ranking.tied else "needed the least CPU time"
        line = f"{scope} {named[best]} {verb}: "
        behind = ranking.against_best[0]
        next_one = f"{named[runner]}, the runner-up, needed {_amount(behind, 1)} more"
        if behind is not None and behind.samples > 1:
            intervals.append(f"{runner} {_range(behind, 1)} more than {best}")
        if against and runner == matrix.baseline:
            line += f"{_amount(against, -1)} less than {baseline}, the runner-up{price}"
            intervals = intervals[:1]
        elif against:
            line += f"{_amount(against, -1)} less than {baseline}{price}; {next_one}"
        else:
            line += next_one
    remarks = _too_few(analysis.document)
    memory = analysis.memory.means.get(best) if price else None
    if memory is not None and memory.samples > 1:
        ends = formatting.effect_range(memory, analysis.memory.metric.unit)
        intervals.append(f"{best}'s {_what(analysis.memory)} {ends}")
    if intervals:
        shown = next(effect for effect in (against, ranking.against_best[0]) if effect is not None)
        remarks.append(f"{_sure(shown)} intervals: {'; '.join(intervals)}.")
    if matrix.unsteady:
        remarks.append(f"Of CPU time {_swings(matrix)}.")
    return Answer(f"{line}.", [*remarks, *([over] if over else []), *_limits(analysis.document, ranking)])


def _amount(effect: Effect | None, sign: int) -> str:
    if effect is None:
        return "an amount that no common round tells"
    value = abs(100 * math.expm1(effect.shown.estimate))
    if sign * effect.shown.estimate < 0:
        return f"−{value:.1f} %"
    if _wide(effect):
        ends = sorted(abs(100 * math.expm1(value)) for value in (effect.shown.low, effect.shown.high))
        return f"{_percent(ends[0])} to {_percent(ends[1])} %"
    return f"{_percent(value)} %"


def _percent(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def _wide(effect: Effect) -> bool:
    """Whether an amount is so uncertain that its range is said in its place: one figure would promise what
    the next run does not hold. A range with both signs in it is none to be said so."""
    low, high = effect.shown.low, effect.shown.high
    return effect.samples > 1 and low * high > 0 and (high - low) / 2 > math.log1p(PRECISE_ENOUGH)


def _range(effect: Effect, sign: int) -> str:
    ends = sorted(sign * 100 * math.expm1(value) for value in (effect.shown.low, effect.shown.high))
    return f"{ends[0]:.1f} to {ends[1]:.1f} %".replace("-", "−")


def _sure(effect: Effect) -> str:
    return formatting.percent(effect.shown.wanted if effect.shown.reached else effect.shown.confidence)


def _price(analysis: Analysis, best: str) -> tuple[str, str]:
    """The memory of the best beside the baseline's, and over which workloads that is when not over all."""
    matrix = analysis.memory
    effect, used = matrix.means.get(best), matrix.mean_of.get(best, [])
    what = _what(matrix)
    if effect is None or effect.scale is not Scale.RATIO:
        return "", f"How {what} compares cannot be said."
    total = len(analysis.document.compared_workloads())
    over = f"Memory over the {len(used)} of {total} workloads where it can be compared."
    if matrix.unsteady:
        over = f"{over[:-1]}; {_swings(matrix)}."
    percent = 100 * math.expm1(effect.shown.estimate)
    if effect.verdict is Verdict.EQUIVALENT or (abs(percent) < 1 and not _wide(effect)):
        words = f", with about the same {what}"
    elif effect.samples > 1 and effect.shown.low <= 0 <= effect.shown.high:
        words = f", with {what} that cannot be told from {analysis.baseline}'s"
    else:
        words = f", with {_amount(effect, 0)} {'more' if percent > 0 else 'less'} {what}"
    return words, over if len(used) < total else ""


def _what(matrix: Matrix) -> str:
    return matrix.metric.title[0].lower() + matrix.metric.title[1:]


def _swings(matrix: Matrix) -> str:
    """Which workloads are left out for it, and how far the baseline's own samples lie apart there."""
    spans = []
    for label in matrix.unsteady:
        values = matrix.samples[label, matrix.baseline].values()
        span = formatting.quantity_range(min(values), max(values), matrix.metric.unit)
        spans.append(f"{label} ({matrix.baseline}: {span})")
    more = f" and {len(spans) - 3} more" if len(spans) > 3 else ""
    return f"not in the mean, for swinging too far from round to round: {', '.join(spans[:3])}{more}"


def _listed(names: Sequence[str]) -> str:
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} others"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

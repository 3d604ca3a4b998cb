"""`faultline rank`: the allocators of a document in order, with those that are tied in groups."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from faultline_reports import command, comparison, document, formatting, metrics
from faultline_reports.ab.table import aligned, print_json
from faultline_reports.errors import Exit, UserError
from faultline_reports.metrics import Metric
from faultline_reports.model import Document
from faultline_reports.report.analysis import choose_baseline
from faultline_reports.statistics import ranking
from faultline_reports.statistics.ranking import Ranking
from faultline_reports.statistics.verdict import Arms

EXAMPLE = """examples:
  faultline rank results.json                  over all workloads (geometric mean)
  faultline rank results.json --workload larson2"""

# What an allocator is chosen by; the front is over those that were measured.
CHOSEN_BY = ("cpu_ns_per_operation", "latency_p99_ns", "peak_heap_bytes", "retained_heap_bytes")


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline rank",
        description="Puts the allocators of a document in order by CPU time, p99 latency, peak and "
        "retained heap. "
        "Those with a letter in common cannot be told apart, with 95 % confidence over all pairs. "
        "Then names the "
        "Pareto front: those that no other beats in one of these without being beaten in another.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("results", metavar="RESULTS.json", help="the document that `faultline run -o` wrote")
    result.add_argument("--workload", metavar="LABEL", help="by this workload alone")
    result.add_argument("--json", action="store_true", help="print JSON")
    return result


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    loaded = document.load(options.results)
    labels = [workload.label for workload in loaded.workloads]
    if options.workload is not None:
        if options.workload not in labels:
            what = f"has no workload {options.workload!r}"
            raise UserError(Exit.USAGE, loaded.source, what, f"it has {', '.join(labels) or 'none'}")
        labels = [options.workload]
    chosen = [metrics.told_by(metrics.by_key(key), loaded) for key in CHOSEN_BY]
    rankings = [entry for entry in (ranked(loaded, metric, labels) for metric in chosen) if entry is not None]
    if not rankings:
        what = "has no two allocators with figures from the same rounds"
        raise UserError(Exit.DATA, loaded.source, what, "run two or more allocators together")
    best = ranking.front([entry.ranking for entry in rankings])
    if options.json:
        rows = {entry.metric.key: _json(entry) for entry in rankings}
        print_json({"document": loaded.source, "rankings": rows, "front": best})
        return 0
    for entry in rankings:
        used, rounds = entry.used, formatting.count(entry.ranking.rounds, "round")
        over = f"geometric mean of {formatting.count(len(used), 'workload')}" if len(used) > 1 else used[0]
        print(f"{entry.metric.title}, {over}, {rounds}\n")
        for line in _table(entry.ranking):
            print(line)
        if entry.unsteady:
            names = ", ".join(entry.unsteady)
            print(f"\nnot in the mean, for swinging too far from round to round: {names}")
        print()
    if short := [entry.ranking for entry in rankings if not entry.ranking.enough_rounds]:
        arms = len(short[0].order)
        print(
            f"{formatting.count(short[0].rounds, 'round')} cannot tell any two of {arms} allocators apart "
            "with 95 % confidence over all pairs: use --rounds 20\n"
        )
    names = ", ".join(entry.metric.short for entry in rankings)
    print(f"Pareto front over {names}: {', '.join(best)}")
    return 0


@dataclass(frozen=True)
class Ranked:
    metric: Metric
    used: Sequence[str]  # the workloads that it is over
    unsteady: Sequence[str]  # those left out by comparison.steady_labels()
    ranking: Ranking


def ranked(loaded: Document, metric: Metric, labels: Sequence[str]) -> Ranked | None:
    """Over the workloads that all have figures of, large enough for ratios, and whose ratio to the report's
    baseline its rounds tell. None where there is nothing to rank."""
    table = metrics.samples(loaded, metric)
    names = [a.name for a in loaded.subjects() if any((label, a.name) in table for label in labels)]
    common = [
        label
        for label in labels
        if all((label, name) in table for name in names)
        and all(v >= metric.margin.ratio_from for name in names for v in table[label, name].values())
    ]
    base = choose_baseline(loaded, None)
    family = {
        (label, name): Arms(table[label, base], table[label, name], metric.margin)
        for label in common
        for name in names
        if base in names and name != base
    }
    used = comparison.steady_labels(common, family)
    found = ranking.rank(
        {name: ranking.mean_logs([table[label, name] for label in used]) for name in names if used}
    )
    return Ranked(metric, used, [label for label in common if label not in used], found) if found else None


def _table(entry: Ranking) -> list[str]:
    rows = [["", "to the best", "95 % interval", "group"]]
    for name in entry.order:
        shown = entry.against_best[name]
        change = formatting.change(math.exp(shown.estimate)) if name != entry.order[0] else "best"
        ends = [formatting.change(math.exp(value)) for value in (shown.low, shown.high)]
        rows.append([name, change, f"{ends[0]} to {ends[1]}" if change != "best" else "", entry.groups[name]])
    return aligned(rows, left=(0, 3))


def _json(ranked_by: Ranked) -> dict[str, Any]:
    entry = ranked_by.ranking
    return {
        "workloads": list(ranked_by.used),
        "not_in_mean": list(ranked_by.unsteady),
        "rounds": entry.rounds,
        "enough_rounds": entry.enough_rounds,
        "order": [
            {
                "allocator": name,
                "log_ratio_to_best": entry.against_best[name].estimate,
                "interval": [entry.against_best[name].low, entry.against_best[name].high],
                "group": entry.groups[name],
            }
            for name in entry.order
        ],
    }


def main() -> int:
    return command.main("faultline rank", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

"""`faultline counts`: what the kernel did for each workload and allocator of a document, on the terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from faultline_reports import command, document, formatting
from faultline_reports.ab.table import aligned, print_json
from faultline_reports.errors import Exit, UserError
from faultline_reports.model import Document, KernelMetric
from faultline_reports.report import counted
from faultline_reports.report.counted import Arm

EXAMPLE = """examples:
  faultline run anon-touch1 larson2 --rounds 1 --probes all -o results.json
  faultline counts results.json                           every count that is not zero
  faultline counts results.json --workload larson2 --group pages --group slab
  faultline counts results.json --per operation"""

PHASES = ("start", "warmup", "measure", "drain", "idle")
ROWS_OF_TABLES = 6  # of each table, the largest


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline counts",
        description="Prints what the kernel did in each workload for each allocator: faults, pages, slabs, "
        "page cache, swap, system calls, as far as the probes could count. It is of the measured phase, "
        "of the trial that was counted apart where there is one. `~`: partly others' (interrupts), "
        "`?`: another source disagreed.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("results", metavar="RESULTS.json", help="the document that `faultline run -o` wrote")
    result.add_argument("--workload", metavar="LABEL", action="append", help="this alone; may be repeated")
    result.add_argument("--group", metavar="GROUP", action="append", help="of probes; may be repeated")
    result.add_argument("--phase", choices=PHASES, default="measure", help="default: measure")
    result.add_argument("--per", choices=("trial", "operation"), default="trial", help="default: trial")
    result.add_argument("--json", action="store_true", help="print JSON")
    return result


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    loaded = document.load(options.results)
    labels = _chosen(loaded, "workload", options.workload, [workload.label for workload in loaded.workloads])
    known = list(dict.fromkeys(metric.group for metric in loaded.kernel_metrics))
    groups = _chosen(loaded, "group of probes", options.group, known)
    names = [allocator.name for allocator in loaded.allocators if not allocator.floor]
    found = {label: _arms(loaded, label, names) for label in labels}
    if not any(found.values()):
        what = "has no kernel counts"
        raise UserError(Exit.DATA, loaded.source, what, "run with --probes, and see `faultline doctor`")
    if options.json:
        print_json(
            {
                "document": loaded.source,
                "phase": options.phase,
                "workloads": _json(loaded, found, groups, options),
            }
        )
        return 0
    for label, arms in found.items():
        if arms:
            print(f"{label}\n")
            for line in _lines(loaded, arms, groups, options):
                print(line.rstrip())
            print()
    for capability in loaded.capabilities:
        if capability.status == "unavailable" and capability.group in groups:
            remedy = f"; {capability.remedy}" if capability.remedy else ""
            print(f"not measured: {capability.group} by {capability.layer}: {capability.reason}{remedy}")
    return 0


def _chosen(loaded: Document, what: str, wanted: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    for name in wanted or ():
        if name not in known:
            raise UserError(
                Exit.USAGE, loaded.source, f"has no {what} {name!r}", f"it has {', '.join(known) or 'none'}"
            )
    return [name for name in known if wanted is None or name in wanted]


def _arms(loaded: Document, label: str, names: Sequence[str]) -> list[Arm]:
    """Those that ran this workload validly."""
    timed, apart = (
        {
            name: [t for t in trials if t.workload == label and t.allocator == name and t.valid]
            for name in names
        }
        for trials in (loaded.trials, loaded.counts)
    )
    return [arm for arm in counted.of(names, timed, apart) if arm.timed or arm.counted]


def _metrics(loaded: Document, groups: Sequence[str]) -> list[KernelMetric]:
    """Counters of the trial's own, one of each name: layers are in the document's order of preference."""
    chosen: dict[str, KernelMetric] = {}
    for metric in loaded.kernel_metrics:
        if metric.kind == "counter" and metric.scope != "host" and metric.group in groups:
            chosen.setdefault(metric.name, metric)
    return list(chosen.values())


def _lines(
    loaded: Document, arms: Sequence[Arm], groups: Sequence[str], options: argparse.Namespace
) -> list[str]:
    divided = [_operations(arm, options) for arm in arms]
    show = _shower(options)
    rows: list[list[str]] = [[*("group", "count"), *(arm.name for arm in arms), "what it is"]]
    for metric in _metrics(loaded, groups):
        values = [arm.count(metric.name, [options.phase]) for arm in arms]
        if not any(values):  # nothing happened, or nobody looked
            continue
        cells = [
            show(value, operations, metric.name) + ("?" if metric.name in arm.distrusted() else "")
            for value, operations, arm in zip(values, divided, arms)
        ]
        scope = "~" if metric.scope == "partly" else ""
        rows.append([metric.group, metric.name + scope, *cells, metric.help])
    lines = (
        aligned(rows, left=[0, 1, len(arms) + 2])
        if len(rows) > 1
        else ["nothing of these groups was counted"]
    )
    if options.phase != "measure":
        return lines  # tables are kept for all working phases together
    for table in loaded.kernel_tables:
        if table.group not in groups or len(table.columns) > 4:  # a histogram is the report's
            continue
        for arm in arms:
            largest = sorted(arm.table(table.name).items(), key=lambda row: -row[1][0])[:ROWS_OF_TABLES]
            if largest:
                lines += ["", f"{arm.name}: {table.key}, all phases of work"]
                body = [
                    [key, *(_exact(value, column) for value, column in zip(values, table.columns))]
                    for key, values in largest
                ]
                lines += aligned([["", *table.columns], *body], left=[0])
    return lines


def _operations(arm: Arm, options: argparse.Namespace) -> float | None:
    return arm.measured_counted("operations") if options.per == "operation" else 1.0


def _shower(options: argparse.Namespace) -> Callable[[float | None, float | None, str], str]:
    def show(value: float | None, operations: float | None, name: str) -> str:
        if value is None or not operations:
            return "-"
        if options.per == "operation":
            return formatting.quantity(value / operations, _unit(name))
        return _exact(value, name)

    return show


def _unit(name: str) -> str:
    return "ns" if name.endswith("_ns") else "bytes" if name.endswith("bytes") else ""


def _exact(value: float, name: str) -> str:
    """A count to the last one, since some are known to be exact; time and bytes in fitting units."""
    return formatting.quantity(value, unit) if (unit := _unit(name)) else f"{value:,.0f}"


def _json(
    loaded: Document, found: dict[str, list[Arm]], groups: Sequence[str], options: argparse.Namespace
) -> dict[str, Any]:
    """Values are of the whole phase; `operations` is what to divide them by."""
    metrics = _metrics(loaded, groups)
    return {
        label: {
            arm.name: {
                "operations": arm.measured_counted("operations"),
                "counts": {metric.name: arm.count(metric.name, [options.phase]) for metric in metrics},
                "not_trusted": sorted(arm.distrusted()),
            }
            for arm in arms
        }
        for label, arms in found.items()
    }


def main() -> int:
    return command.main("faultline counts", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

"""`faultline compare`: two allocators of one document, or one allocator in two documents, as a table of
differences."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from faultline_reports import command, comparison, document, formatting
from faultline_reports.ab.table import aligned
from faultline_reports.comparison import Row
from faultline_reports.errors import Exit, UserError
from faultline_reports.model import Document
from faultline_reports.statistics import thresholds
from faultline_reports.statistics.signed_rank import best_confidence
from faultline_reports.statistics.verdict import Verdict

EXAMPLE = """examples:
  faultline compare results.json system jemalloc       two allocators of one run, paired by round
  faultline compare old.json new.json -a slabuddy      one allocator in two runs"""


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline compare",
        description="Compares two allocators of one document, or one allocator in two documents: difference, "
        "interval and verdict for each workload and metric.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("first", metavar="RESULTS.json", help="a result document (the older one of two)")
    result.add_argument(
        "second", metavar="NEW.json|BASE", help="the newer document, or the allocator to compare with"
    )
    result.add_argument(
        "third", metavar="CANDIDATE", nargs="?", help="the allocator that is compared with BASE"
    )
    result.add_argument(
        "-a", "--allocator", metavar="NAME", help="with two documents: the allocator to compare"
    )
    result.add_argument(
        "--reference",
        metavar="NAME",
        help="with two documents: take times relative to this allocator, measured in the same rounds "
        "(default: one that both have with the same library, system first)",
    )
    result.add_argument(
        "--force",
        action="store_true",
        help="compare two documents of different hosts or parameters all the same",
    )
    result.add_argument("--json", action="store_true", help="print JSON")
    return result


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.third is not None:
        if options.allocator or options.reference or options.force:
            raise UserError(
                Exit.USAGE, "", "-a, --reference and --force are for two documents", "leave them out"
            )
        loaded = document.load(options.first)
        for name in (options.second, options.third):
            _check_name(loaded, name)
        rows = comparison.within(loaded, options.second, options.third)
        head = _head_within(loaded, options.second, options.third)
    else:
        rows, head = _two_documents(options)
    if options.json:
        print(
            json.dumps(
                {**head, "rows": [comparison.json_row(row, _verdict(row), _note(row)) for row in rows]},
                indent=1,
                ensure_ascii=False,
            )
        )
    else:
        _print(rows, head)
    return 0


def _two_documents(options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    if not options.second.endswith(".json") and not os.path.exists(options.second):
        remedy = "give `RESULTS.json BASE CANDIDATE`, or `OLD.json NEW.json`"
        raise UserError(Exit.USAGE, "", f"what {options.second!r} is compared with is missing", remedy)
    old, new = document.load(options.first), document.load(options.second)
    warnings = _fingerprints(old, new, options.force)
    warnings += _parameters(old, new, options.force)
    allocator = _choose_allocator(old, new, options.allocator)
    reference = _choose_reference(old, new, allocator, options.reference)
    rows = comparison.between(old, new, allocator, reference)
    if not rows:
        raise UserError(
            Exit.DATA, new.source, f"has no workload in common with {old.source}", "compare runs of one suite"
        )
    if reference is None:
        warnings.append(
            "times of different moments cannot be compared without an allocator that ran beside both; "
            "they get no verdict"
        )
    head = {
        "base": {"document": old.source, "allocator": allocator, "rounds": len(old.rounds)},
        "candidate": {"document": new.source, "allocator": allocator, "rounds": len(new.rounds)},
        "paired": False,
        "reference": reference,
        "warnings": warnings + _common_warnings(old) + _common_warnings(new),
    }
    return rows, head


def _check_name(loaded: Document, name: str) -> None:
    known = [allocator.name for allocator in loaded.allocators]
    if name not in known:
        remedy = f"it has {', '.join(known) or 'none'}"
        raise UserError(Exit.USAGE, loaded.source, f"has no allocator {name!r}", remedy)


def _choose_allocator(old: Document, new: Document, wished: str | None) -> str:
    if wished is not None:
        _check_name(old, wished)
        _check_name(new, wished)
        return wished
    names = [allocator.name for allocator in old.subjects() if new.allocator(allocator.name)]
    if len(names) != 1:
        what = "have no allocator in common" if not names else f"have {len(names)} allocators in common"
        remedy = "name one with -a" + (f": {', '.join(names)}" if names else " from runs that share one")
        raise UserError(Exit.USAGE, f"{old.source} and {new.source}", what, remedy)
    return names[0]


def _choose_reference(old: Document, new: Document, allocator: str, wished: str | None) -> str | None:
    if wished is not None:
        _check_name(old, wished)
        _check_name(new, wished)
        if wished == allocator:
            raise UserError(
                Exit.USAGE, "--reference", f"{wished!r} is the allocator to compare", "name another one"
            )
        return wished
    names = []
    for entry in old.subjects():
        other = new.allocator(entry.name)
        if other and entry.name != allocator and entry.sha256 and entry.sha256 == other.sha256:
            names.append(entry.name)
    return "system" if "system" in names else names[0] if names else None


def _fingerprints(old: Document, new: Document, force: bool) -> list[str]:
    if old.fingerprint and old.fingerprint == new.fingerprint:
        return []
    keys = [*old.deciding, *(key for key in new.deciding if key not in old.deciding)]
    differing = [key for key in keys if old.deciding.get(key) != new.deciding.get(key)]
    what = (
        f"hosts differ in {', '.join(differing)}" if differing else "the hosts' fingerprints are not the same"
    )
    if not force:
        remedy = "run both on one host, or add --force to compare all the same"
        raise UserError(Exit.DATA, f"{old.source} and {new.source}", what, remedy)
    return [f"{what}: a difference below may be the hosts', not the allocator's"]


def _parameters(old: Document, new: Document, force: bool) -> list[str]:
    """Workloads of one name must have done the same work."""
    others = {workload.label: workload for workload in new.workloads}
    differing = []
    for workload in old.workloads:
        other = others.get(workload.label)
        if other is None or not workload.parameters or not other.parameters:
            continue  # not in both, or not recorded
        one, two = comparison.work_of(workload), comparison.work_of(other)
        keys = [key for key in {**one, **two} if one.get(key) != two.get(key)]
        changes = ", ".join(f"{key} {one.get(key, 'unset')} and {two.get(key, 'unset')}" for key in keys)
        if changes:
            differing.append(f"{workload.label} ({changes})")
    if not differing:
        return []
    more = f" and {formatting.count(len(differing) - 3, 'more workload')}" if len(differing) > 3 else ""
    what = f"parameters differ in {'; '.join(differing[:3])}{more}"
    if not force:
        remedy = "run both with the same parameters, or add --force to compare all the same"
        raise UserError(Exit.DATA, f"{old.source} and {new.source}", what, remedy)
    return [f"{what}: a difference below may be the work's, not the allocator's"]


def _common_warnings(loaded: Document) -> list[str]:
    lines = list(loaded.remarks)
    invalid = sum(not trial.valid for trial in loaded.trials)
    if invalid:
        lines.append(f"{loaded.source}: {formatting.count(invalid, 'invalid trial')} left out")
    if not loaded.complete:
        lines.append(
            f"{loaded.source}: the run was cut short; "
            f"{formatting.count(len(loaded.rounds), 'whole round')} used"
        )
    return lines


def _head_within(loaded: Document, base: str, candidate: str) -> dict[str, Any]:
    warnings = _common_warnings(loaded)
    rounds = len(loaded.rounds)
    most = best_confidence(rounds)
    if most < thresholds.CONFIDENCE:
        warnings.append(
            f"{formatting.count(rounds, 'round')} can give {formatting.percent(most)} confidence at most, "
            "not "
            f"{formatting.percent(thresholds.CONFIDENCE)}: ranges are smallest to largest (marked *), and "
            "no row can be "
            f"slower or faster; run with --rounds {thresholds.ROUNDS_RECOMMENDED}"
        )
    return {
        "base": {"document": loaded.source, "allocator": base, "rounds": rounds},
        "candidate": {"document": loaded.source, "allocator": candidate, "rounds": rounds},
        "paired": True,
        "reference": None,
        "warnings": warnings,
    }


def _verdict(row: Row) -> str:
    if row.effect is None:
        return "not measured" if row.missing.endswith("not measured") else "missing"
    return "inconclusive" if row.drifting else row.metric.word(row.effect.verdict)


def _note(row: Row) -> str:
    effect = row.effect
    if effect is None:
        return row.missing
    if row.drifting:
        return "different moments, no reference"
    if effect.verdict is Verdict.INCONCLUSIVE and effect.unanimous and effect.paired:
        word = row.metric.higher if effect.unanimous > 0 else row.metric.lower
        return f"{word} in all {effect.samples} rounds"
    return ""


def _print(rows: Sequence[Row], head: dict[str, Any]) -> None:
    base, candidate = head["base"], head["candidate"]
    if head["paired"]:
        print(
            f"{candidate['allocator']} compared with {base['allocator']}, paired by round "
            f"({base['document']})"
        )
    else:
        beside = f", times relative to {head['reference']}" if head["reference"] else ""
        print(
            f"{base['allocator']} in {candidate['document']} compared with {base['document']}, not "
            f"paired{beside}"
        )
    for line in head["warnings"]:
        print(f"warning: {line}")
    print()
    heads = ("workload", "metric", base["allocator"] if head["paired"] else "old", "", "", "n", "verdict", "")
    names = (candidate["allocator"] if head["paired"] else "new", "difference", "95 % interval")
    table = [[heads[0], heads[1], heads[2], *names, heads[5], heads[6], heads[7]]]
    last = ""
    for row in rows:
        effect = row.effect
        values = [
            formatting.quantity(value, row.metric.unit) if value is not None else "-"
            for value in (row.base, row.candidate)
        ]
        change, interval, count = "-", "-", "0"
        if effect is not None:
            change = formatting.effect_value(effect.shown.estimate, effect.scale, row.metric.unit)
            star = "" if effect.shown.reached else " *"
            interval = formatting.effect_range(effect, row.metric.unit) + star if effect.samples > 1 else "-"
            count = str(effect.samples)
        label = row.workload if row.workload != last else ""
        last = row.workload
        table.append([label, row.metric.short, *values, change, interval, count, _verdict(row), _note(row)])
    print("\n".join(aligned(table, left=(0, 1, 7, 8))))


def main() -> int:
    return command.main("faultline compare", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

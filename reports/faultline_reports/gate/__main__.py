"""`faultline gate`: may this change be merged?"""

from __future__ import annotations

import argparse
import datetime
import os
import secrets
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from faultline_reports import command, document, formatting, output
from faultline_reports.calibration import UNCALIBRATED
from faultline_reports.errors import Exit, UserError
from faultline_reports.gate import as_json, junit, markdown, policy, reasons, terminal, workflow
from faultline_reports.gate.decision import Outcome
from faultline_reports.gate.remedy import remedy
from faultline_reports.gate.result import NO_TIME, Result, Verdict
from faultline_reports.gate.sources import Measured, Stored
from faultline_reports.gate.stages import Judged, Source, judge
from faultline_reports.metrics import KERNEL
from faultline_reports.runner import budget
from faultline_reports.runner import options as run_options
from faultline_reports.runner.arms import arms, name_of
from faultline_reports.runner.campaign import Plan, planned, workspace

EXAMPLE = """examples:
  faultline gate old=build/a.so new=build/b.so --markdown gate.md --junit gate.xml
  faultline gate system jemalloc larson2 --budget 3m --keep out/gate
  faultline gate system jemalloc --from out/gate/stage1.json --from out/gate/stage2.json

exit status: 0 pass, 1 regression, 2 inconclusive, 3 could not tell; 64 and more: a wrong command
line, policy or document"""


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline gate",
        description="Compares a candidate with its base in two stages: interleaved rounds of everything "
        "name what may be worse, fresh rounds of that alone confirm it. At most 1 % of changes without "
        "effect fail.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("base", metavar="BASE", nargs="?", help="allocator: a name, NAME=path.so or a path")
    result.add_argument("candidate", metavar="CANDIDATE", nargs="?", help="the allocator that may be worse")
    result.add_argument("words", metavar="WORKLOAD", nargs="*", help="what to run (default: the policy's)")
    result.add_argument("--policy", metavar="FILE", help="default: gate.toml here, where there is one")
    result.add_argument("--example-policy", action="store_true", help="print a policy with every setting")
    result.add_argument(
        "--budget", metavar="TIME", help="at most so long, as 90s or 10m (default: the policy's)"
    )
    result.add_argument(
        "--check",
        action="store_true",
        help="say what is wrong with policy, workloads and allocators; measure nothing",
    )
    result.add_argument("--from", dest="stored", metavar="FILE.json", action="append", default=[],
                        help="judge stored rounds; given twice, the second has stage 2's")  # fmt: skip
    result.add_argument("--keep", metavar="DIR", help="keep the rounds: stage1.json and stage2.json")
    run_options.add(result)
    result.add_argument("--markdown", metavar="FILE", help="write a comment for the pull request")
    result.add_argument("--junit", metavar="FILE", help="write JUnit XML")
    result.add_argument("--json-file", metavar="FILE", help="write JSON")
    result.add_argument("--annotations", action="store_true", help="print workflow annotations for GitHub")
    result.add_argument("--json", action="store_true", help="print JSON instead of the table")
    result.add_argument("--all", action="store_true", help="show every row")
    return result


FORMS: tuple[tuple[str, Callable[[Result], str]], ...] = (
    ("markdown", markdown.text),
    ("junit", junit.text),
    ("json_file", as_json.text),
)


def run(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = parser().parse_args(arguments)
    if options.example_policy:
        print(policy.EXAMPLE, end="")
        return 0
    if options.candidate is None:
        raise UserError(
            Exit.USAGE, "", "two allocators are needed: BASE CANDIDATE", "see `faultline gate --help`"
        )
    rules = policy.chosen(options.policy)
    if options.budget:
        rules = replace(rules, budget_s=budget.seconds(options.budget, "--budget"))
    if options.check:
        labels = planned(options.words or rules.workloads, _arms(options), options.run_option)
        print(f"{formatting.count(len(labels), 'workload')}, {budget.words(rules.budget_s)}: {rules.source}")
        return 0
    clock = budget.Budget(rules.budget_s)
    result = _stored(options, rules, clock) if options.stored else _measured(options, rules, clock, arguments)
    for name, form in FORMS:
        if getattr(options, name):
            output.write(getattr(options, name), form(result))
    if options.annotations:
        sys.stdout.write(workflow.text(result))
    print(as_json.text(result) if options.json else "\n".join(terminal.lines(result, options.all)))
    return int(result.verdict)


def _arms(options: argparse.Namespace) -> tuple[str, str]:
    return arms(options.base, options.candidate)


def _stored(options: argparse.Namespace, rules: policy.Policy, clock: budget.Budget) -> Result:
    if len(options.stored) > 2:
        raise UserError(
            Exit.USAGE, "--from", "is given more than twice", "give stage 1's rounds and stage 2's"
        )
    documents = [document.load(path) for path in options.stored]
    names = (name_of(options.base), name_of(options.candidate))
    return _judged(Stored(documents, names), names, rules, clock, None)


def _measured(
    options: argparse.Namespace, rules: policy.Policy, clock: budget.Budget, arguments: Sequence[str]
) -> Result:
    chosen = _arms(options)
    names = (name_of(chosen[0]), name_of(chosen[1]))
    seed = options.seed if options.seed is not None else secrets.randbits(32)
    plan = Plan(options.words or rules.workloads, chosen, seed, options.run_option)
    labels = planned(plan.words, plan.arms, plan.options)  # what cannot be run is refused before all else

    def say(line: str) -> None:
        if not options.quiet:
            print(line, file=sys.stderr, flush=True)

    if options.keep:
        output.directory(options.keep)
    with workspace() as directory:
        source = Measured(plan, directory, rules.budget_s, say, rules, len(labels))
        result = _judged(source, names, rules, clock, rules.budget_s)
        if source.too_short:
            labels_of = {word: planned([word], plan.arms, plan.options) for word in plan.words}
            what = remedy(source.too_short, rules.budget_s, labels_of)
            result = replace(result, reasons=[*result.reasons, what])
        if options.keep:
            for kept in source.kept:
                raw = kept.raw(["faultline", "gate", *arguments])
                output.write(os.path.join(options.keep, f"{kept.name}.json"), output.document_text(raw))
    return result


def _judged(
    source: Source,
    names: tuple[str, str],
    rules: policy.Policy,
    clock: budget.Budget,
    limit: float | None,
) -> Result:
    today = datetime.date.today()
    judged: Judged = judge(source, names, rules, today)
    known = judged.calibration
    notes = [
        f"expired {entry.until}, no longer allowed: {entry.metric} of {entry.workload} ({entry.reason})"
        for entry in rules.expired(today)
    ]
    if judged.rounds:
        notes += _not_measured(judged, rules, source.uncounted)
    longer = [row for row in judged.rows if row.answer.rounds > judged.rounds and not row.answer.named]
    if longer:
        most, labels = max(row.answer.rounds for row in longer), dict.fromkeys(row.workload for row in longer)
        notes.append(f"more rounds, up to {most}, of {reasons.listed(list(labels))}")
    noisy = reasons.grouped(judged.rows, Outcome.TOO_NOISY)
    if noisy and not judged.too_short:
        notes += [f"left out of the verdict: {reason}" for reason in noisy]
    elif known is None and judged.verdict is Verdict.INCONCLUSIVE and not judged.too_short:
        notes.append("what is too noisy on this host is told and not gated once it is calibrated")
    return Result(
        verdict=judged.verdict,
        base=names[0],
        candidate=names[1],
        policy=rules.source,
        rows=judged.rows,
        rounds=judged.rounds,
        confirm_rounds=judged.confirm_rounds,
        seconds=clock.spent(),
        budget_s=limit,
        reasons=judged.reasons,
        notes=notes,
        false_alarms=known.false_alarms() if known else UNCALIBRATED,
        too_short=judged.too_short is not None,
    )


def _not_measured(judged: Judged, rules: policy.Policy, uncounted: bool) -> list[str]:
    """What the policy asks for and no row judges: for want of time, or because the host does not tell."""
    unseen = [metric for metric, _ in rules.metrics() if metric.key not in judged.measured]
    late = {metric.short for metric in unseen if uncounted and metric.key.startswith(KERNEL)}
    late |= {row.metric.short for row in judged.rows if row.note.startswith(NO_TIME)}
    notes = []
    if late and not judged.too_short:
        notes.append(f"not judged, {NO_TIME}: {', '.join(sorted(late))}")
    never = [metric.short for metric in unseen if metric.short not in late]
    if never:
        notes.append(f"not measured on this host: {', '.join(never)}")
    return notes


def main() -> int:
    return command.main("faultline gate", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

"""`faultline calibrate`: what two arms differ by on this host when they are the same."""

from __future__ import annotations

import argparse
import datetime
import math
import secrets
import signal
import sys
from collections.abc import Sequence

from faultline_reports import calibration, command, formatting
from faultline_reports.ab.table import aligned, print_json
from faultline_reports.errors import Exit, UserError
from faultline_reports.gate import power, replay
from faultline_reports.calibration import Calibration
from faultline_reports.gate.decision import Question
from faultline_reports.gate.policy import Policy
from faultline_reports.gate.questions import Asked, ask
from faultline_reports.model import Document
from faultline_reports.runner import budget
from faultline_reports.runner import options as run_options
from faultline_reports.runner.arms import arms, name_of
from faultline_reports.runner.campaign import Campaign, Plan, joined, slice_rounds, workspace
from faultline_reports.statistics import detectable, simultaneous
from faultline_reports.statistics.thresholds import (
    AB_MOST_ROUNDS,
    AB_ROUNDS,
    GATE_CONFIRM_ROUNDS,
    GATE_ROUNDS,
    POWER,
)
from faultline_reports.statistics.verdict import Scale

EXAMPLE = """examples:
  faultline calibrate                          suite quick, the system's malloc against itself
  faultline calibrate larson2 --budget 2m --wish 0.02"""

ROUNDS = 60
REPLAYS = 500
DECIDING = "cpu_ns_per_operation"
RESERVE_S = 20.0  # for the replays
SLICE_S = 30.0


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline calibrate",
        description="Runs an allocator against itself in interleaved rounds and stores for this host "
        "how much "
        "two arms differ that do not differ: the gate takes tolerances and what it could have seen from it. "
        "Says how many rounds a wished-for effect needs.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "words", metavar="WORKLOAD", nargs="*", help="what `faultline run` takes (default: quick)"
    )
    result.add_argument("-a", "--allocator", metavar="NAME", default="system", help="default: system")
    result.add_argument("--rounds", metavar="N", type=command.whole(calibration.LEAST_ROUNDS, 10_000),
                        default=ROUNDS, help=f"at most so many (default: {ROUNDS})")  # fmt: skip
    result.add_argument("--budget", metavar="TIME", default="15m", help="at most so long (default: 15m)")
    result.add_argument("--wish", metavar="SHARE", type=_share, default=0.03,
                        help="effect in CPU time to count the rounds for (default: 0.03)")  # fmt: skip
    run_options.add(result)
    result.add_argument("--json", action="store_true", help="print JSON")
    return result


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0001 <= value <= 10:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share such as 0.03")
    return value


def run(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = parser().parse_args(arguments)
    limit = budget.seconds(options.budget, "--budget")
    chosen = arms(options.allocator, options.allocator)
    names = (name_of(chosen[0]), name_of(chosen[1]))
    seed = options.seed if options.seed is not None else secrets.randbits(32)
    with workspace() as directory:
        plan = Plan(options.words or ["quick"], chosen, seed, options.run_option)
        campaign = Campaign(plan, directory)
        time_left = budget.Budget(max(1.0, limit - RESERVE_S))
        going = True
        while going and campaign.next_round < options.rounds:
            size = min(options.rounds - campaign.next_round, slice_rounds(campaign.round_s, SLICE_S))
            going = campaign.run(size, time_left)
            if not options.quiet:
                left = budget.words(max(0.0, time_left.left()))
                state = f"{campaign.next_round} of {formatting.count(options.rounds, 'round')}"
                print(f"{state}, at most {left} left", file=sys.stderr, flush=True)
    rounds = campaign.next_round
    if rounds < calibration.LEAST_ROUNDS:
        raise UserError(
            Exit.UNAVAILABLE,
            "",
            f"{formatting.count(rounds, 'whole round')} are too few to tell the noise: "
            f"{calibration.LEAST_ROUNDS} "
            "are needed",
            "give it a larger --budget, or name fewer workloads",
        )
    document = joined(campaign.parts)
    asked = ask(document, *names, Policy().metrics(), {})
    found = _calibration(document, asked, names[0], campaign.round_s)
    path = calibration.store(found)
    _show(options, found, asked, path)
    return 130 if campaign.interrupted else 0


def _calibration(document: Document, asked: Sequence[Asked], allocator: str, round_s: float) -> Calibration:
    questions = [entry.question for entry in asked]
    return Calibration(
        fingerprint=document.fingerprint,
        made=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        allocator=allocator,
        rounds=len(document.rounds),
        round_s=round_s,
        replays=REPLAYS,
        failed=replay.failures(questions, REPLAYS),
        parameters={workload.label: workload.parameters for workload in document.workloads},
        noise={entry.key: noise for entry in asked if (noise := _ratios(entry.question))},
    )


def _ratios(question: Question) -> list[float]:
    """The differences as logarithms of ratios; amounts in parts of the base, where that is not 0."""
    values = list(question.differences.values())
    if question.scale is Scale.RATIO:
        return values
    return [math.log1p(max(value / question.base, -0.999)) for value in values] if question.base > 0 else []


def _show(options: argparse.Namespace, found: Calibration, asked: Sequence[Asked], path: str) -> None:
    """For each workload's CPU time what an A/B and a gate could see here, and what a wished-for effect
    needs."""
    times = [entry for entry in asked if entry.metric.key == DECIDING and entry.question.differences]
    critical = simultaneous.critical_value([entry.question.differences for entry in asked])
    used = power.Used(GATE_ROUNDS, GATE_CONFIRM_ROUNDS, power.critical([entry.question for entry in asked]))
    rows, table = [], [["workload", *_heads(), f"rounds for {formatting.change(1 + options.wish)}"]]
    for entry in times:
        noise = list(entry.question.differences.values())
        few, many = (detectable.smallest(noise, n, critical) for n in (AB_ROUNDS, AB_MOST_ROUNDS))
        gated = power.detectable(entry.question, used)
        needed = _rounds_for(math.log1p(options.wish), many)
        row = {"workload": entry.workload, "ab_20": few, "ab_60": many, "gate": gated, "rounds": needed}
        rows.append(row)
        table.append(
            [
                entry.workload,
                *(_change(value) for value in (few, many, gated)),
                str(needed) if needed else "-",
            ]
        )
    known = [int(row["rounds"]) for row in rows if isinstance(row["rounds"], int)]
    most = max(known, default=0)
    if options.json:
        values = {"calibration": path, "rounds": found.rounds, "round_s": found.round_s, "rows": rows}
        print_json({**values, "replayed_gates": found.replays, "failed_gates": found.failed})
        return
    print(found.false_alarms())
    print(f"smallest effect in CPU time that is found with {formatting.percent(POWER)} probability:\n")
    for line in aligned(table, left=(0,)):
        print(line)
    if most:
        took = budget.words(most * found.round_s)
        print(f"\n{most} rounds of all of these take {took} here")
    print(f"stored: {path}")


def _heads() -> list[str]:
    return [f"A/B, {AB_ROUNDS} rounds", f"{AB_MOST_ROUNDS} rounds", "gate"]


def _change(value: float | None) -> str:
    return "-" if value is None else formatting.change(math.exp(value))


def _rounds_for(effect: float, seen: float | None) -> int | None:
    """From what is seen with the most rounds of an A/B: it falls with the root of their number."""
    if seen is None:
        return None
    needed = AB_MOST_ROUNDS * (seen / effect) ** 2
    return max(AB_ROUNDS, 2 * math.ceil(needed / 2))


def main() -> int:
    return command.main("faultline calibrate", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

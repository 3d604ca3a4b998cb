"""`faultline ab`: two allocators, or two builds of one, compared in interleaved rounds."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence

from faultline_reports import calibration, command, comparison, formatting, metrics, output, shards
from faultline_reports.ab import precision, table
from faultline_reports.comparison import Row
from faultline_reports.errors import Exit, UserError
from faultline_reports.metrics import LATENCY
from faultline_reports.runner import budget, revisions
from faultline_reports.runner import options as run_options
from faultline_reports.runner.arms import arms, name_of
from faultline_reports.runner.campaign import (
    INVALID_TRIALS,
    NO_PROBES,
    Campaign,
    Plan,
    joined,
    planned,
    slice_rounds,
    workspace,
)
from faultline_reports.statistics import detectable, thresholds

EXAMPLE = """examples:
  faultline ab system jemalloc larson4                      two allocators on one workload
  faultline ab old=build/a.so new=build/b.so                two builds on suite quick
  faultline ab system system                                an allocator with itself: the noise of this host
  faultline ab --revisions main HEAD --build 'make -j4' --library build/libmine.so

exit status: 0; 76 when trials were invalid; 130 after Ctrl-C, with what there was shown and kept"""

SLICE_S = 10.0  # what a slice of rounds should take: starting one costs half a second
REPORT_RESERVE_S = 2.0  # kept of the budget for the last look and the page


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline ab",
        description="Compares two allocators in interleaved rounds, each process fresh, both arms "
        "side by side, "
        f"{thresholds.AB_ROUNDS} rounds and then more until the CPU times' intervals are ±"
        f"{formatting.percent(thresholds.AB_HALF_WIDTH)} or the budget ends. Says slower, faster, "
        f"equivalent or "
        "inconclusive for time, memory, page faults and latency, and how small a difference it could "
        "have seen.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "words",
        metavar="BASE CANDIDATE [WORKLOAD...]",
        nargs="*",
        help="two allocators (a name, NAME=path.so or a path), then what `faultline run` takes "
        "(default: quick)",
    )
    result.add_argument("--budget", metavar="TIME", default="10m", help="at most so long: 90s, 10m (default)")
    result.add_argument(
        "--rounds",
        metavar="N",
        type=command.whole(1, 10_000),
        default=thresholds.AB_MOST_ROUNDS,
        help=f"at most so many rounds (default: {thresholds.AB_MOST_ROUNDS})",
    )
    run_options.add(result)
    result.add_argument(
        "--revisions", metavar=("OLD", "NEW"), nargs=2, help="build the arms from two revisions"
    )
    result.add_argument(
        "--build", metavar="COMMAND", help="with --revisions: builds a checkout, run by sh in it"
    )
    result.add_argument("--library", metavar="PATH", help="with --revisions: the .so that the build makes")
    result.add_argument(
        "-o",
        "--output",
        metavar="FILE.json",
        default="ab.json",
        help="the result document (default: ab.json)",
    )
    result.add_argument("--report", metavar="DIR|FILE.html", help="also make the HTML report")
    result.add_argument("--all", action="store_true", help="show every row")
    result.add_argument("--json", action="store_true", help="print JSON")
    return result


def look(campaign: Campaign, names: tuple[str, str]) -> list[Row]:
    document = joined(campaign.parts)
    return comparison.within(document, *names, (*metrics.reported(document), *LATENCY))


def measure(
    campaign: Campaign, names: tuple[str, str], time_left: budget.Budget, most: int, live: table.Live
) -> list[Row]:
    """Runs rounds until it is precise enough or over; the last look. Raises UserError."""
    rows: list[Row] = []
    while campaign.next_round < most:
        target = precision.next_look(campaign.next_round, most)
        while campaign.next_round < target:
            size = min(target - campaign.next_round, slice_rounds(campaign.round_s, SLICE_S))
            going = campaign.run(size, time_left)
            campaign.probes = NO_PROBES
            if campaign.parts:
                rows = look(campaign, names)
                live.show(rows, campaign.next_round, most, time_left.left())
            if not going:
                return rows
        if precision.enough(rows):
            break
    return rows


def run(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    options = parser().parse_args(arguments)
    limit = budget.seconds(options.budget, "--budget")
    with workspace() as directory, output.replacement(options.output) as write:
        words = list(options.words)
        if options.revisions:
            planned(words or ["quick"], ["system"], options.run_option)  # before anything is built
            built = revisions.arms_of(options.revisions, options.build, options.library, directory)
            words = [*built, *words]
        if len(words) < 2:
            raise UserError(
                Exit.USAGE, "", "two allocators are needed: BASE CANDIDATE", "see `faultline ab --help`"
            )
        chosen = arms(words[0], words[1])
        names = (name_of(chosen[0]), name_of(chosen[1]))
        seed = options.seed if options.seed is not None else secrets.randbits(32)
        plan = Plan(words[2:] or ["quick"], chosen, seed, options.run_option)
        campaign = Campaign(plan, directory, probes=None)  # the first slice has counts for the report
        time_left = budget.Budget(max(1.0, limit - REPORT_RESERVE_S))
        live = table.Live(sys.stderr, options.quiet)
        rows = measure(campaign, names, time_left, options.rounds, live)
        live.clear()
        if not campaign.parts:
            print(
                "faultline ab: ended before the first round was whole; nothing was written", file=sys.stderr
            )
            return 130 if campaign.interrupted else int(Exit.UNAVAILABLE)
        raw = shards.join(campaign.parts, ["faultline", "ab", *arguments])
        write(output.document_text(raw))
    _show(options, rows, names, campaign, seed)
    if options.report:
        _report(options.output, options.report, names[0])
    if campaign.interrupted:
        return 130
    invalid = any(not trial.valid for _, loaded in campaign.parts for trial in loaded.trials)
    return INVALID_TRIALS if invalid else 0


def _show(
    options: argparse.Namespace, rows: Sequence[Row], names: tuple[str, str], campaign: Campaign, seed: int
) -> None:
    document = joined(campaign.parts)
    known = calibration.load(document.fingerprint)
    noise = known.noise_for(document) if known else {}
    seen = [detectable.of(row.effect, noise.get((row.workload, row.metric.key))) for row in rows]
    trials = document.trials
    invalid = sum(not trial.valid for trial in trials)
    rounds = campaign.next_round
    precise = precision.enough(rows)
    if options.json:
        table.print_json(
            {
                "base": names[0],
                "candidate": names[1],
                "rounds": rounds,
                "precise_enough": precise,
                "seed": seed,
                "invalid_trials": invalid,
                "document": options.output,
                "rows": [table.json_row(row, value) for row, value in zip(rows, seen)],
            }
        )
        return
    print(f"{names[1]} compared with {names[0]}, {formatting.count(rounds, 'round')}, seed {seed}")
    if not precise:
        wanted = formatting.percent(thresholds.AB_HALF_WIDTH)
        print(f"warning: not every CPU time is known to ±{wanted}: give it a larger --budget or --rounds")
    if invalid:
        print(f"warning: {formatting.count(invalid, 'invalid trial')} of {len(trials)} left out")
    print(known.false_alarms() if known else calibration.UNCALIBRATED)
    print()
    for line in table.final(rows, names, seen, options.all):
        print(line)
    power = formatting.percent(thresholds.POWER)
    print(f'\n"could see": a difference that these rounds had found with {power} probability')
    print(f"results: {options.output}")


def _report(document: str, place: str, baseline: str) -> None:
    """By a process of its own: matplotlib is not needed before."""
    done = subprocess.run(
        [sys.executable, "-m", "faultline_reports.report", document, "-o", place, "--baseline", baseline],
        stderr=subprocess.PIPE,
        env=os.environ,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UserError(Exit.SOFTWARE, place, f"no report: {said[-1] if said else 'no reason given'}")


def main() -> int:
    return command.main("faultline ab", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

"""`faultline history bisect`: the commit from which on a project's allocator is worse, found by gates.

Each step builds the commit in the middle of what is left and gates it against the good one, on what was worse
in the bad one and nothing else. What cannot be built or told is left out, as `git bisect skip` does, and the
answer says so where it leaves more than one commit.
"""

from __future__ import annotations

import argparse
import datetime
import enum
import hashlib
import secrets
import signal
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from faultline_reports import command, formatting
from faultline_reports.ab.table import print_json
from faultline_reports.errors import Exit, UserError
from faultline_reports.gate import policy as policies
from faultline_reports.gate.decision import Outcome, Tier
from faultline_reports.gate.policy import Policy
from faultline_reports.gate.result import NO_TIME, Row, Verdict
from faultline_reports.gate.sources import Measured
from faultline_reports.gate.stages import judge
from faultline_reports.metrics import KERNEL, VALID_TRIALS
from faultline_reports.runner import budget, revisions
from faultline_reports.runner import options as run_options
from faultline_reports.runner.campaign import Plan, planned, workspace
from faultline_reports.runner.revisions import git

EXAMPLE = """example:
  faultline history bisect --good v1.0 --bad HEAD --build 'make -j2' --library build/libmine.so larson2

exit status: 0 found; 1 the bad commit is not worse; 2 inconclusive: more than one commit is left; 3 could not
tell; 64 and more: a wrong command line or repository"""

Key = tuple[str, str]  # workload, metric


class Answer(enum.Enum):
    GOOD = "good"
    BAD = "bad"
    SKIP = "skipped"


@dataclass(frozen=True)
class Step:
    commit: str
    answer: Answer
    why: str


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline history bisect",
        description="Finds the commit from which on an allocator is worse: builds the middle one of those "
        "left and gates it against the good one, until one is left. The repository is not touched.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("words", metavar="WORKLOAD", nargs="*", help="what to run (default: the policy's)")
    result.add_argument("--good", metavar="REV", required=True, help="a commit before the slowdown")
    result.add_argument("--bad", metavar="REV", required=True, help="a later one that has it")
    result.add_argument(
        "--build", metavar="COMMAND", required=True, help="builds a checkout, run by sh in it"
    )
    result.add_argument("--library", metavar="PATH", required=True, help="the .so that the build makes")
    result.add_argument("--metric", metavar="KEY", action="append", default=[],
                        help="look at this alone, as cpu_ns_per_operation; may be repeated")  # fmt: skip
    result.add_argument("--policy", metavar="FILE", help="limits, as for `faultline gate`")
    result.add_argument("--budget", metavar="TIME", help="of each gate (default: the policy's)")
    run_options.add(result)
    result.add_argument("--json", action="store_true", help="print JSON")
    return result


@dataclass
class Bisection:
    """What is asked of every commit."""

    options: argparse.Namespace
    rules: Policy
    directory: str
    good: str
    seed: int
    worse: Collection[Key] = ()  # what the bad commit is worse in

    def say(self, line: str) -> None:
        if not self.options.quiet:
            print(line, file=sys.stderr, flush=True)

    def library(self, commit: str) -> str:
        return revisions.build(commit, self.options.build, self.options.library, self.directory)

    def gate(self, commit: str, seconds: float, attempt: int) -> tuple[Verdict, list[Row], str]:
        """The verdict on `commit` against the good one, the rows that failed, and why it is none. What is
        sought and was not measured makes a pass inconclusive."""
        names = ("good", commit[:12])
        arms = [f"{name}={self.library(of)}" for name, of in zip(names, (self.good, commit))]
        only = [f"--only={label}" for label in dict.fromkeys(workload for workload, _ in self.worse)]
        plan = Plan(
            self.options.words or self.rules.workloads,
            arms,
            (self.seed + attempt) % 2**63,
            [*self.options.run_option, *only],
        )
        with workspace() as directory:
            source = Measured(plan, directory, seconds, lambda line: self.say(f"  {line}"), self.rules)
            judged = judge(source, names, self.rules, datetime.date.today())
            if source.interrupted:
                raise KeyboardInterrupt
        failed = [row for row in judged.rows if row.outcome is Outcome.REGRESSION]
        untold = [row for row in judged.rows if self._sought(row) and row.outcome is Outcome.NOT_MEASURED]
        uncounted = source.uncounted and any(key.startswith(KERNEL) for _, key in self.worse)
        if judged.verdict in (Verdict.PASS, Verdict.REGRESSION) and (untold or uncounted):
            return Verdict.INCONCLUSIVE, failed, untold[0].sentence() if untold else NO_TIME
        return judged.verdict, failed, judged.reasons[0] if judged.reasons else ""

    def _sought(self, row: Row) -> bool:
        return (row.workload, row.metric.key) in self.worse

    def step(self, commit: str, known: dict[str, Answer]) -> Step:
        """`known`: answers by the digest of libraries; one that is the same needs no gate."""
        try:
            digest = _digest(self.library(commit))
        except revisions.BuildError as reason:
            return Step(commit, Answer.SKIP, str(reason))
        if digest in known:
            return Step(commit, known[digest], "the same library as one that is known")
        why = ""
        for attempt, seconds in enumerate((self.rules.budget_s, 2 * self.rules.budget_s)):
            try:
                verdict, failed, why = self.gate(commit, seconds, attempt)
            except UserError as error:  # both ends could be run: it is this commit's library
                return Step(commit, Answer.SKIP, error.line())
            sought = [row for row in failed if self._sought(row)]
            if sought:
                known[digest] = Answer.BAD
                return Step(commit, Answer.BAD, sought[0].sentence())
            broken = [row for row in failed if row.metric is VALID_TRIALS]
            if broken:
                return Step(commit, Answer.SKIP, broken[0].sentence())
            if verdict in (
                Verdict.PASS,
                Verdict.REGRESSION,
            ):  # failed in something else: not what is looked for
                known[digest] = Answer.GOOD
                return Step(commit, Answer.GOOD, "not worse")
            if verdict is Verdict.COULD_NOT_TELL:
                break
        return Step(commit, Answer.SKIP, f"could not be told: {why}")


def left(good: Sequence[str], bad: str) -> list[str]:
    """The commits that may be the first bad one, those that split them best first; `bad` is one of them."""
    listed = git("rev-list", "--bisect-all", bad, *(f"^{commit}" for commit in good), where=bad)
    return [line.split()[0] for line in listed.splitlines()]


def search(bisection: Bisection, bad: str, known: dict[str, Answer]) -> tuple[list[str], list[Step]]:
    """The commits that may be the first bad one when nothing more can be asked, and the steps."""
    good, skipped, steps = [bisection.good], set[str](), list[Step]()
    while True:
        candidates = left(good, bad)
        open_ones = [commit for commit in candidates if commit != bad and commit not in skipped]
        if not open_ones:
            return [bad, *(commit for commit in candidates if commit != bad)], steps
        count = formatting.count(len(candidates), "commit")
        bisection.say(f"{count} left: {_described(open_ones[0])}")
        step = bisection.step(open_ones[0], known)
        bisection.say(f"  {step.answer.value}: {step.why}")
        steps.append(step)
        if step.answer is Answer.BAD:
            bad = step.commit
        elif step.answer is Answer.GOOD:
            good.append(step.commit)
        else:
            skipped.add(step.commit)


def run(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = parser().parse_args(arguments)
    revisions.check_library(options.library)
    rules = _rules(options)
    good, bad = revisions.commit_of(options.good), revisions.commit_of(options.bad)
    if good == bad or good not in git("rev-list", bad, where=options.bad).splitlines():
        raise UserError(
            Exit.DATA, options.good, f"is not an earlier commit of {options.bad}", "give --good before --bad"
        )
    planned(options.words or rules.workloads, ["system"], options.run_option)  # before anything is built
    seed = options.seed if options.seed is not None else secrets.randbits(32)
    with workspace() as directory:
        bisection = Bisection(options, rules, directory, good, seed)
        try:
            digests = [_digest(bisection.library(commit)) for commit in (good, bad)]
        except revisions.BuildError as reason:
            raise UserError(Exit.DATA, "--build", str(reason), "both ends have to build") from None
        bisection.say(f"is {options.bad} worse than {options.good}?")
        verdict, failed, why = Verdict.PASS, list[Row](), "both are the same library"
        if digests[0] != digests[1]:
            verdict, failed, why = bisection.gate(bad, rules.budget_s, 0)
        if not failed:
            return _not_worse(options, verdict, why)
        for row in failed:
            bisection.say(f"  {row.sentence()}")
        bisection.worse = {(row.workload, row.metric.key) for row in failed}
        bisection.rules = _only(rules, [row.metric.key for row in failed])
        commits, steps = search(bisection, bad, {digests[0]: Answer.GOOD, digests[1]: Answer.BAD})
    _show(options, commits, steps, failed)
    return 0 if len(commits) == 1 else int(Verdict.INCONCLUSIVE)


def _rules(options: argparse.Namespace) -> Policy:
    rules = policies.chosen(options.policy)
    if options.budget:
        rules = replace(rules, budget_s=budget.seconds(options.budget, "--budget"))
    unknown = [key for key in options.metric if key not in rules.rules]
    if unknown:
        raise UserError(
            Exit.USAGE, "--metric", f"{unknown[0]!r} is not one", f"there are {', '.join(rules.rules)}"
        )
    return _only(rules, options.metric) if options.metric else rules


def _only(rules: Policy, keys: Collection[str]) -> Policy:
    """The policy with these metrics alone; all of them where the bad commit does not even run."""
    if VALID_TRIALS.key in keys:
        return rules
    kept = {key: rule if key in keys else replace(rule, tier=Tier.OFF) for key, rule in rules.rules.items()}
    counted = rules.instructions if policies.INSTRUCTIONS in keys else "never"
    return replace(rules, rules=kept, instructions=counted)


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _described(commit: str) -> str:
    return git("show", "--no-patch", "--format=%h %cs %an: %s", commit, where=commit)


def _not_worse(options: argparse.Namespace, verdict: Verdict, why: str) -> int:
    status = Verdict.REGRESSION if verdict in (Verdict.PASS, Verdict.REGRESSION) else verdict
    said = "is not worse than" if status is Verdict.REGRESSION else "could not be told from"
    if options.json:
        print_json({"found": [], "reason": why, "verdict": verdict.words})
    else:
        print(f"{options.bad} {said} {options.good}" + (f": {why}" if why else ""))
    return int(status)


def _show(
    options: argparse.Namespace, commits: Sequence[str], steps: Sequence[Step], failed: Sequence[Row]
) -> None:
    if options.json:
        value: dict[str, Any] = {
            "found": list(commits),
            "steps": [{"commit": s.commit, "answer": s.answer.value, "why": s.why} for s in steps],
            "worse": [{"workload": r.workload, "metric": r.metric.key, "estimate": r.answer.estimate,
                       "interval": [r.answer.low, r.answer.high]} for r in failed],
        }  # fmt: skip
        print_json(value)
        return
    for step in steps:
        print(f"{step.commit[:12]} {step.answer.value}: {step.why}")
    if len(commits) == 1:
        print(f"\nfirst bad commit: {_described(commits[0])}\n{commits[0]}")
        return
    print("\nthe first bad commit is one of these; what lies between could not be told:")
    for commit in commits:
        print(f"  {_described(commit)}")

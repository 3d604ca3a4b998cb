"""A campaign: rounds of one plan, run in slices by `faultline run` and kept as documents.

Each slice is a process of its own with the campaign's seed and the next round numbers, so that its rounds are
the ones that a single longer run would have drawn. A slice that is stopped, by the budget or by Ctrl-C, keeps
the rounds that were whole.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from faultline_reports import fields, shards
from faultline_reports.errors import Exit, UserError, visible
from faultline_reports.model import Document
from faultline_reports.runner.budget import Budget

INVALID_TRIALS = 76  # of `faultline run`: the document is there and names them
STOP_GRACE_S = 10.0  # from the request to stop to its end


@dataclass(frozen=True)
class Plan:
    """What is run: the words that `faultline run` takes, and the settings that are the same in every
    slice."""

    words: Sequence[str]
    arms: Sequence[str]  # "system", "new=build/b.so"
    seed: int
    options: Sequence[str] = ()  # passed on as they are


def slice_rounds(round_s: float, seconds: float) -> int:
    """Rounds that take about `seconds`: an even number, so that in each slice either arm goes first as
    often."""
    return max(2, round(seconds / round_s / 2) * 2) if round_s > 0 else 2


def program() -> str:
    """The program `faultline`. Raises UserError."""
    named = os.environ.get("FAULTLINE_PROGRAM") or shutil.which("faultline")
    if not named or not os.access(named, os.X_OK):
        raise UserError(
            Exit.UNAVAILABLE, named or "faultline", "is not there to run trials with", "build the whole tree"
        )
    return named


@contextlib.contextmanager
def workspace() -> Iterator[str]:
    """A directory for slices that is gone afterwards."""
    directory = tempfile.mkdtemp(prefix="faultline-")
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


NO_PROBES = "none"


@dataclass
class Campaign:
    """Rounds of `plan` so far. `directory` is for slices; it must outlive the campaign's runs. `probes`: the
    groups of kernel figures for the next slice, unless the plan's options name some; None: those that
    `faultline run` takes by itself, with a trial more for each pair."""

    plan: Plan
    directory: str
    probes: str | None = NO_PROBES
    next_round: int = 0  # the first that was not run
    interrupted: bool = False  # by Ctrl-C: nothing more is run
    round_s: float = 0.0  # what a round took in the last slice that was whole
    parts: list[tuple[shards.Raw, Document]] = field(default_factory=list)

    def run(self, rounds: int, budget: Budget, only: Sequence[str] = ()) -> bool:
        """Runs the next `rounds` rounds, of the workloads labelled `only` when given. False when it ended
        before all of them were whole. Raises UserError with what `faultline run` had to say."""
        if self.interrupted or budget.left() <= 0:
            return False
        output = os.path.join(self.directory, f"slice-{self.next_round}.json")
        began = time.monotonic()
        status, complaint = _run(self._command(rounds, output, only), budget, self._interrupt)
        spent = time.monotonic() - began
        if not os.path.exists(output):
            if self.interrupted or budget.left() <= 0:
                return False  # before the first round was whole
            raise _refusal(complaint, status)
        if status not in (0, INVALID_TRIALS) and not self.interrupted and budget.left() > 0:
            raise _refusal(complaint, status)
        part = shards.load(output)
        os.unlink(output)
        self.parts.append(part)
        done = len(part[1].rounds)
        self.next_round += done
        if done == rounds:
            self.round_s = spent / done
        return done == rounds

    def _interrupt(self) -> None:
        self.interrupted = True

    def _command(self, rounds: int, output: str, only: Sequence[str]) -> list[str]:
        plan = self.plan
        command = [program(), "run", *plan.words]
        for arm in plan.arms:
            command += ["-a", arm]
        for label in only:
            command += ["--only", label]
        command += ["--rounds", str(rounds), "--first-round", str(self.next_round), "--seed", str(plan.seed)]
        if self.probes is not None and not any(option.startswith("--probes") for option in plan.options):
            command += ["--probes", self.probes]
        return [*command, *plan.options, "--no-floor", "--no-occupancy", "--json", "--quiet", "-o", output]

    def document(self, command: Sequence[str]) -> shards.Raw | None:
        """All rounds so far as one raw document; None before the first one."""
        return shards.join(self.parts, command) if self.parts else None


def planned(words: Sequence[str], arms: Sequence[str], options: Sequence[str] = ()) -> list[str]:
    """The labels of the workloads that `words` are, without running one. Raises UserError with what
    `faultline run` has against the words, the allocators or the options."""
    command = [program(), "run", *words]
    for arm in arms:
        command += ["-a", arm]
    command += [*options, "--no-floor", "--json", "--quiet", "--dry-run"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        raise _refusal(done.stderr.decode("utf-8", "replace"), done.returncode)
    said = fields.Object(fields.parse(done.stdout, "faultline run"), "", "faultline run")
    return said.texts("workloads")


def joined(parts: Sequence[tuple[shards.Raw, Document]]) -> Document:
    """The typed documents of a campaign as one: the plan of the first with the trials of all."""
    first = parts[0][1]
    return dataclasses.replace(
        first,
        trials=[trial for _, loaded in parts for trial in loaded.trials],
        counts=[trial for _, loaded in parts for trial in loaded.counts],
        occupancy=[trial for _, loaded in parts for trial in loaded.occupancy],
        rounds=[number for _, loaded in parts for number in loaded.rounds],
    )


def _run(command: Sequence[str], budget: Budget, interrupted: Callable[[], None]) -> tuple[int, str]:
    """Its exit status and what it said, once it ended: by itself, at the end of the budget, or by Ctrl-C."""
    # A session of its own: Ctrl-C reaches this process alone, which hands it on once.
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    limit = budget.left()
    try:
        said = process.communicate(timeout=None if limit == float("inf") else max(0.01, limit))[1]
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as ended:
        if isinstance(ended, KeyboardInterrupt):
            interrupted()
        process.send_signal(signal.SIGINT)
        try:
            said = process.communicate(timeout=STOP_GRACE_S)[1]
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            said = process.communicate()[1]
    return process.returncode, said.decode("utf-8", "replace")


def _refusal(complaint: str, status: int) -> UserError:
    """The last line that `faultline run` said, as an error of this command."""
    lines = [line for line in complaint.strip().splitlines() if line.startswith("faultline: ")]
    known = {int(entry): entry for entry in Exit}
    if not lines:
        what = f"`faultline run` ended with status {status} and no word"
        return UserError(Exit.SOFTWARE, "", what, "run it by itself to see why")
    return UserError(known.get(status, Exit.SOFTWARE), "", visible(lines[-1].removeprefix("faultline: ")))

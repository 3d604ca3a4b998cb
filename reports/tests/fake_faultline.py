#!/usr/bin/python3
"""Stands in for the program `faultline` where a test needs rounds but no allocator: `run` writes a document
of made-up trials for the options that the Python commands use, at once.

FAKE_FAULTLINE holds JSON: `effects` {arm: [cpu, memory, faults factors]}, `noise` (of a process's CPU time),
`round_s` (how long a round takes), `invalid` {arm: reason}, `complaint` (ends with that line), `quirk_from`
(rounds from this one on have `quirk` {arm: factors} instead of the effects), `log` (a file that gets each
command line), `rows` (how many workloads), `calls` {arm: factor of the kernel's counts}, `calls_noise` {arm:
how much these vary from process to process}, `calls_of_round` (how much they do for both arms of a round
alike),
`refused` (an arm that cannot be run), `content` (a file: what is written instead). With --probes inline,...
trials have kernel counts, else none.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import signal
import sys
import time
from typing import Any

import fake_documents


def document(options: argparse.Namespace, setup: dict[str, Any], first: int, rounds: int) -> dict[str, Any]:
    names = [arm.partition("=")[0] for arm in options.allocators]
    rows = fake_documents.WORKLOADS[: setup.get("rows", 2)]
    rows = tuple(row for row in rows if not options.only or row[0] in options.only)
    result: dict[str, Any] = {}
    for number in range(first, first + rounds):
        factors = setup.get("effects", {})
        if number >= setup.get("quirk_from", 10**9):
            factors = setup["quirk"]
        arms = {name: (*factors.get(name, (1.0, 1.0, 1.0)), 0.5, "1", f"/opt/{name}.so") for name in names}
        one = fake_documents.make(
            seed=options.seed * 10_007 + number,
            rounds=1,
            workloads=rows,
            allocators=names,
            baseline_noise=setup.get("noise", 0.01),
            samples=0,
            floor=False,
            shape_spread=0.0,
            more=arms,
        )
        for trial in one["trials"]:
            trial["round"] = number
            for phase in trial["phases"]:
                kernel = phase["kernel"] if (options.probes or "").startswith("inline") else {}
                arm = trial["allocator"].removesuffix("-again")
                factor = setup.get("calls", {}).get(arm, 1.0)
                factor *= _drawn(setup.get("calls_noise", {}).get(arm, 0.0), trial, trial["allocator"])
                factor *= _drawn(setup.get("calls_of_round", 0.0), trial, "")
                phase["kernel"] = {name: value and value * factor for name, value in kernel.items()}
        if result:
            result["trials"] += one["trials"]
        else:
            result = one
    for name, reason in setup.get("invalid", {}).items():
        fake_documents.invalidate(result, name, reason)
    for allocator in result["plan"]["allocators"]:
        allocator["sha256"] = hashlib.sha256(allocator["name"].encode()).hexdigest()
    result["plan"]["probes"] = (options.probes or "").split(",")
    result["plan"].update(seed=options.seed, rounds=options.rounds, first_round=first)
    result["rounds_whole"] = rounds
    result["complete"] = rounds == options.rounds
    return result


def _drawn(noise: float, trial: dict[str, Any], arm: str) -> float:
    """A factor of this round of the workload, of `arm` alone when one is named."""
    draw = random.Random(f"{trial['round']} {trial['workload']} {arm}")
    return math.exp(draw.gauss(0.0, noise))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["run"])
    parser.add_argument("words", nargs="+")
    parser.add_argument("-a", dest="allocators", action="append")
    parser.add_argument("--only", action="append")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--first-round", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--idle-ms")
    parser.add_argument("--probes")
    for flag in ("--no-floor", "--no-occupancy", "--json", "--quiet", "--dry-run"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("-o", dest="output")
    options = parser.parse_args()
    setup = json.loads(os.environ.get("FAKE_FAULTLINE", "{}"))
    if "log" in setup and not options.dry_run:  # what measures
        with open(setup["log"], "a", encoding="utf-8") as log:
            print(*sys.argv[1:], file=log)
    if any(arm.partition("=")[0] == setup.get("refused") for arm in options.allocators):
        print(f"faultline: {setup['refused']} exports nothing", file=sys.stderr)
        return 65
    if "complaint" in setup:
        print(f"faultline: {setup['complaint']}", file=sys.stderr)
        return 64
    if options.dry_run:
        print(json.dumps({"workloads": [row[0] for row in fake_documents.WORKLOADS[: setup.get("rows", 2)]]}))
        return 0
    stopped = []
    signal.signal(signal.SIGINT, lambda *_: stopped.append(True))
    for done in range(1, options.rounds + 1):
        if setup.get("round_s"):
            until = time.monotonic() + setup["round_s"]
            while time.monotonic() < until and not stopped:
                time.sleep(0.01)
        if stopped:
            return 130
        if setup.get("round_s") or done == options.rounds:
            with open(options.output, "w", encoding="utf-8") as file:
                if "content" in setup:
                    with open(setup["content"], encoding="utf-8") as content:
                        file.write(content.read())
                else:
                    json.dump(document(options, setup, options.first_round, done), file)
    return 76 if setup.get("invalid") else 0


if __name__ == "__main__":
    sys.exit(main())
